package ingest_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/ingest"
)

// limits counts the calls of a real one.
type limits struct {
	*memory.Limits
	calls int
	err   error
}

func (l *limits) TakeDaily(ctx context.Context, at time.Time, keys []pipeline.PreferenceKey, daily pipeline.DailyLimits, granted []bool) error {
	l.calls++
	if l.err != nil {
		return l.err
	}
	return l.Limits.TakeDaily(ctx, at, keys, daily, granted)
}

// limited is a stage whose users get two e-mails a day.
func limited(intake pipeline.Intake) (*stage, *limits) {
	s, l := newStage(intake), &limits{Limits: memory.NewLimits(1 << 20)}
	s.Ingest = ingest.New(ingest.Config{
		Intake: intake, Preferences: s.preferences, Addresses: s.preferences, Templates: s.templates, IDs: s.ids, Observer: s.counts,
		Limits: l, DailyLimits: pipeline.DailyLimits{Email: 2}, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return s.now },
	})
	return s, l
}

// states gives the first letters of the receipts' states.
func states(receipts []pipeline.Receipt) string {
	out := ""
	for _, r := range receipts {
		out += r.State.String()[:1]
	}
	return out
}

func wantStates(t *testing.T, receipts []pipeline.Receipt, want string) {
	t.Helper()
	if got := states(receipts); got != want {
		t.Errorf("the states are %s, want %s", got, want)
	}
}

func TestWhatIsOverTheDailyLimitIsDropped(t *testing.T) {
	store := newStore(t)
	s, l := limited(store)
	push := welcome("ada")
	push.Channel, push.To = pipeline.Push, "token"
	receipts := s.accept(t, submission(welcome("ada"), welcome("bob"), welcome("ada"), welcome("ada"), push, push, push))
	wantStates(t, receipts, "qqqrqqq")
	if receipts[3].Reason != "daily_limit" || l.calls != 1 {
		t.Errorf("the reason is %q, after %d calls", receipts[3].Reason, l.calls)
	}
	rows, err := store.ByID(t.Context(), []pipeline.ID{receipts[3].ID})
	if err != nil || len(rows) != 1 || rows[0].State != pipeline.RateDropped || rows[0].Reason != "daily_limit" {
		t.Errorf("its history is %+v, %v", rows, err)
	}
	if a, err := store.Account(t.Context()); err != nil || a.Accepted != 7 || a.RateDropped != 1 || a.InFlight != 6 {
		t.Errorf("the account is %+v, %v", a, err)
	}
	s.now = s.now.Add(24 * time.Hour)
	wantStates(t, s.accept(t, submission(welcome("ada"), welcome("ada"), welcome("ada"))), "qqr")
}

// A token is for what is sent: not for a replay, nor for what ends at once.
func TestWhatIsNotSentCostsNoToken(t *testing.T) {
	s, l := limited(newStore(t))
	first := submission(welcome("ada"))
	first.Key = "k"
	s.accept(t, first)
	for range 3 {
		s.accept(t, first)
	}
	if l.calls != 1 {
		t.Errorf("replays asked the limits: %d calls", l.calls)
	}
	late, unwanted := welcome("ada"), welcome("ada")
	late.ExpiresAt = s.now.Add(-time.Second)
	s.preferences.rows[pipeline.PreferenceKey{UserID: "cy", Channel: pipeline.Email}] = pipeline.Preference{}
	unwanted.UserID = "cy"
	wantStates(t, s.accept(t, submission(late, unwanted, unwanted, late)), "esse")
	wantStates(t, s.accept(t, submission(welcome("ada"), welcome("ada"))), "qr")
}

// What was not accepted costs no token; after an unknown end it may have been.
func TestTokensOfAFailedCommitAreReturned(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{{pipeline.ErrFull, "qqr"}, {pipeline.ErrUnavailable, "qqr"}, {pipeline.ErrAmbiguous, "rrr"}} {
		intake := &scripted{commitErr: c.err}
		s, _ := limited(intake)
		for range 3 {
			if _, err := s.Accept(t.Context(), submission(welcome("ada"), welcome("ada"))); !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
		}
		intake.commitErr = nil
		wantStates(t, s.accept(t, submission(welcome("ada"), welcome("ada"), welcome("ada"))), c.want)
	}
}

func TestLimitsFailOpen(t *testing.T) {
	s, l := limited(newStore(t))
	l.err = errors.New("no connection")
	wantStates(t, s.accept(t, submission(welcome("ada"), welcome("ada"), welcome("ada"))), "qqq")
	l.err = nil
	wantStates(t, s.accept(t, submission(welcome("ada"), welcome("ada"), welcome("ada"))), "qqr")
}

func TestWithoutLimitsNobodyIsAsked(t *testing.T) {
	s := newStage(newStore(t)) // which has none to ask
	wantStates(t, s.accept(t, submission(welcome("ada"), welcome("ada"), welcome("ada"))), "qqq")
	limited, l := limited(newStore(t))
	push := welcome("ada")
	push.Channel = pipeline.Push
	limited.accept(t, submission(push))
	if l.calls != 0 {
		t.Errorf("a channel without a limit asked %d times", l.calls)
	}
}
