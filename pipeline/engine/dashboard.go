package engine

import (
	"context"
	"net/http"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// openDashboard begins to take the readings of GET /v1/status.
func (s *System) openDashboard() {
	s.metrics.SetPrices(s.cfg.Prices)
	s.dashboard = telemetry.NewDashboard(s.metrics, s.cfg.Targets, s.started)
	s.background(s.markDashboard)
}

// markDashboard keeps what later readings are taken since, until ctx ends.
func (s *System) markDashboard(ctx context.Context) {
	ticker := time.NewTicker(telemetry.MarkEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			resources, err := telemetry.ReadResources()
			if err != nil {
				s.cfg.Log.Warn("a minute's readings lack a mark", "error", err)
				continue
			}
			s.dashboard.Mark(now, s.metrics.Snapshot(), resources)
		}
	}
}

// groupStatus takes the readings, group by group.
func (s *System) groupStatus(now time.Time, snapshot *telemetry.Snapshot, depths []pipeline.Depth, r telemetry.Resources) []api.Group {
	groups := make([]api.Group, len(telemetry.Groups()))
	for i, g := range telemetry.Groups() {
		groups[i] = api.Group{Name: g.String(), Readings: []api.Reading{}}
	}
	for _, reading := range s.dashboard.Read(now, snapshot, depths, r) {
		g := &groups[reading.Group]
		g.Readings = append(g.Readings, readingStatus(&reading))
	}
	return groups
}

func readingStatus(r *telemetry.Reading) api.Reading {
	reading := api.Reading{Name: r.Name, Unit: r.Unit, Metric: r.Metric, Value: r.Value}
	if len(r.Values) > 0 {
		reading.Labels = make(map[string]string, len(r.Values))
		for i, value := range r.Values {
			reading.Labels[r.Labels[i]] = value
		}
	}
	if r.Target == (telemetry.Target{}) {
		return reading
	}
	reading.Target = &api.Target{AtLeast: bound(r.Target.AtLeast), AtMost: bound(r.Target.AtMost)}
	if r.Value != nil {
		met := r.Target.Met(*r.Value)
		reading.Met = &met
	}
	return reading
}

func bound(v float64) *float64 {
	if v == 0 {
		return nil
	}
	return &v
}

// traced has the tracer see the submissions that a handler answers.
func (s *System) traced(next http.Handler) http.Handler {
	return s.cfg.Tracer.Handler(next, http.MethodPost+" "+submitRoute, isSubmission)
}
