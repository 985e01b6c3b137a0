package gateway

import (
	"net/http"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// challenge is the WWW-Authenticate of a 401 (RFC 6750).
const challenge = `Bearer realm="notifyctl"`

// everybody is who calls where there are no keys: one nameless client that may
// do everything.
func everybody() apiKey {
	return apiKey{scopes: ScopeSend | ScopeSendTo | ScopeRead | ScopeAdmin}
}

// authenticate says who a request comes from. Without keys everybody may do
// everything.
func (k *Keys) authenticate(r *http.Request) (apiKey, *api.Problem) {
	if k == nil {
		return everybody(), nil
	}
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return apiKey{}, problem(http.StatusUnauthorized, api.CodeUnauthorized, "want an API key: Authorization: Bearer KEY")
	}
	scheme, secret, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return apiKey{}, problem(http.StatusUnauthorized, api.CodeUnauthorized, "want one API key: Authorization: Bearer KEY")
	}
	key, known := k.find(strings.TrimSpace(secret))
	if !known {
		return apiKey{}, problem(http.StatusUnauthorized, api.CodeUnauthorized, "the API key is unknown")
	}
	return key, nil
}

// require gives the problem of a key without a scope, or nil.
func (k *apiKey) require(s Scope) *api.Problem {
	if k.allows(s) {
		return nil
	}
	return problem(http.StatusForbidden, api.CodeForbidden, "the API key lacks the scope "+s.String())
}

// Guard lets a handler be reached as the gateway's own are: by a Host that is
// allowed, from no foreign web page, and, where there are keys, under one with
// the scope.
func Guard(next http.Handler, allowed []string, keys *Keys, s Scope) http.Handler {
	names := newHosts(allowed)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := names.refuse(r)
		if p == nil {
			var key apiKey
			if key, p = keys.authenticate(r); p == nil {
				p = key.require(s)
			}
		}
		if p != nil {
			writeProblem(w, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}
