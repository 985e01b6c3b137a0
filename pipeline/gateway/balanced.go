package gateway

import (
	"net/http"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// A Meter is told how many notifications a submission holds, as soon as its
// body is decoded and before anything else is done with it. A load balancer
// passes a response writer that is one, to know what its gateways are given.
type Meter interface {
	http.ResponseWriter
	Submitted(notifications int)
}

// Refuse answers 503 for a load balancer that has no gateway for a request: as
// any other answer it has an id, is observed and logged. Nothing of the
// request's body is read.
func (g *Gateway) Refuse(w http.ResponseWriter, r *http.Request, code, detail string) {
	g.serve(w, r, problem(http.StatusServiceUnavailable, code, detail))
}

// submitted tells the observer, and a balancer before the gateway, of a decoded
// submission.
func (g *Gateway) submitted(w http.ResponseWriter, notifications int) {
	g.cfg.Observer.Submitted(notifications)
	if m, ok := w.(*answer).ResponseWriter.(Meter); ok {
		m.Submitted(notifications)
	}
}

// refuse answers for a request that is not dispatched.
func (a *answer) refuse(r *http.Request, p *api.Problem) {
	if r.URL.Path == submitPath {
		a.route = submitPath
	}
	writeProblem(a, p)
}
