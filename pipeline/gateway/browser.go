package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// hosts is the allow list of names that this server answers to. It keeps a web
// page whose name was made to resolve to our address (DNS rebinding) from
// reading our answers as its own.
type hosts map[string]bool

// newHosts allows the loopback names and others. Names are compared without
// their port: a forwarded port is still this server.
func newHosts(others []string) hosts {
	h := hosts{"localhost": true, "127.0.0.1": true, "::1": true}
	for _, name := range others {
		h[hostName(name)] = true
	}
	return h
}

// hostName gives the name of a Host header in its one spelling, without port,
// brackets and the root's dot.
func hostName(host string) string {
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	return strings.TrimSuffix(strings.ToLower(name), ".")
}

// refuse gives the problem of a request that a foreign web page may have sent,
// or nil.
func (h hosts) refuse(r *http.Request) *api.Problem {
	if !h.serves(r) {
		return problem(http.StatusMisdirectedRequest, api.CodeMisdirected, "this server does not answer to the Host of the request; --allowed-host adds one")
	}
	for _, origin := range r.Header.Values("Origin") {
		if !sameOrigin(origin, r) {
			return problem(http.StatusForbidden, api.CodeForbidden, "requests from foreign web pages are refused")
		}
	}
	return nil
}

// serves says whether the Host is ours: an allowed name, or the very address
// that the connection came in at, which no page can rebind.
func (h hosts) serves(r *http.Request) bool {
	name := hostName(r.Host)
	if h[name] {
		return true
	}
	asked, err := netip.ParseAddr(name)
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return err == nil && ok && asked.Unmap() == local.AddrPort().Addr().WithZone("").Unmap()
}

// sameOrigin says whether a page of this very server sent the request.
func sameOrigin(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return u.Scheme == scheme && strings.EqualFold(u.Host, r.Host)
}
