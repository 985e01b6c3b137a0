// Package hostport reads where a server of an engine listens.
package hostport

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Parse reads host, host:port, an IPv6 address, or [IPv6]:port, with the port
// that is meant when there is none, and gives host:port. An empty defaultPort
// makes the port a must. What stands in the place of a port is in no error: it
// may be the password of an address that has no host behind it.
func Parse(text, defaultPort string) (string, error) {
	host, port := split(strings.TrimSpace(text))
	if host == "" {
		return "", errors.New("a host is missing")
	}
	if name, _, found := strings.Cut(host, ":"); found && net.ParseIP(host) == nil {
		return "", fmt.Errorf("what begins with %q is not a host and a port", name)
	}
	if strings.ContainsFunc(host, foreign) {
		return "", fmt.Errorf("%q is not the name of a host", host)
	}
	if port == "" {
		port = defaultPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("the port of %s is none of 1 to 65535", host)
	}
	return net.JoinHostPort(host, port), nil
}

// split is net.SplitHostPort for what may have no port.
func split(text string) (host, port string) {
	if host, port, err := net.SplitHostPort(text); err == nil && (port != "" || host == "") {
		return host, port
	}
	if inner, found := strings.CutPrefix(text, "["); found {
		if address, found := strings.CutSuffix(inner, "]"); found && net.ParseIP(address) != nil {
			return address, ""
		}
	}
	return text, ""
}

// foreign says whether a character stands in no name of a host and in no
// address; underscores and names beyond ASCII are left to the resolver.
func foreign(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`[]/\?#@,"'<>`, r)
}
