package main

import (
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// promises takes from a plan what a running system is held to, and what its
// notifications cost.
func promises(plan *planner.Plan) (telemetry.Targets, telemetry.Prices, error) {
	estimate, err := planner.NewEstimate(plan)
	if err != nil {
		return telemetry.Targets{}, telemetry.Prices{}, err
	}
	infrastructure := figure(estimate, "cost.per_notification.infrastructure")
	prices := telemetry.Prices{Infrastructure: infrastructure, Providers: map[string]telemetry.Price{}}
	// A price may depend on how much is bought, so each provider's is the
	// estimate's for what the plan sends, as if it sent all of it.
	for _, sent := range []*planner.Plan{byBackups(plan), byPrimaries(plan)} {
		e, err := planner.NewEstimate(sent)
		if err != nil {
			return telemetry.Targets{}, telemetry.Prices{}, fmt.Errorf("the providers' prices: %w", err)
		}
		addPrices(prices.Providers, sent, e)
	}
	return targets(plan, estimate), prices, nil
}

// byPrimaries is the plan with each provider charging for what it sends: the
// plan may reckon its bill by another one's prices.
func byPrimaries(plan *planner.Plan) *planner.Plan {
	own := *plan
	own.Providers.Email.Charged = own.Providers.Email.Primary
	return &own
}

// byBackups is the same with its providers in each other's place.
func byBackups(plan *planner.Plan) *planner.Plan {
	swapped := *plan
	p := &swapped.Providers
	if p.Push.Backup != "" {
		p.Push.Primary, p.Push.Backup = p.Push.Backup, p.Push.Primary
	}
	if p.Email.Backup != "" {
		p.Email.Primary, p.Email.Backup = p.Email.Backup, p.Email.Primary
	}
	if p.SMS.Backup != "" {
		p.SMS.Primary, p.SMS.Backup = p.SMS.Backup, p.SMS.Primary
	}
	return byPrimaries(&swapped)
}

// addPrices adds what a plan's primary providers charge. A channel that the plan
// does not use has no price.
func addPrices(prices map[string]telemetry.Price, plan *planner.Plan, e *planner.Estimate) {
	infrastructure := figure(e, "cost.per_notification.infrastructure")
	of := func(channel string) float64 { return figure(e, "cost.per_notification."+channel) - infrastructure }
	prices[plan.Providers.Push.Primary] = telemetry.Price{Notification: of(catalog.Push)}
	prices[plan.Providers.Email.Primary] = telemetry.Price{Notification: of(catalog.Email)}
	if segments := figure(e, "volume.per_month.sms_segments"); segments > 0 {
		prices[plan.Providers.SMS.Primary] = telemetry.Price{
			Segment: of(catalog.SMS) * figure(e, "volume.per_month.sms") / segments,
		}
	}
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
