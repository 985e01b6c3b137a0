package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

var errAway = errors.New("away")

// sender answers as it is told, after some time.
type sender struct {
	engine *engine
	name   string
	most   int
	takes  time.Duration
	answer func(m *pipeline.Message, nth int) pipeline.Answer // nth send of the message, from 1
	hold   func(refs []string)                                // when set, the answer waits until it returns
	whole  func([]pipeline.Message) []pipeline.Answer         // when set, answers in place of all that

	mu      sync.Mutex
	sends   map[string]int
	batches [][]string // refs
	entries int
	at      []time.Time
	last    map[string]pipeline.Message
	flying  int
	peak    int
}

func (s *sender) Name() string  { return s.name }
func (s *sender) MaxBatch() int { return s.most }

func (s *sender) Send(_ context.Context, messages []pipeline.Message) []pipeline.Answer {
	if s.whole != nil {
		return s.whole(messages)
	}
	s.mu.Lock()
	s.flying++
	s.peak = max(s.peak, s.flying)
	var refs []string
	for i := range messages {
		refs = append(refs, messages[i].Ref)
	}
	s.batches, s.at = append(s.batches, refs), append(s.at, time.Now())
	s.entries += len(refs)
	s.mu.Unlock()
	for _, ref := range refs {
		if s.engine.quiet {
			break
		}
		s.engine.note("send %s", ref)
	}
	time.Sleep(s.takes)
	if s.hold != nil {
		s.hold(refs)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
	answers := make([]pipeline.Answer, len(messages))
	for i := range messages {
		m := &messages[i]
		s.sends[m.Ref]++
		s.last[m.Ref] = *m
		answers[i] = s.answer(m, s.sends[m.Ref])
	}
	return answers
}

func newSender(e *engine, name string) *sender {
	return &sender{
		engine: e, name: name, most: 10, takes: 50 * time.Millisecond, answer: sent,
		sends: map[string]int{}, last: map[string]pipeline.Message{},
	}
}

// sentSoFar is how many messages it was given.
func (s *sender) sentSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries
}

func sent(*pipeline.Message, int) pipeline.Answer { return pipeline.Answer{Class: pipeline.Sent} }

// preferences answers from a map; who is not in it has the defaults.
type preferences struct {
	mu   sync.Mutex
	rows map[string]pipeline.Preference // by user
	err  error
}

func (p *preferences) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *preferences) Lookup(_ context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, k := range keys {
		found[i] = pipeline.DefaultPreference(k)
		if row, ok := p.rows[k.UserID]; ok {
			found[i] = row
		}
	}
	return p.err
}

// LookupAddresses answers from the same map, by address.
func (p *preferences) LookupAddresses(ctx context.Context, recipients []pipeline.Recipient) ([]pipeline.Preference, error) {
	keys := make([]pipeline.PreferenceKey, len(recipients))
	known := false
	for i, r := range recipients {
		keys[i] = pipeline.PreferenceKey{UserID: r.Address, Channel: r.Channel}
		p.mu.Lock()
		_, ok := p.rows[r.Address]
		p.mu.Unlock()
		known = known || ok
	}
	if !known {
		return nil, nil
	}
	found := make([]pipeline.Preference, len(keys))
	return found, p.Lookup(ctx, keys, found)
}

// templates has one template under every id.
type templates struct {
	mu       sync.Mutex
	err      map[string]error // by id
	hang     time.Duration    // before an error
	compiled *template.Compiled
}

func (t *templates) fail(id string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err[id] = err
}

func (t *templates) Get(ctx context.Context, id string, version uint32, locale string) (*template.Compiled, error) {
	t.mu.Lock()
	err := t.err[id]
	t.mu.Unlock()
	if err != nil {
		select {
		case <-time.After(t.hang):
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.compiled == nil {
		t.compiled, err = template.Compile(pipeline.Template{ID: id, Version: version, Locale: locale, Subject: "For {{name}}", Body: "Hello {{name}}"})
	}
	return t.compiled, err
}

// world is a delivery stage and all around it, in a bubble.
type world struct {
	*testing.T
	*engine
	sender      *sender
	backup      *sender // nil: none
	route       func(r *delivery.Route)
	retractions delivery.Retractions
	delivery    *delivery.Delivery
	preferences *preferences
	templates   *templates
	metrics     *telemetry.Metrics
	ids         *pipeline.IDMinter
	workers     int
	batch       int // 0 is what the sender takes
	ttl         time.Duration
	cancel      context.CancelFunc
	ended       chan error
}

func newWorld(t *testing.T) *world {
	e := newEngine()
	return &world{
		T: t, engine: e, workers: 4,
		sender:      newSender(e, "sendgrid"),
		preferences: &preferences{rows: map[string]pipeline.Preference{}},
		templates:   &templates{err: map[string]error{}},
		metrics:     telemetry.New(prometheus.NewRegistry()),
		ids:         pipeline.NewIDMinter(pipeline.IDKey{7}),
		ended:       make(chan error, 1),
	}
}

// notification makes a delivery that is due now; its user has the name of its ref.
func (w *world) notification(ref string, change ...func(d *pipeline.Delivery)) *pipeline.Delivery {
	d := &pipeline.Delivery{Record: pipeline.Record{Notification: pipeline.Notification{
		Ref: ref, UserID: ref, Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional,
		TemplateID: "welcome", TemplateVersion: 1, To: ref + "@example.com", Variables: []pipeline.Variable{{Name: "name", Value: ref}},
	}}}
	for _, c := range change {
		c(d)
	}
	d.ID = w.ids.Make(time.Now(), &d.Notification, w.ids.Reserve(1))
	d.Due = d.AcceptedAt()
	return d
}

func (w *world) push(deliveries ...*pipeline.Delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue(deliveries...)
}

func (w *world) start() { w.startUnder(w.Context()) }

func (w *world) startUnder(ctx context.Context) {
	ctx, w.cancel = context.WithCancel(ctx)
	route := delivery.Route{Primary: delivery.Provider{Sender: w.sender}, Workers: w.workers, Batch: w.batch}
	if w.backup != nil {
		route.Backup.Sender = w.backup
	}
	if w.route != nil {
		w.route(&route)
	}
	w.delivery = delivery.New(delivery.Config{
		Feed: w.engine, Settlement: w.engine, History: w.engine, Preferences: w.preferences, Addresses: w.preferences, Templates: w.templates,
		Routes: map[pipeline.Channel]delivery.Route{pipeline.Email: route}, Retractions: w.retractions,
		Backoff: policy.DefaultBackoff(), TTL: w.ttl, Metrics: w.metrics, Log: slog.New(slog.DiscardHandler),
	})
	go func() { w.ended <- w.delivery.Run(ctx) }()
}

// stop ends the delivery in order.
func (w *world) stop() {
	w.Helper()
	w.cancel()
	if err := <-w.ended; err != nil {
		w.Errorf("the delivery ended with %v", err)
	}
	w.checkEnd()
}

// checkEnd holds of every end: the lease is given back and nobody works.
func (w *world) checkEnd() {
	w.Helper()
	for _, l := range w.leases {
		if !l.closed {
			w.Error("a lease was not given back")
		}
	}
	for _, workers := range w.metrics.Snapshot().Workers {
		if workers.Busy != 0 || workers.Running != 0 {
			w.Errorf("at the end %s has %d workers, %d of them busy", workers.Channel, workers.Running, workers.Busy)
		}
	}
}

// run delivers what was pushed for some time, and ends.
func (w *world) run(d time.Duration) {
	w.Helper()
	w.start()
	time.Sleep(d)
	w.stop()
}

// known gives the facts of a delivery.
func (w *world) known(d *pipeline.Delivery) []pipeline.Fact {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.facts[d.ID])
}

// wantFacts compares what became of a delivery, as "state reason".
func (w *world) wantFacts(d *pipeline.Delivery, want ...string) {
	w.Helper()
	var got []string
	for _, f := range w.known(d) {
		text := fmt.Sprint(f.State)
		if f.Reason != "" {
			text += " " + f.Reason
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		w.Errorf("%s met %q, want %q", d.Ref, got, want)
	}
}
