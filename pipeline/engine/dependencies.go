package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

const (
	// askEvery is how often an engine is asked whether it answers. Readiness,
	// status and metrics tell of the last time, so that probes cost nothing.
	askEvery = time.Second
	// askPatience is how long its answer may take.
	askPatience = 2 * time.Second
)

// dependency is an engine beyond the network, and how it stands. It was up when
// it was opened.
type dependency struct {
	name    string
	address string // without user and password
	ping    func(context.Context) error
	// without says what is not done while it is away, or is done worse.
	without string
	// needed says that nothing of what the process is for is done without it.
	needed bool

	mu     sync.Mutex
	since  time.Time
	err    error // of the last time; nil while it is up
	failed int64
}

// ask asks it once.
func (d *dependency) ask(ctx context.Context, log *slog.Logger) {
	asking, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	err := d.ping(asking)
	if ctx.Err() != nil {
		return // the system closes
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.err
	d.err = err
	if err != nil {
		d.failed++
	}
	if (was == nil) == (err == nil) {
		return
	}
	d.since = time.Now()
	if err != nil {
		log.Warn("an engine does not answer", "engine", d.name, "address", d.address, "without_it", d.without, "error", err)
		return
	}
	log.Info("an engine answers again", "engine", d.name, "address", d.address)
}

// check is its part of the readiness.
func (d *dependency) check(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.err == nil:
		return nil
	case d.needed:
		return fmt.Errorf("%s, since %s; %w", d.without, d.since.UTC().Format(time.RFC3339), d.err)
	}
	return &gateway.DegradedError{Without: fmt.Sprintf("%s, since %s", d.without, d.since.UTC().Format(time.RFC3339)), Err: d.err}
}

func (d *dependency) status() api.Dependency {
	d.mu.Lock()
	defer d.mu.Unlock()
	status := api.Dependency{Name: d.name, Address: d.address, State: "up", Since: d.since}
	if d.err != nil {
		status.State, status.Error = "down", d.err.Error()
	}
	return status
}

// depend adds an engine that was opened, and begins to ask it.
func (s *System) depend(d *dependency) {
	d.since = time.Now()
	s.dependencies = append(s.dependencies, d)
	s.background(func(ctx context.Context) {
		ticker := time.NewTicker(askEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				d.ask(ctx, s.cfg.Log)
			case <-ctx.Done():
				return
			}
		}
	})
}

// observeDependencies reads for the metrics how the engines stand.
func (s *System) observeDependencies() []telemetry.Dependency {
	all := make([]telemetry.Dependency, len(s.dependencies))
	for i, d := range s.dependencies {
		d.mu.Lock()
		all[i] = telemetry.Dependency{Name: d.name, Up: d.err == nil, Failed: d.failed}
		d.mu.Unlock()
	}
	return all
}

func (s *System) dependencyStatus() []api.Dependency {
	all := make([]api.Dependency, len(s.dependencies))
	for i, d := range s.dependencies {
		all[i] = d.status()
	}
	return all
}
