package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// world is a store under test, with what the tests do to it. Its methods fail
// the test.
type world struct {
	*testing.T
	under  StoreUnderTest
	store  Store
	ids    *pipeline.IDMinter
	limits StoreLimits
	leases map[pipeline.Channel]pipeline.Lease
	keys   pipeline.KeyHash // what the test's keys end in: stores may share keys
	// handed was handed out while something else was waited for.
	handed []*pipeline.Delivery
}

func (w *world) open() {
	w.store = w.under.Open(w.T, w.limits)
	w.leases, w.handed = map[pipeline.Channel]pipeline.Lease{}, nil
}

// reopen opens the store again under other limits.
func (w *world) reopen(l StoreLimits) {
	w.Helper()
	w.shut()
	w.limits = l
	w.open()
}

// shut ends the leases and the store in order.
func (w *world) shut() {
	w.Helper()
	for _, l := range w.leases {
		w.must(l.Close(w.Context()))
	}
	w.under.Close(w.T, w.store)
}

// crash ends the store as a kill would, and opens it again.
func (w *world) crash() {
	w.Helper()
	w.under.Kill(w.T, w.store)
	w.open()
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// notification makes the nth of a user's, of one queue.
func notification(user string, n int) pipeline.Notification {
	return pipeline.Notification{
		Ref: fmt.Sprintf("%s-%d", user, n), UserID: user, Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional,
		TemplateID: "welcome", TemplateVersion: 1, To: "ada@example.com",
		Variables: []pipeline.Variable{{Name: "name", Value: "Ada"}},
	}
}

// admissions stamps notifications as ingest does.
func (w *world) admissions(claim int, notifications ...pipeline.Notification) []pipeline.Admission {
	return w.stamped(time.Now(), claim, notifications...)
}

func (w *world) stamped(now time.Time, claim int, notifications ...pipeline.Notification) []pipeline.Admission {
	first := w.ids.Reserve(len(notifications))
	admissions := make([]pipeline.Admission, len(notifications))
	for i, n := range notifications {
		admissions[i] = pipeline.Admission{
			Record: pipeline.Record{ID: w.ids.Make(now, &n, first+uint32(i)), Notification: n},
			Result: pipeline.Result{State: pipeline.Queued}, Claim: claim,
		}
	}
	return admissions
}

// commit takes notifications in, without keys, and gives their ids.
func (w *world) commit(notifications ...pipeline.Notification) []pipeline.ID {
	w.Helper()
	return w.admit(nil, w.admissions(-1, notifications...))
}

func (w *world) admit(claims []pipeline.Claim, admissions []pipeline.Admission) []pipeline.ID {
	w.Helper()
	r, err := w.store.Reserve(w.Context(), claims)
	w.must(err)
	defer r.Release()
	w.must(r.Commit(w.Context(), admissions))
	ids := make([]pipeline.ID, len(admissions))
	for i := range admissions {
		ids[i] = admissions[i].ID
	}
	return ids
}

func (w *world) lease(c pipeline.Channel) pipeline.Lease {
	w.Helper()
	if l := w.leases[c]; l != nil {
		return l
	}
	l, err := w.store.Acquire(w.Context(), c)
	w.must(err)
	w.leases[c] = l
	return l
}

// patience is how long the suite waits for what must come.
const patience = 30 * time.Second

// fetch waits for deliveries of the test queue, and hands out at most max.
func (w *world) fetch(maximum int) []*pipeline.Delivery {
	w.Helper()
	if n := min(maximum, len(w.handed)); n > 0 {
		deliveries := w.handed[:n]
		w.handed = w.handed[n:]
		return deliveries
	}
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	l := w.lease(pipeline.Email)
	w.must(l.Await(ctx, pipeline.High, maximum, 0))
	deliveries, err := l.Fetch(ctx, pipeline.High, maximum)
	w.must(err)
	return deliveries
}

// fetchAll hands out until n deliveries have come.
func (w *world) fetchAll(n int) []*pipeline.Delivery {
	w.Helper()
	var all []*pipeline.Delivery
	for len(all) < n {
		all = append(all, w.fetch(n-len(all))...)
	}
	return all
}

// quiet is for how long an engine that reads its queue from elsewhere is
// listened to, when nothing is to come.
const quiet = 100 * time.Millisecond

// nothingDue checks that the test queue hands nothing out.
func (w *world) nothingDue() {
	w.Helper()
	if !w.under.SettlesAtIngest {
		w.read(quiet)
	} else {
		deliveries, err := w.lease(pipeline.Email).Fetch(w.Context(), pipeline.High, 10)
		w.must(err)
		w.handed = append(w.handed, deliveries...)
	}
	if len(w.handed) > 0 {
		w.Fatalf("%d deliveries were handed out, the first %s with ref %s", len(w.handed), w.handed[0].ID, w.handed[0].Ref)
	}
}

// read has the store read its queue until nothing was due for some time.
func (w *world) read(quiet time.Duration) {
	w.Helper()
	l := w.lease(pipeline.Email)
	for {
		ctx, cancel := context.WithTimeout(w.Context(), quiet)
		err := l.Await(ctx, pipeline.High, 1, 0)
		cancel()
		idle := errors.Is(err, context.DeadlineExceeded)
		if !idle {
			w.must(err)
		}
		deliveries, err := l.Fetch(w.Context(), pipeline.High, pipeline.MaxSlice)
		w.must(err)
		w.handed = append(w.handed, deliveries...)
		if idle {
			return
		}
	}
}

// settled waits until what ended at ingest has its outcome.
func (w *world) settled(ids ...pipeline.ID) {
	w.Helper()
	if w.under.SettlesAtIngest {
		return
	}
	w.eventually("what ended at ingest to be settled", func() bool {
		w.Helper()
		w.read(quiet / 10)
		entries, err := w.store.ByID(w.Context(), ids)
		w.must(err)
		for i := range entries {
			if !entries[i].State.Terminal() {
				return false
			}
		}
		return true
	})
}

func delivered(d *pipeline.Delivery) pipeline.Fact {
	now := time.Now()
	return pipeline.Fact{
		Delivery: d, State: pipeline.Delivered, At: now,
		Attempt: pipeline.Attempt{Provider: "sendgrid", At: now, Class: pipeline.Sent},
	}
}

func retrying(d *pipeline.Delivery, due time.Time) pipeline.Fact {
	now := time.Now()
	return pipeline.Fact{
		Delivery: d, State: pipeline.Retrying, At: now, Due: due,
		Attempt: pipeline.Attempt{Provider: "sendgrid", At: now, Class: pipeline.Transient, Error: "busy"},
	}
}

func (w *world) settle(facts ...pipeline.Fact) {
	w.Helper()
	w.must(w.store.Settle(w.Context(), w.lease(pipeline.Email), facts))
}

// deliver settles deliveries as delivered.
func (w *world) deliver(deliveries ...*pipeline.Delivery) {
	w.Helper()
	facts := make([]pipeline.Fact, len(deliveries))
	for i, d := range deliveries {
		facts[i] = delivered(d)
	}
	w.settle(facts...)
}

func (w *world) entry(id pipeline.ID) pipeline.Entry {
	w.Helper()
	entries, err := w.store.ByID(w.Context(), []pipeline.ID{id})
	w.must(err)
	return entries[0]
}

func (w *world) state(id pipeline.ID, want pipeline.State) {
	w.Helper()
	if got := w.entry(id).State; got != want {
		w.Fatalf("%s is %v, want %v", id, got, want)
	}
}

// sending checks the state of what was handed out and is new.
func (w *world) sending(id pipeline.ID) {
	w.Helper()
	want := pipeline.Queued
	if w.under.ShowsSending {
		want = pipeline.Sending
	}
	w.state(id, want)
}

func (w *world) account(want pipeline.Account) {
	w.Helper()
	WantAccount(w.T, w.store.Account, want)
}

// WantAccount checks an account, and that it is an equation.
func WantAccount(t *testing.T, account func(context.Context) (pipeline.Account, error), want pipeline.Account) {
	t.Helper()
	got, err := account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("the account is %+v, want %+v", got, want)
	}
	if got.Accepted != got.Ended()+got.InFlight {
		t.Fatalf("accepted %d, but ended %d + in flight %d", got.Accepted, got.Ended(), got.InFlight)
	}
}

// claimError checks that Reserve refuses a claim for a reason.
func (w *world) claimError(claims []pipeline.Claim, index int, reason error) {
	w.Helper()
	r, err := w.store.Reserve(w.Context(), claims)
	if err == nil {
		r.Release()
	}
	var refused *pipeline.ClaimError
	if !errors.As(err, &refused) || refused.Claim != index || !errors.Is(err, reason) {
		w.Fatalf("reserving gave %v, want claim %d refused with %q", err, index, reason)
	}
}
