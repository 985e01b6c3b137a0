package mockproviders

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// hostList holds the host names that requests may ask for.
type hostList struct {
	mu    sync.RWMutex
	names map[string]struct{}
}

func (h *hostList) allow(names ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names == nil {
		h.names = map[string]struct{}{}
	}
	for _, name := range names {
		h.names[strings.ToLower(name)] = struct{}{}
	}
}

// allowed says whether a host, with or without a port, is one of ours.
func (h *hostList) allowed(host string) bool {
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if name == "localhost" {
		return true
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	_, ok := h.names[name]
	return ok
}

// guard refuses what a browser may have been talked into: a Host that is not
// ours (421), an Origin that is not ours (403).
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.hosts.allowed(r.Host) {
			fail(w, http.StatusMisdirectedRequest, "this server does not answer under this host name; allow it by --allowed-host")
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !s.ownOrigin(origin) {
			fail(w, http.StatusForbidden, "requests from other web origins are refused")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ownOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && s.hosts.allowed(u.Host)
}

// authorized lets a request through to the control, when it has the token.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	if s.token == "" {
		return next
	}
	want := sha256.Sum256([]byte(s.token))
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(token))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, "the control of the mocks needs its token")
			return
		}
		next(w, r)
	}
}
