package region

import (
	"context"
	"errors"
	"net/http"
)

// Answer is the response writer that gateways answer by. What a gateway says
// after it was lost reaches nobody, and a refusal that another gateway may spare
// the client is held back.
type Answer struct {
	http.ResponseWriter
	global *Global
	body   keptBody

	metered  bool
	reads    bool // changes nothing
	keyed    bool // may be repeated whatever became of it
	gateway  *gateway
	tried    *gateway
	estimate float64 // of notifications, taken from the gateway's bucket
	begun    bool    // a gateway may have done what was asked for
	last     bool    // no other gateway is asked
	status   int     // 0 until the header is written
	dropped  bool    // nobody gets this answer
}

// errLost is what a gateway gets that writes after it was lost.
var errLost = errors.New("the gateway is lost")

// begin makes the answer one to a request.
func (a *Answer) begin(w http.ResponseWriter, r *http.Request) {
	a.ResponseWriter = w
	a.metered = a.global.cfg.Metered != nil && a.global.cfg.Metered(r)
	a.reads = r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	a.keyed = a.reads || isRepeatable(r)
	a.body.begin(r, a.keyed, &a.global.kept)
}

// isRepeatable says whether what changes something may be done twice: by its
// method, or by the key that the gateways know it by. Keys within a body are not
// looked for.
func isRepeatable(r *http.Request) bool {
	return r.Method == http.MethodPut || r.Method == http.MethodDelete || len(r.Header["Idempotency-Key"]) > 0
}

// end makes the answer ready for another request.
func (a *Answer) end() {
	a.body.end()
	*a = Answer{global: a.global, body: a.body}
	a.global.attempts.Put(a)
}

// try lets a gateway that was entered answer, and says whether its answer
// counts.
func (a *Answer) try(g *gateway, r *http.Request, last bool) (answered bool) {
	a.gateway, a.last, a.status, a.dropped = g, last, 0, false
	settled := false
	defer func() {
		a.leave(settled)
	}()
	a.serve(r)
	settled = true
	if !a.dropped && g.isLost() && a.status == 0 {
		a.dropped = true // its answer would only have been written now
	}
	if a.dropped {
		g.dropped.Add(1)
		a.begun = a.begun || !a.reads && (a.body.read || !a.body.any())
	}
	return !a.dropped
}

// serve calls the gateway. What only reads ends when the gateway is lost; a
// submission is left to its end, since its commit may be under way.
func (a *Answer) serve(r *http.Request) {
	if !a.reads {
		a.gateway.handler.ServeHTTP(a, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.gateway.ended.Load(), cancel)()
	a.gateway.handler.ServeHTTP(a, r.WithContext(ctx))
}

// leave takes the request from the gateway, and notes how it went there. A
// handler that panicked is not settled.
func (a *Answer) leave(settled bool) {
	g := a.gateway
	if a.estimate > 0 { // it was no submission after all
		g.bucket.correct(-a.estimate)
	}
	failed := !settled || a.status == http.StatusInternalServerError ||
		a.status == http.StatusBadGateway || a.status == http.StatusGatewayTimeout
	switch {
	case failed:
		g.failed.Add(1)
		if g.failures.Add(1) >= ejectAfter {
			g.region.global.eject(g)
		}
	case g.failures.Load() > 0:
		g.failures.Store(0)
	}
	a.tried, a.gateway = g, nil
	g.exit()
}

// repeatable says whether the request may go to another gateway after this one's
// answer was dropped.
func (a *Answer) repeatable() bool {
	return a.body.rewindable() && (a.keyed || !a.begun)
}

// rewind makes the request's body ready to be read once more.
func (a *Answer) rewind() { a.body.rewind() }

// Submitted says how many notifications the request holds.
func (a *Answer) Submitted(notifications int) {
	a.gateway.notifications.Add(int64(notifications))
	if !a.metered {
		return
	}
	a.global.size.add(float64(notifications))
	if a.estimate > 0 {
		a.gateway.bucket.correct(float64(notifications) - a.estimate)
		a.estimate = 0 // it is paid for
	}
}

// WriteHeader sends the header, unless nobody is to get the answer.
func (a *Answer) WriteHeader(status int) {
	if status >= 100 && status < 200 { // more will follow
		a.ResponseWriter.WriteHeader(status)
		return
	}
	if a.status != 0 {
		return
	}
	a.status = status
	refused := status == http.StatusServiceUnavailable && !a.last && a.body.any() && !a.body.read
	if a.gateway.isLost() || refused {
		a.dropped = true
		return
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body, unless nobody is to get the answer.
func (a *Answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.dropped {
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

// FlushError sends what was written.
func (a *Answer) FlushError() error {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.dropped {
		return errLost
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Unwrap serves [http.ResponseController].
func (a *Answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
