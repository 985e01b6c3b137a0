package delivery

import (
	"math/rand/v2"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// answered is a call that has ended.
type answered struct {
	provider *telemetry.ProviderRecorder
	name     string
	weight   func(m *pipeline.Message) int // of an SMS in segments; nil elsewhere
	began    time.Time
	ended    time.Time
	// failures is how many calls to the provider have failed in a row.
	failures int
	random   *rand.Rand
}

// settle turns the provider's answers into facts.
func (b *batch) settle(deliveries []*pipeline.Delivery, messages []pipeline.Message, answers []pipeline.Answer, call *answered) {
	call.random = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	list := b.delivery.lists.get(len(deliveries))
	defer b.delivery.lists.put(list)
	facts := list.facts
	var retractions []pipeline.Retraction
	for i, d := range deliveries {
		facts[i] = b.delivery.fact(d, &answers[i], call)
		if facts[i].State.Terminal() {
			list.passages = append(list.passages, telemetry.Passage{Accepted: d.AcceptedAt(), Fetched: d.Fetched, Started: call.began, Answered: call.ended})
		}
		if r, ok := retractionOf(d, messages[i].To, &answers[i]); ok {
			retractions = append(retractions, r)
		}
	}
	call.count(messages, answers)
	b.settler.add(facts, list.passages)
	b.delivery.retract.add(retractions)
}

// count tells the metrics what came of a call.
func (c *answered) count(messages []pipeline.Message, answers []pipeline.Answer) {
	var classes [int(pipeline.Unsent) + 1]int
	segments := 0
	for i := range answers {
		classes[answers[i].Class]++
		if c.weight != nil && answers[i].Class == pipeline.Sent {
			segments += c.weight(&messages[i])
		}
	}
	for class, n := range classes {
		if n > 0 && pipeline.AnswerClass(class) != pipeline.Unsent {
			c.provider.Attempted(pipeline.AnswerClass(class), n)
		}
	}
	c.provider.SentSegments(segments)
}

// fact says what follows from a provider's answer.
func (d *Delivery) fact(delivery *pipeline.Delivery, a *pipeline.Answer, call *answered) pipeline.Fact {
	f := pipeline.Fact{
		Delivery: delivery, At: call.ended, Reason: a.Reason,
		Attempt: pipeline.Attempt{Provider: call.name, At: call.ended, Class: a.Class, Error: a.Error},
	}
	switch a.Class {
	case pipeline.Sent:
		f.State, f.Reason = pipeline.Delivered, ""
		return f
	case pipeline.Permanent:
		f.State = pipeline.Dead
		return f
	case pipeline.Unsent:
		f.Attempt = pipeline.Attempt{}
		d.retry(&f, call.ended.Add(max(postponed, a.RetryAfter)))
		return f
	}
	made := 1
	for i := range delivery.Attempts {
		if delivery.Attempts[i].Class != pipeline.Uncertain {
			made++
		}
	}
	// More calls in a row than those of this notification alone: the provider
	// fails others as well. An outage kills nobody.
	outage := call.failures > made
	if d.cfg.Backoff.Exhausted(made) && !outage {
		f.State, f.Reason = pipeline.Dead, reasonExhausted
		return f
	}
	d.retry(&f, call.ended.Add(d.cfg.Backoff.Wait(made, a.RetryAfter, call.random)))
	return f
}

// retry makes a fact one of a notification that comes back when it is due, or
// is dead since it has no time for that.
func (d *Delivery) retry(f *pipeline.Fact, due time.Time) {
	until := f.Delivery.ExpiresAt
	if until.IsZero() {
		until = f.Delivery.AcceptedAt().Add(d.cfg.TTL)
	}
	if !due.Before(until) {
		f.State, f.Reason = pipeline.Dead, reasonOutOfTime
		return
	}
	f.State, f.Reason, f.Due = pipeline.Retrying, "", due
}
