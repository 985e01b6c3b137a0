package ingest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/ingest"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

func TestTheShippedTemplatesServeEveryChannel(t *testing.T) {
	service := template.NewService(template.Shipped(), template.Options{})
	defer service.Close()
	intake := &scripted{}
	s := newStage(intake)
	g := ingest.New(ingest.Config{
		Intake: intake, Preferences: s.preferences, Templates: service, IDs: s.ids, Observer: s.counts,
	})
	needs := map[string][]string{"welcome": {"name"}, "otp": {"code"}, "receipt": {"name", "amount"}, "campaign": {"name"}}
	for id, names := range needs {
		for _, channel := range pipeline.Channels() {
			n := welcome("ada")
			n.TemplateID, n.Channel, n.To, n.Variables = id, channel, "", nil
			_, err := g.Accept(t.Context(), submission(n))
			invalid, ok := errors.AsType[*pipeline.InvalidError](err)
			if !ok || len(invalid.Faults) != len(names) {
				t.Errorf("%s on %s without variables: %v, want a fault for each of %v", id, channel, err, names)
			}
			for _, name := range names {
				n.Variables = append(n.Variables, pipeline.Variable{Name: name, Value: "x"})
			}
			if _, err := g.Accept(t.Context(), submission(n)); err != nil {
				t.Errorf("%s on %s: %v", id, channel, err)
			} else if got := intake.admissions[0].TemplateVersion; got != 1 {
				t.Errorf("%s on %s is pinned to version %d, want 1", id, channel, got)
			}
		}
	}
}

func TestTheNewestVersionIsPinnedUnlessOneIsNamed(t *testing.T) {
	intake := &scripted{}
	s := newStage(intake)
	s.templates.bodies["welcome"] = []string{"1 {{name}}", "2 {{name}}", "3 {{name}}"}
	named := welcome("bob")
	named.TemplateVersion = 2
	s.accept(t, submission(welcome("ada"), named))
	if a, b := intake.admissions[0].TemplateVersion, intake.admissions[1].TemplateVersion; a != 3 || b != 2 {
		t.Errorf("pinned %d and %d, want 3 and 2", a, b)
	}
}

// A new version of its template makes a request neither another one nor, when
// it needs more, an invalid one.
func TestAReplayStandsWhateverBecameOfItsTemplate(t *testing.T) {
	s := newStage(newStore(t))
	whole := submission(welcome("ada"))
	whole.Key = "k"
	entries := keyed([]string{"e"}, "ada")
	first, firstEntry := s.accept(t, whole), s.accept(t, entries)
	for name, change := range map[string]func(){
		"a new version":       func() { s.templates.bodies["welcome"] = []string{"{{name}}", "{{name}}!"} },
		"one that needs more": func() { s.templates.bodies["welcome"] = []string{"{{name}}", "{{name}} {{more}}"} },
		"none any more":       func() { delete(s.templates.bodies, "welcome") },
	} {
		change()
		again, againEntry := s.accept(t, whole), s.accept(t, entries)
		if again[0].ID != first[0].ID || !again[0].Replayed || againEntry[0].ID != firstEntry[0].ID || !againEntry[0].Replayed {
			t.Errorf("%s: %+v and %+v are no replays of %v and %v", name, again, againEntry, first[0].ID, firstEntry[0].ID)
		}
	}
}

func TestWhatIsDecidedAtIngest(t *testing.T) {
	key := pipeline.PreferenceKey{UserID: "ada", Channel: pipeline.Email}
	optedOut := pipeline.Preference{PreferenceKey: key, Transactional: true}
	reachable := pipeline.Preference{PreferenceKey: key, Transactional: true, Promotional: true, Addresses: []string{"first@example.com", "second@example.com"}}
	queued := pipeline.Result{State: pipeline.Queued}
	for name, c := range map[string]struct {
		preference *pipeline.Preference
		change     func(n *pipeline.Notification)
		want       pipeline.Result
		to         string
	}{
		"wanted":       {nil, func(*pipeline.Notification) {}, queued, "ada@example.com"},
		"opted out":    {&optedOut, func(n *pipeline.Notification) { n.Category = pipeline.Promotional }, pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}, "ada@example.com"},
		"of the other": {&optedOut, func(*pipeline.Notification) {}, queued, "ada@example.com"},
		"expired":      {nil, func(n *pipeline.Notification) { n.ExpiresAt = noon() }, pipeline.Result{State: pipeline.Expired, Reason: "expired"}, "ada@example.com"},
		"just in time": {nil, func(n *pipeline.Notification) { n.ExpiresAt = noon().Add(time.Millisecond) }, queued, "ada@example.com"},
		"opted out and expired": {
			&optedOut, func(n *pipeline.Notification) { n.Category, n.ExpiresAt = pipeline.Promotional, noon() },
			pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"},
			"ada@example.com",
		},
		"no address yet":        {nil, func(n *pipeline.Notification) { n.To = "" }, queued, ""},
		"the preferred address": {&reachable, func(n *pipeline.Notification) { n.To = "" }, queued, "first@example.com"},
		"its own address":       {&reachable, func(*pipeline.Notification) {}, queued, "ada@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			intake := &scripted{}
			s := newStage(intake)
			if c.preference != nil {
				s.preferences.rows[key] = *c.preference
			}
			n := welcome("ada")
			c.change(&n)
			got := s.accept(t, submission(n))[0].Result
			a := intake.admissions[0]
			if got != c.want || a.Result != c.want || a.To != c.to {
				t.Errorf("told %+v, committed %+v to %q, want %+v to %q", got, a.Result, a.To, c.want, c.to)
			}
		})
	}
}

func TestErrorsOfTheCommitPassThrough(t *testing.T) {
	for _, want := range []error{pipeline.ErrFull, pipeline.ErrUnavailable, pipeline.ErrAmbiguous, errAway} {
		intake := &scripted{commitErr: fmt.Errorf("commit: %w", want)}
		s := newStage(intake)
		receipts, err := s.Accept(t.Context(), submission(welcome("ada")))
		if !errors.Is(err, want) || receipts != nil {
			t.Errorf("got %v, %v, want %v", receipts, err, want)
		}
		if intake.open != 0 || len(s.counts.accepted) != 0 {
			t.Errorf("%v: %d reservations left, %v counted as accepted", want, intake.open, s.counts.accepted)
		}
	}
}

func TestErrorsOfTheReservationPassThrough(t *testing.T) {
	for _, want := range []error{pipeline.ErrFull, pipeline.ErrUnavailable, &pipeline.ClaimError{Claim: 1, Err: pipeline.ErrRunning}} {
		s := newStage(&scripted{reserveErr: want})
		if _, err := s.Accept(t.Context(), keyed([]string{"a", "b"}, "ada", "bob")); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestPreferencesThatAreAwayAcceptNothing(t *testing.T) {
	intake := &scripted{}
	s := newStage(intake)
	s.preferences.err = errAway
	_, err := s.Accept(t.Context(), submission(welcome("ada")))
	if !errors.Is(err, pipeline.ErrUnavailable) || !errors.Is(err, errAway) {
		t.Errorf("got %v, want ErrUnavailable and its cause", err)
	}
	if intake.commits != 0 || intake.open != 0 {
		t.Errorf("%d commits, %d reservations left", intake.commits, intake.open)
	}
}

func TestASliceTakesOneLookUpAndOneCommit(t *testing.T) {
	intake := &scripted{}
	s := newStage(intake)
	notifications := make([]pipeline.Notification, pipeline.MaxSlice)
	for i := range notifications {
		notifications[i] = welcome(fmt.Sprint("user", i))
	}
	s.accept(t, submission(notifications...))
	if s.preferences.asks != 1 || intake.commits != 1 || s.templates.asks != 2 {
		t.Errorf("%d look-ups of preferences, %d of templates, %d commits", s.preferences.asks, s.templates.asks, intake.commits)
	}
}

func TestTheObserverCountsByQueue(t *testing.T) {
	s := newStage(newStore(t))
	push := welcome("ada")
	push.Channel, push.Priority, push.To = pipeline.Push, pipeline.High, "token"
	expired := welcome("bob")
	expired.ExpiresAt = noon()
	sub := submission(welcome("ada"), push, expired)
	sub.Key = "k"
	s.accept(t, sub)
	s.accept(t, sub)
	want := map[pipeline.Queue]int{
		{Channel: pipeline.Email, Priority: pipeline.Normal}: 2, {Channel: pipeline.Push, Priority: pipeline.High}: 1,
	}
	if fmt.Sprint(s.counts.accepted) != fmt.Sprint(want) || s.counts.replayed != 3 || s.counts.ended != 1 {
		t.Errorf("counted %v accepted, %d replayed and %d ended, want %v, 3 and 1", s.counts.accepted, s.counts.replayed, s.counts.ended, want)
	}
}

// Any valid slice: one receipt a notification in order, under ids of this
// installation that are all different, and found from then on.
func TestEveryNotificationGetsOneReceiptInOrder(t *testing.T) {
	store := newStore(t)
	s := newStage(store)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "notifications")
		sub := pipeline.Submission{Client: "shop"}
		key := rapid.StringMatching(`[a-z]{0,2}[0-9]{8}`).Draw(t, "key")
		switch rapid.IntRange(0, 2).Draw(t, "keys") {
		case 1:
			sub.Key = key
		case 2:
			sub.Keys = make([]string, n)
		}
		for i := range n {
			x := welcome(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "user"))
			x.Channel = rapid.SampledFrom(pipeline.Channels()).Draw(t, "channel")
			x.Priority = rapid.SampledFrom(pipeline.Priorities()).Draw(t, "priority")
			x.To = ""
			if rapid.Bool().Draw(t, "expired") {
				x.ExpiresAt = noon().Add(-time.Second)
			}
			if sub.Keys != nil && rapid.Bool().Draw(t, "keyed") {
				sub.Keys[i] = fmt.Sprint(key, "-", i)
			}
			sub.Notifications = append(sub.Notifications, x)
		}
		receipts, err := s.Accept(t.Context(), sub)
		if errors.Is(err, pipeline.ErrConflict) {
			t.Skip("drew a key that was used before")
		}
		if err != nil || len(receipts) != n {
			t.Fatalf("%d receipts for %d notifications: %v", len(receipts), n, err)
		}
		ids, seen := make([]pipeline.ID, n), map[pipeline.ID]bool{}
		for i, r := range receipts {
			ids[i] = r.ID
			x := &sub.Notifications[i]
			want := pipeline.Queued
			if !x.ExpiresAt.IsZero() {
				want = pipeline.Expired
			}
			if seen[r.ID] || !s.ids.Owns(r.ID) || r.ID.UserHash() != pipeline.UserHash(x.UserID) ||
				r.ID.Channel() != x.Channel || r.ID.Priority() != x.Priority || r.State != want || !r.ID.Time().Equal(noon()) {
				t.Fatalf("receipt %d is %+v for %+v", i, r, x)
			}
			seen[r.ID] = true
		}
		entries, err := store.ByID(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range entries {
			if e.State != receipts[i].State {
				t.Fatalf("notification %d is %v in the history, and its receipt says %v", i, e.State, receipts[i].State)
			}
		}
	})
}
