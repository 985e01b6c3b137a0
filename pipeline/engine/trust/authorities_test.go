package trust

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAuthorities(t *testing.T) {
	if pool, err := Authorities(""); pool != nil || err != nil {
		t.Errorf("no file is %v, %v, want the system's", pool, err)
	}
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	pool, err := Authorities(file)
	if err != nil || pool == nil {
		t.Fatalf("%s is %v, %v", file, pool, err)
	}
	for text, says := range map[string]string{"": "holds no certificate", "no certificate": "holds no certificate"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Authorities(file); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q gave %v", text, err)
		}
	}
	if _, err := Authorities(file + ".none"); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("no such file gave %v", err)
	}
}
