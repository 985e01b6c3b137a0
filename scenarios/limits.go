package scenarios

import (
	"slices"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// A planLimit is a limit of a plan that a run can come near: its key, its value,
// and how it is measured. Of a promise that is a range it is the end that is the
// easier to keep, as a running system is held to.
type planLimit struct {
	name  string
	unit  string // of the limit and of what is reached, as of checks
	limit float64
	// clients measures what all clients saw, so that it can be measured again once
	// shards are put together. Nil: measure does, by the run's evidence.
	clients func(*Result) (float64, bool)
	measure func(*view) (float64, bool)
	// share says how near a value is, 1 being at the limit; nil is the value over
	// the limit.
	share func(value, limit float64) float64
}

// planLimits lists the limits of a plan at a scale, as far as they are in force.
// The groups are those that the system scales.
func planLimits(p *planner.Plan, scale Scale, groups []api.ScaledGroup) []planLimit {
	return slices.Concat(serviceLevels(p, scale), rateLimits(p, scale), deploymentLimits(p, groups), providerLimits(p), dailyLimits(p))
}

// limitsOf says how near a run came to the limits of its plan.
func limitsOf(p *planner.Plan, scale Scale, r *Result, e *evidence) []Limit {
	var groups []api.ScaledGroup
	v := &view{evidence: e}
	if e.course != nil {
		e.course.mu.Lock()
		defer e.course.mu.Unlock()
		v = e.view("")
		if e.course.last != nil {
			groups = e.course.last.Scaling.Groups
		}
	}
	var limits []Limit
	for _, l := range planLimits(p, scale, groups) {
		limit := Limit{Name: l.name, Limit: l.limit, Unit: l.unit}
		measure := func() (float64, bool) { return l.measure(v) }
		if l.clients != nil {
			measure = func() (float64, bool) { return l.clients(r) }
		}
		if value, seen := measure(); seen {
			limit.reach(value, l.share)
		}
		limits = append(limits, limit)
	}
	return limits
}

// reach notes how near a value came. Nothing comes near to a limit of 0: it is kept,
// or it is reached.
func (l *Limit) reach(value float64, share func(value, limit float64) float64) {
	near := 0.0
	switch {
	case share != nil:
		near = share(value, l.Limit)
	case l.Limit > 0:
		near = value / l.Limit
	case value > 0:
		near = 1
	}
	l.Reached, l.Share = &value, &near
}

// clientsLimits are the limits whose measure is what all clients saw, by name.
func clientsLimits() map[string]func(*Result) (float64, bool) {
	return map[string]func(*Result) (float64, bool){
		"service_levels.api_p99": func(r *Result) (float64, bool) {
			if r.Generator.Latency == nil {
				return 0, false
			}
			return r.Generator.Latency.P99, true
		},
		"service_levels.errors": func(r *Result) (float64, bool) {
			var failed, answered uint64
			for _, s := range r.Stages {
				failed += s.Refused + s.Errors
				answered += s.Accepted + s.Refused + s.Errors
			}
			return float64(failed) / float64(max(answered, 1)) * 1e6, answered > 0
		},
		"workload.design_rate": func(r *Result) (most float64, seen bool) {
			if r.Timeline == nil {
				return 0, false
			}
			for _, p := range r.Timeline.Points {
				most, seen = max(most, p.Accepted), true
			}
			return most, seen
		},
	}
}

// measureAgain measures what all clients saw, of a result that was put together
// from those of shards.
func (r *Result) measureAgain() {
	limits, clients := slices.Clone(r.Limits), clientsLimits()
	for i := range limits {
		if measure, ok := clients[limits[i].Name]; ok {
			if value, seen := measure(r); seen {
				limits[i].reach(value, nil)
			}
		}
	}
	r.Limits = limits
}

// byMetric measures by the metric that checks have of it.
func byMetric(name string) func(*view) (float64, bool) {
	return func(v *view) (float64, bool) {
		m, err := findMetric(name)
		if err != nil {
			panic("BUG: a limit is measured by an unknown metric: " + err.Error())
		}
		r := m.measure(v)
		return r.value, r.missing == "" && r.open == ""
	}
}

// bySystemPeaks measures by what the system said of itself.
func bySystemPeaks(of func(*systemCounts) (float64, bool)) func(*view) (float64, bool) {
	return func(v *view) (float64, bool) {
		if !v.watched || v.system.answers == 0 {
			return 0, false
		}
		return of(v.system)
	}
}

// serviceLevels are the promises of the plan.
func serviceLevels(p *planner.Plan, scale Scale) []planLimit {
	s := &p.ServiceLevels
	clients := clientsLimits()
	return []planLimit{
		{name: "service_levels.api_p99", unit: "ms", limit: s.APIP99.High * 1e3, clients: clients["service_levels.api_p99"]},
		{name: "service_levels.end_to_end_p99", unit: "ms", limit: s.EndToEndP99.High * 1e3, measure: byMetric("end_to_end.high.p99")},
		{name: "service_levels.errors", unit: "ppm", limit: s.Errors.High * 1e6, clients: clients["service_levels.errors"]},
		{name: "service_levels.queue_depth", limit: s.QueueDepth.High, measure: bySystemPeaks(func(c *systemCounts) (float64, bool) {
			return float64(c.peaks.waiting), true
		})},
		{name: "service_levels.queue_lag", unit: "ms", limit: s.QueueLag.High * 1e3, measure: byMetric("queue.lag")},
		{name: "service_levels.utilisation", unit: "%", limit: s.Utilisation.High * 100, measure: byMetric("workers.busy")},
		{name: "service_levels.cache_hit", unit: "%", limit: s.CacheHit.Low * 100, measure: bySystemPeaks(preferenceHits), share: missShare},
		{name: "service_levels.scale_up", unit: "ms", limit: scaledLimit(s.ScaleUp.High*1e3, scale.Time), measure: byMetric("scaling.time")},
	}
}

// preferenceHits is the share in % of the reads of preferences that one of the two
// caches answered.
func preferenceHits(c *systemCounts) (float64, bool) {
	l1, l2 := c.caches[telemetry.CachePreferencesL1], c.caches[telemetry.CachePreferencesL2]
	asked := l1.hits + l1.misses
	if asked == 0 {
		return 0, false
	}
	return float64(l1.hits+l2.hits) / float64(asked) * 100, true
}

// missShare is how near a hit ratio came to the least that it may be, by the
// misses: those that there were over those that there may be. Where none may be,
// it is past the limit by as many as there were.
func missShare(hits, least float64) float64 {
	missed, mayMiss := 100-hits, 100-least
	if mayMiss <= 0 {
		return 1 + missed/100
	}
	return missed / mayMiss
}

// rateLimits are about the rate that the system is built for.
func rateLimits(p *planner.Plan, scale Scale) []planLimit {
	return []planLimit{{
		name: "workload.design_rate", unit: "/s", limit: p.Workload.DesignRate.High * scale.Rate,
		clients: clientsLimits()["workload.design_rate"],
	}}
}

// deploymentLimits are those of what was started. The most workers and gateways
// are the system's own word, where it scales them.
func deploymentLimits(p *planner.Plan, groups []api.ScaledGroup) []planLimit {
	d := &p.Deployment
	var limits []planLimit
	if d.GatewayRate > 0 {
		limits = append(limits, planLimit{
			name: "deployment.gateway_rate", unit: "/s", limit: d.GatewayRate,
			measure: bySystemPeaks(func(c *systemCounts) (float64, bool) { return c.peaks.gateway, c.peaks.gateway > 0 }),
		})
	}
	for _, g := range groups {
		name := "deployment.workers." + g.Name
		if g.Kind != "workers" {
			name = "deployment.gateways." + g.Name
		}
		if g.Kind != "workers" && d.GatewayRate == 0 {
			continue // which are not scaled
		}
		key := groupKey(g.Kind, g.Name)
		limits = append(limits, planLimit{
			name: name, limit: float64(g.Max),
			measure: bySystemPeaks(func(c *systemCounts) (float64, bool) { n, ok := c.peaks.running[key]; return n, ok }),
		})
	}
	for _, part := range []struct {
		name  string
		bytes int64
	}{{"queue", d.QueueBytes}, {"history", d.HistoryBytes}, {"idempotency", d.IdempotencyBytes}} {
		limits = append(limits, planLimit{
			name: "deployment." + part.name + "_bytes", unit: "B", limit: float64(part.bytes),
			measure: bySystemPeaks(func(c *systemCounts) (float64, bool) { n, ok := c.peaks.space[part.name]; return n, ok }),
		})
	}
	return append(limits, planLimit{name: "deployment.memory", unit: "B", limit: float64(d.Memory), measure: byMetric("memory.rss")})
}

// providerLimits are those of what is sent. Quotas are in force where the
// deployment says so.
func providerLimits(p *planner.Plan) []planLimit {
	limits := []planLimit{{
		name: "providers.connections", limit: p.Providers.Connections.High,
		measure: bySystemPeaks(func(c *systemCounts) (float64, bool) { return float64(c.connections), true }),
	}}
	if p.Deployment.Quotas != "plan" {
		return limits
	}
	push, sms := &p.Providers.Push, &p.Providers.SMS
	most := func(rates map[string]float64, providers ...string) (most float64, seen bool) {
		for _, name := range providers {
			if rate, ok := rates[name]; ok {
				most, seen = max(most, rate), true
			}
		}
		return most, seen
	}
	return append(limits,
		planLimit{
			name: "providers.push.quota", unit: "/s", limit: push.Quota.High * push.Projects.High,
			measure: bySystemPeaks(func(c *systemCounts) (float64, bool) { return most(c.peaks.sends, push.Primary, push.Backup) }),
		},
		planLimit{
			name: "providers.sms.sender_rate", unit: "/s", limit: sms.SenderRate.High * sms.Senders.High,
			measure: bySystemPeaks(func(c *systemCounts) (float64, bool) { return most(c.peaks.parts, sms.Primary, sms.Backup) }),
		})
}

// dailyLimits are those of what a user gets. That one has got as many as there may
// be shows in what was dropped; of which channel that was is not told, so that it
// is known where one alone has a limit. How many others got is not seen.
func dailyLimits(p *planner.Plan) []planLimit {
	perUser := &p.RateLimits.PerUser
	var limits []planLimit
	for _, channel := range []struct {
		name  string
		limit units.Count
	}{{"push", perUser.Push}, {"email", perUser.Email}, {"sms", perUser.SMS}} {
		if channel.limit.High > 0 {
			limits = append(limits, planLimit{name: "rate_limits.per_user." + channel.name, limit: channel.limit.High})
		}
	}
	for i := range limits {
		alone, limit := len(limits) == 1, limits[i].limit
		limits[i].measure = func(v *view) (float64, bool) {
			dropped := v.evidence.account.RateDropped
			return limit, alone && dropped != nil && *dropped > 0
		}
	}
	return limits
}
