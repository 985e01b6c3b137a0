package main

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/planner"
)

// promises takes from a plan what a running system is held to, and what its
// notifications cost.
func promises(plan *planner.Plan) (telemetry.Targets, telemetry.Prices, error) {
	estimate, err := planner.NewEstimate(plan)
	if err != nil {
		return telemetry.Targets{}, telemetry.Prices{}, err
	}
	prices := telemetry.Prices{
		Infrastructure: figure(estimate, "cost.per_notification.infrastructure"),
		Providers:      map[string]telemetry.Price{},
	}
	for _, p := range estimate.ProviderPrices() {
		prices.Providers[p.Provider] = telemetry.Price{Notification: p.Notification, Segment: p.Segment}
	}
	return targets(plan, estimate), prices, nil
}

// targets takes the end of each promise that is the easier to keep.
func targets(plan *planner.Plan, e *planner.Estimate) telemetry.Targets {
	s := &plan.ServiceLevels
	cost := map[pipeline.Channel]float64{}
	for _, channel := range pipeline.Channels() {
		cost[channel] = figure(e, "cost.per_notification."+channel.String())
	}
	return telemetry.Targets{
		APIP99:               seconds(s.APIP99.High),
		EndToEndP99:          seconds(s.EndToEndP99.High),
		TransactionalSuccess: s.TransactionalSuccess.Low,
		PromotionalSuccess:   s.PromotionalSuccess.Low,
		QueueDepth:           s.QueueDepth.High,
		QueueLag:             seconds(s.QueueLag.High),
		Utilisation:          telemetry.Target{AtLeast: s.Utilisation.Low, AtMost: s.Utilisation.High},
		CacheHit:             s.CacheHit.Low,
		Errors:               s.Errors.High,
		Cost:                 cost,
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// figure is the number to plan by of a figure that every estimate has.
func figure(e *planner.Estimate, id string) float64 {
	f, ok := e.Figure(id)
	if !ok {
		panic("BUG: an estimate without " + id)
	}
	return f.Value()
}
