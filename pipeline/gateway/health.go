package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// The words of readiness.
const (
	statusReady    = "ready"
	statusFailing  = "failing"
	statusDraining = "draining"
)

// checkTimeout bounds each check of the readiness; a part that takes longer
// than a prober's patience does not work.
const checkTimeout = 2 * time.Second

// DegradedError is what a check says of a part that the gateway can do without:
// it is told, and does not keep the gateway from being ready.
type DegradedError struct {
	Err     error
	Without string // what is not done meanwhile, or is done worse
}

// Error names the fault, then what comes of it.
func (e *DegradedError) Error() string { return fmt.Sprintf("degraded: %s; %v", e.Without, e.Err) }

// Unwrap gives the fault.
func (e *DegradedError) Unwrap() error { return e.Err }

// healthy answers GET /healthz: the process answers.
func (g *Gateway) healthy(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"ok"})
}

// ready answers GET /readyz.
func (g *Gateway) ready(w http.ResponseWriter, r *http.Request) {
	readiness := g.Readiness(r.Context())
	status := http.StatusOK
	if readiness.Status != statusReady {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, readiness)
}

// Readiness runs the checks, all at once.
func (g *Gateway) Readiness(ctx context.Context) api.Readiness {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	out := api.Readiness{Status: statusReady, Checks: make(map[string]string, len(g.cfg.Checks))}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name, check := range g.cfg.Checks {
		wg.Go(func() {
			said := "ok"
			err := check(ctx)
			if err != nil {
				said = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			out.Checks[name] = said
			if _, degraded := errors.AsType[*DegradedError](err); err != nil && !degraded {
				out.Status = statusFailing
			}
		})
	}
	wg.Wait()
	if g.draining.Load() {
		out.Status = statusDraining
	}
	return out
}
