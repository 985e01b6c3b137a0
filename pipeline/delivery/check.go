package delivery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// lastChecks drops what must not be sent any more, in the order that decides
// which outcome it gets: preferences, then expiry.
func (b *batch) lastChecks(ctx context.Context, deliveries []*pipeline.Delivery) []addressed {
	if len(deliveries) == 0 {
		return nil
	}
	wishes := b.delivery.wishes.get(len(deliveries))
	defer b.delivery.wishes.put(wishes)
	preferences, err := b.wanted(ctx, deliveries, wishes)
	if err != nil {
		b.postpone(deliveries, "preferences", err)
		return nil
	}
	now := b.delivery.cfg.Now()
	kept := make([]addressed, 0, len(deliveries))
	var facts []pipeline.Fact
	for i, d := range deliveries {
		p := &preferences[i]
		a := b.addresses(d, p)
		switch {
		case !p.Wants(d.Category):
			facts = append(facts, pipeline.Fact{Delivery: d, State: pipeline.Suppressed, Reason: reasonOptedOut, At: now})
		case !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now):
			facts = append(facts, pipeline.Fact{Delivery: d, State: pipeline.Expired, Reason: reasonExpired, At: now})
		case a.to == [maxUpstreams]string{}:
			facts = append(facts, pipeline.Fact{Delivery: d, State: pipeline.Dead, Reason: reasonNoAddress, At: now})
		default:
			kept = append(kept, a)
		}
	}
	b.settler.add(facts, nil)
	return kept
}

// wanted reads what is wanted of each delivery, by its user and at its address.
func (b *batch) wanted(ctx context.Context, deliveries []*pipeline.Delivery, w *wishes) ([]pipeline.Preference, error) {
	for i, d := range deliveries {
		w.users[i] = pipeline.PreferenceKey{UserID: d.UserID, Channel: d.Channel}
		if d.To != "" {
			w.recipients = append(w.recipients, pipeline.Recipient{Channel: d.Channel, Address: d.To})
		}
	}
	preferences := w.preferences
	err := b.delivery.cfg.Preferences.Lookup(ctx, w.users, preferences)
	if err != nil || len(w.recipients) == 0 {
		return preferences, err
	}
	addresses, err := b.delivery.cfg.Addresses.LookupAddresses(ctx, w.recipients)
	if err != nil || len(addresses) == 0 {
		return preferences, err
	}
	next := 0
	for i, d := range deliveries {
		if d.To == "" {
			continue
		}
		preferences[i].Transactional = preferences[i].Transactional && addresses[next].Transactional
		preferences[i].Promotional = preferences[i].Promotional && addresses[next].Promotional
		next++
	}
	return preferences, nil
}

// addresses finds what each provider would send a delivery to: the address that
// it came with, or if that is one of the user's own, another of them that the
// provider takes.
func (b *batch) addresses(d *pipeline.Delivery, p *pipeline.Preference) addressed {
	a, known := addressed{Delivery: d}, p.Addresses
	var own [1]string
	switch i := slices.Index(known, d.To); {
	case d.To == "" || i == 0: // the preferred one first
	case i > 0:
		known = append([]string{d.To}, known...)
	default:
		own[0] = d.To
		known = own[:]
	}
	for place, u := range b.pool.upstreams {
		a.to[place] = u.address(known)
	}
	return a
}

// render makes the messages to one provider; what cannot be rendered is dead,
// since its text never changes.
func (b *batch) render(ctx context.Context, pt *part) (kept []*pipeline.Delivery, messages []pipeline.Message) {
	var renderer template.Renderer
	messages = make([]pipeline.Message, 0, len(pt.deliveries))
	kept = make([]*pipeline.Delivery, 0, len(pt.deliveries))
	var facts []pipeline.Fact
	var waiting []*pipeline.Delivery
	var away error
	// Once the store is found away, no other template is waited for; those in use
	// are given all the same.
	asking, giveUp := context.WithCancel(ctx)
	defer giveUp()
	for i := range pt.deliveries {
		d := pt.deliveries[i].Delivery
		compiled, err := b.delivery.cfg.Templates.Get(asking, d.TemplateID, d.TemplateVersion, d.Locale)
		if err != nil && !isFaulty(err) {
			waiting = append(waiting, d)
			if away == nil {
				away = err
				giveUp()
			}
			continue
		}
		m := pipeline.Message{ID: d.ID, Ref: d.Ref, To: pt.deliveries[i].to[pt.place], Priority: d.Priority, ExpiresAt: d.ExpiresAt}
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
	if away != nil {
		b.postpone(waiting, "templates", away)
	}
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
