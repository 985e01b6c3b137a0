package delivery

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// Reasons of outcomes that are decided here; a provider's own come from its
// client.
const (
	reasonOptedOut  = "opted_out"
	reasonExpired   = "expired"
	reasonNoAddress = "no_address"
	reasonTemplate  = "template"
	reasonExhausted = "attempts_exhausted"
	reasonOutOfTime = "out_of_time"
)

// batch is one batch on its way through a worker.
type batch struct {
	delivery *Delivery
	queue    pipeline.Queue
	sender   Sender
	settler  *settler
	started  time.Time       // of the call
	ending   <-chan struct{} // closed when nothing more is to be started
}

// send takes deliveries all the way to the settler. Every one of them leaves a
// fact, unless it is in doubt and what became of it cannot be learnt or noted:
// it is then left as it is, for the next owner to doubt.
func (b *batch) send(ctx context.Context, deliveries []*pipeline.Delivery) {
	deliveries = b.resolveDoubts(ctx, deliveries)
	deliveries = b.lastChecks(ctx, deliveries)
	deliveries, messages := b.render(ctx, deliveries)
	if len(messages) == 0 {
		return
	}
	metrics := b.delivery.cfg.Metrics
	metrics.Batch(b.queue, len(messages))
	provider := metrics.Provider(b.sender.Name())
	provider.CallStarted()
	b.started = b.delivery.cfg.Now()
	answers := b.sender.Send(ctx, messages)
	answered := b.delivery.cfg.Now()
	provider.Called(len(messages), answered.Sub(b.started))
	b.settle(deliveries, answers, answered, provider)
}

// resolveDoubts asks the history what a former owner had settled of the
// deliveries that it may have sent, and notes the others as takeovers before
// they are sent again.
func (b *batch) resolveDoubts(ctx context.Context, deliveries []*pipeline.Delivery) []*pipeline.Delivery {
	var ids []pipeline.ID
	for _, d := range deliveries {
		if d.Doubt {
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 0 {
		return deliveries
	}
	entries := b.askHistory(ctx, ids)
	if entries == nil {
		return nil
	}
	kept := deliveries[:0:0]
	var ended, takeovers []pipeline.Fact
	next := 0
	now := b.delivery.cfg.Now()
	for _, d := range deliveries {
		if !d.Doubt {
			kept = append(kept, d)
			continue
		}
		entry := entries[next]
		next++
		if entry.State.Terminal() {
			ended = append(ended, pipeline.Fact{Delivery: d})
			continue
		}
		takeovers = append(takeovers, pipeline.Fact{
			Delivery: d, State: pipeline.Sending, At: now,
			Attempt: pipeline.Attempt{Provider: b.sender.Name(), At: now, Class: pipeline.Uncertain},
		})
		kept = append(kept, d)
	}
	b.settler.add(ended, nil)
	return b.takeOver(ctx, kept, takeovers)
}

// askHistory looks ids up, again and again until the history answers or the
// delivery ends, and then gives nil. The batch waits here, on its worker: put
// back as retries, its deliveries would have lost their doubt.
func (b *batch) askHistory(ctx context.Context, ids []pipeline.ID) []pipeline.Entry {
	for {
		entries, err := b.delivery.cfg.History.ByID(ctx, ids)
		if err == nil {
			return entries
		}
		b.warn("history", err)
		select {
		case <-time.After(postponed):
		case <-b.ending:
			return nil
		}
	}
}

// takeOver makes takeovers durable before they are sent: a second crash must
// not make the account forget the first.
func (b *batch) takeOver(ctx context.Context, deliveries []*pipeline.Delivery, takeovers []pipeline.Fact) []*pipeline.Delivery {
	if len(takeovers) == 0 {
		return deliveries
	}
	if err := b.settler.now(ctx, takeovers); err != nil {
		b.warn("settlement", err)
		return nil
	}
	for i := range takeovers {
		f := &takeovers[i]
		f.Delivery.Attempts = append(f.Delivery.Attempts, f.Attempt)
	}
	b.delivery.cfg.Metrics.TakenOver(len(takeovers))
	b.delivery.cfg.Log.Warn("taking over notifications that may have been sent before", slog.Int("uncertain", len(takeovers)),
		slog.String("queue", b.queue.String()), slog.String("first_id", takeovers[0].Delivery.ID.String()))
	return deliveries
}

// lastChecks drops what must not be sent any more, in the order that decides
// which outcome it gets: preferences, then expiry.
func (b *batch) lastChecks(ctx context.Context, deliveries []*pipeline.Delivery) []*pipeline.Delivery {
	if len(deliveries) == 0 {
		return nil
	}
	keys := make([]pipeline.PreferenceKey, len(deliveries))
	for i, d := range deliveries {
		keys[i] = pipeline.PreferenceKey{UserID: d.UserID, Channel: d.Channel}
	}
	preferences, err := b.delivery.cfg.Preferences.Lookup(ctx, keys)
	if err != nil {
		b.postpone(deliveries, "preferences", err)
		return nil
	}
	now := b.delivery.cfg.Now()
	kept := deliveries[:0:0]
	var facts []pipeline.Fact
	for i, d := range deliveries {
		p := &preferences[i]
		if d.To == "" && len(p.Addresses) > 0 {
			d.To = p.Addresses[0]
		}
		switch {
		case !p.Wants(d.Category):
			facts = append(facts, pipeline.Fact{Delivery: d, State: pipeline.Suppressed, Reason: reasonOptedOut, At: now})
		case !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now):
			facts = append(facts, pipeline.Fact{Delivery: d, State: pipeline.Expired, Reason: reasonExpired, At: now})
		case d.To == "":
			facts = append(facts, pipeline.Fact{Delivery: d, State: pipeline.Dead, Reason: reasonNoAddress, At: now})
		default:
			kept = append(kept, d)
		}
	}
	b.settler.add(facts, nil)
	return kept
}

// render makes the messages; what cannot be rendered is dead, since its text
// never changes.
func (b *batch) render(ctx context.Context, deliveries []*pipeline.Delivery) ([]*pipeline.Delivery, []pipeline.Message) {
	var renderer template.Renderer
	messages := make([]pipeline.Message, 0, len(deliveries))
	kept := deliveries[:0:0]
	var facts []pipeline.Fact
	for i, d := range deliveries {
		compiled, err := b.delivery.cfg.Templates.Get(ctx, d.TemplateID, d.TemplateVersion, d.Locale)
		if err != nil && !isFaulty(err) {
			// The store is away: the rest of the batch would meet the same.
			b.postpone(deliveries[i:], "templates", err)
			break
		}
		m := pipeline.Message{ID: d.ID, Ref: d.Ref, To: d.To, Priority: d.Priority, ExpiresAt: d.ExpiresAt}
		if err == nil {
			m.Subject, m.Body, err = renderer.Render(compiled, d.Channel, d.Variables)
		}
		if err != nil {
			facts = append(facts, pipeline.Fact{Delivery: d, State: pipeline.Dead, Reason: reasonTemplate, At: b.delivery.cfg.Now()})
			continue
		}
		kept, messages = append(kept, d), append(messages, m)
	}
	b.settler.add(facts, nil)
	return kept, messages
}

// isFaulty says whether it is the template's fault that it was not given, and
// not that of the store, which may be away.
func isFaulty(err error) bool {
	var syntax *template.SyntaxError
	var file *template.FileError
	return errors.Is(err, pipeline.ErrNoTemplate) || errors.As(err, &syntax) || errors.As(err, &file)
}

// postponed is how long a batch waits when something of ours does not answer.
// It is no attempt.
const postponed = time.Second

// postpone puts deliveries back that could not be sent for a reason of ours.
func (b *batch) postpone(deliveries []*pipeline.Delivery, part string, err error) {
	b.warn(part, err)
	now := b.delivery.cfg.Now()
	facts := make([]pipeline.Fact, len(deliveries))
	for i, d := range deliveries {
		facts[i] = pipeline.Fact{Delivery: d, State: pipeline.Retrying, At: now, Due: now.Add(postponed)}
	}
	b.settler.add(facts, nil)
}

func (b *batch) warn(part string, err error) {
	b.delivery.cfg.Log.Warn("a batch waits for a part that does not answer",
		slog.String("part", part), slog.String("queue", b.queue.String()), slog.Any("error", err))
}

// settle turns the provider's answers into facts.
func (b *batch) settle(deliveries []*pipeline.Delivery, answers []pipeline.Answer, at time.Time, provider *telemetry.ProviderRecorder) {
	if len(answers) != len(deliveries) {
		panic("BUG: a provider's client gave another number of answers than it had messages")
	}
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	facts := make([]pipeline.Fact, len(deliveries))
	passages := make([]telemetry.Passage, 0, len(deliveries))
	var classes [int(pipeline.Unsent) + 1]int
	for i, d := range deliveries {
		facts[i] = b.delivery.fact(d, &answers[i], b.sender.Name(), at, random)
		classes[answers[i].Class]++
		if facts[i].State.Terminal() {
			passages = append(passages, telemetry.Passage{Accepted: d.AcceptedAt(), Fetched: d.Fetched, Started: b.started, Answered: at})
		}
	}
	for class, n := range classes {
		if n > 0 && pipeline.AnswerClass(class) != pipeline.Unsent {
			provider.Attempted(pipeline.AnswerClass(class), n)
		}
	}
	b.settler.add(facts, passages)
}

// fact says what follows from a provider's answer.
func (d *Delivery) fact(delivery *pipeline.Delivery, a *pipeline.Answer, provider string, at time.Time, random *rand.Rand) pipeline.Fact {
	f := pipeline.Fact{
		Delivery: delivery, At: at, Reason: a.Reason,
		Attempt: pipeline.Attempt{Provider: provider, At: at, Class: a.Class, Error: a.Error},
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
		d.retry(&f, at.Add(max(postponed, a.RetryAfter)))
		return f
	}
	made := 1
	for i := range delivery.Attempts {
		if delivery.Attempts[i].Class != pipeline.Uncertain {
			made++
		}
	}
	if d.cfg.Backoff.Exhausted(made) {
		f.State, f.Reason = pipeline.Dead, reasonExhausted
		return f
	}
	d.retry(&f, at.Add(d.cfg.Backoff.Wait(made, a.RetryAfter, random)))
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
