package gateway

import (
	"context"
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
			if err != nil {
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
