// Package trust reads whom connections to engines beyond the network trust.
package trust

import (
	"crypto/x509"
	"fmt"
	"os"
)

// Authorities reads the certificates of the authorities that vouch for servers
// from a file in PEM form. Without a file they are the system's, which is nil.
func Authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the authorities of its certificate cannot be read: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form, and is to hold the authorities of its certificate", file)
	}
	return authorities, nil
}
