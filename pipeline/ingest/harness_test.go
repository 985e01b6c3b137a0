package ingest_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/pebble"
	"github.com/notifyctl/notifyctl/pipeline/ingest"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// noon is the time of the tests' clock.
func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

var errAway = errors.New("away")

// preferences answers from a map; who is not in it has the defaults.
type preferences struct {
	rows map[pipeline.PreferenceKey]pipeline.Preference
	err  error
	mu   sync.Mutex
	asks int
}

func (p *preferences) Lookup(_ context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) error {
	p.mu.Lock()
	p.asks++
	p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	for i, k := range keys {
		found[i] = pipeline.DefaultPreference(k)
		if row, ok := p.rows[k]; ok {
			found[i] = row
		}
	}
	return nil
}

// LookupAddresses answers from the same map: the tests name an address as they
// name a user.
func (p *preferences) LookupAddresses(_ context.Context, recipients []pipeline.Recipient) ([]pipeline.Preference, error) {
	if p.err != nil {
		return nil, p.err
	}
	found := make([]pipeline.Preference, len(recipients))
	for i, r := range recipients {
		k := pipeline.PreferenceKey{UserID: r.Address, Channel: r.Channel}
		found[i] = pipeline.DefaultPreference(k)
		if row, ok := p.rows[k]; ok {
			found[i] = row
		}
	}
	return found, nil
}

// templates is a store that gets new versions while it is in use. Its
// templates are compiled at each call, so that no cache hides one.
type templates struct {
	bodies map[string][]string // by id, the first is version 1
	err    error
	asks   int
}

func shippedTemplates() *templates {
	return &templates{bodies: map[string][]string{
		"welcome": {"Hello {{name}}"}, "otp": {"{{code}} is your code"}, "link": {`<a href="{{url}}">here</a>`},
	}}
}

func (t *templates) Newest(_ context.Context, id string) (uint32, error) {
	t.asks++
	if t.err != nil {
		return 0, t.err
	}
	if n := len(t.bodies[id]); n > 0 {
		return uint32(n), nil
	}
	return 0, pipeline.ErrNoTemplate
}

func (t *templates) Get(_ context.Context, id string, version uint32, locale string) (*template.Compiled, error) {
	t.asks++
	if t.err != nil {
		return nil, t.err
	}
	if version == 0 || int(version) > len(t.bodies[id]) {
		return nil, pipeline.ErrNoTemplate
	}
	return template.Compile(pipeline.Template{ID: id, Version: version, Locale: locale, Body: t.bodies[id][version-1]})
}

// counts is an observer.
type counts struct {
	mu       sync.Mutex
	accepted map[pipeline.Queue]int
	ended    int
	replayed int
}

func (c *counts) Accepted(q pipeline.Queue, n int) { c.add(func() { c.accepted[q] += n }) }
func (c *counts) Ended(e *telemetry.Endings)       { c.add(func() { c.ended += e.Total() }) }
func (c *counts) Replayed(n int)                   { c.add(func() { c.replayed += n }) }

func (c *counts) add(to func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	to()
}

// stage is an ingest stage with everything around it.
type stage struct {
	*ingest.Ingest
	ids         *pipeline.IDMinter
	preferences *preferences
	templates   *templates
	counts      *counts
	now         time.Time
}

func newStage(intake pipeline.Intake) *stage {
	s := &stage{
		ids:         pipeline.NewIDMinter(pipeline.IDKey{7}),
		preferences: &preferences{rows: map[pipeline.PreferenceKey]pipeline.Preference{}},
		templates:   shippedTemplates(),
		counts:      &counts{accepted: map[pipeline.Queue]int{}},
		now:         noon(),
	}
	dead, _ := intake.(pipeline.DeadLetters) // a real store's
	s.Ingest = ingest.New(ingest.Config{
		Intake: intake, DeadLetters: dead, Preferences: s.preferences, Addresses: s.preferences, Templates: s.templates, IDs: s.ids, Observer: s.counts,
		Now: func() time.Time { return s.now },
	})
	return s
}

// newStore opens a real store, for what must survive its commit. Its clock is
// the tests'.
func newStore(t *testing.T) *pebble.Store {
	t.Helper()
	store, err := pebble.Open(pebble.Config{
		Dir: t.TempDir(), Partitions: 1, Log: slog.New(slog.DiscardHandler), Now: noon,
		Fatal: func(err error) { panic(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// scripted is an intake that says what it was told to, and keeps what it was
// given.
type scripted struct {
	standings  []pipeline.Standing // nil: every claim is fresh
	reserveErr error
	commitErr  error

	claims     []pipeline.Claim
	admissions []pipeline.Admission
	commits    int
	open       int // reservations that were not released
}

func (s *scripted) Reserve(_ context.Context, claims []pipeline.Claim) (pipeline.Reservation, error) {
	if s.reserveErr != nil {
		return nil, s.reserveErr
	}
	s.claims = claims
	s.open++
	standings := s.standings
	if standings == nil {
		for i := range claims {
			standings = append(standings, pipeline.Standing{Kind: pipeline.Fresh, Stamp: claims[i].Stamp})
		}
	}
	return &scriptedReservation{s, standings}, nil
}

type scriptedReservation struct {
	intake    *scripted
	standings []pipeline.Standing
}

func (r *scriptedReservation) Standing() []pipeline.Standing { return r.standings }

func (r *scriptedReservation) Commit(_ context.Context, admissions []pipeline.Admission) error {
	r.intake.commits++
	r.intake.admissions = slices.Clone(admissions) // their memory is used again
	return r.intake.commitErr
}

func (r *scriptedReservation) Release() { r.intake.open-- }

// welcome is a valid notification, and others like it differ in their user.
func welcome(user string) pipeline.Notification {
	return pipeline.Notification{
		UserID: user, Channel: pipeline.Email, Priority: pipeline.Normal, Category: pipeline.Transactional,
		TemplateID: "welcome", To: "ada@example.com", Variables: []pipeline.Variable{{Name: "name", Value: "Ada"}},
	}
}

func submission(notifications ...pipeline.Notification) pipeline.Submission {
	return pipeline.Submission{Client: "shop", Notifications: notifications}
}

// keyed makes a submission whose entries have keys.
func keyed(keys []string, users ...string) pipeline.Submission {
	s := pipeline.Submission{Client: "shop", Keys: keys}
	for _, u := range users {
		s.Notifications = append(s.Notifications, welcome(u))
	}
	return s
}

// accept takes a submission in that must be accepted.
func (s *stage) accept(t *testing.T, sub pipeline.Submission) []pipeline.Receipt {
	t.Helper()
	receipts, err := s.Accept(t.Context(), sub)
	if err != nil {
		t.Fatal(err)
	}
	if len(receipts) != len(sub.Notifications) {
		t.Fatalf("%d receipts for %d notifications", len(receipts), len(sub.Notifications))
	}
	return receipts
}
