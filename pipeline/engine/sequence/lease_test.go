package sequence

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// world is one process's store, with a lease on what was queued for users.
type world struct {
	*disks
	*testing.T
	*process
	store *Store
	lease pipeline.Lease
}

// inWorld runs a test in a bubble, after notifications to users were queued.
func inWorld(t *testing.T, users []string, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{disks: newDisks(), T: t, process: &process{}}
		w.store = w.open(w.process)
		ids := pipeline.NewIDMinter(pipeline.IDKey{1})
		for _, user := range users {
			n := to(user)
			state := pipeline.Queued
			if user == "opted out" {
				state = pipeline.Suppressed
			}
			w.log.append(logRecord{
				LogEntry: pipeline.LogEntry{
					Record: pipeline.Record{ID: ids.Make(time.Now(), &n, ids.Reserve(1)), Notification: n},
					Result: pipeline.Result{State: state},
				}, queue: n.Queue(),
			})
		}
		lease, err := w.store.Acquire(t.Context(), pipeline.Email)
		if err != nil {
			t.Fatal(err)
		}
		w.lease = lease
		test(w)
	})
}

func (w *world) fetch() []*pipeline.Delivery {
	w.Helper()
	deliveries, err := w.lease.Fetch(w.Context(), pipeline.High, 100)
	if err != nil {
		w.Fatal(err)
	}
	return deliveries
}

func (w *world) wantAccount(want pipeline.Account) {
	w.Helper()
	a, err := w.disks.open(&process{}).Account(w.Context())
	if err != nil || a != want {
		w.Errorf("the account is %+v, %v, want %+v", a, err, want)
	}
}

// awayUntil has the stores be away whenever a boundary of the name is met.
func (w *world) awayUntil(back time.Duration, name string) {
	until := time.Now().Add(back)
	w.boundary = func(boundary string) fault {
		if strings.HasSuffix(boundary, name) && time.Now().Before(until) {
			return away
		}
		return nothing
	}
}

func facts(deliveries []*pipeline.Delivery) []pipeline.Fact {
	all := make([]pipeline.Fact, len(deliveries))
	for i, d := range deliveries {
		all[i] = pipeline.Fact{Delivery: d, State: pipeline.Delivered, At: time.Now()}
	}
	return all
}

// While the history or the log is away, what was sent waits to be settled.
func TestSettlingWaitsForStoresThatAreAway(t *testing.T) {
	for _, step := range []string{"before record", "after record", "before commit", "after commit"} {
		inWorld(t, []string{"ada", "bob"}, func(w *world) {
			d := w.fetch()
			w.awayUntil(time.Minute, step)
			began := time.Now()
			if err := w.store.Settle(w.Context(), w.lease, facts(d)); err != nil {
				w.Errorf("%s: settling gave %v", step, err)
			}
			if took := time.Since(began); took < time.Minute || took > time.Minute+2*mostWait {
				w.Errorf("%s: settling took %v", step, took)
			}
			w.wantAccount(pipeline.Account{Accepted: 2, Delivered: 2})
		})
	}
}

// Whoever gives up may try again with the same facts; what had left without a
// send is settled with them.
func TestSettlingIsGivenUpWithItsContext(t *testing.T) {
	inWorld(t, []string{"ada", "opted out"}, func(w *world) {
		d := w.fetch()
		if len(d) != 1 {
			w.Fatalf("%d were handed out", len(d))
		}
		w.awayUntil(time.Hour, "before record")
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		if err := w.store.Settle(ctx, w.lease, facts(d)); !errors.Is(err, pipeline.ErrUnavailable) {
			w.Errorf("settling gave %v", err)
		}
		w.boundary = nil
		if err := w.store.Settle(w.Context(), w.lease, facts(d)); err != nil {
			w.Errorf("settling again gave %v", err)
		}
		w.wantAccount(pipeline.Account{Accepted: 2, Delivered: 1, Suppressed: 1})
	})
}

// A former owner's facts are recorded, if the history is back in time.
func TestSettlingOfAFormerOwner(t *testing.T) {
	for away, want := range map[time.Duration]error{
		0: pipeline.ErrFenced, DefaultDrain / 2: pipeline.ErrFenced, 2 * DefaultDrain: pipeline.ErrUnavailable,
	} {
		inWorld(t, []string{"ada"}, func(w *world) {
			d := w.fetch()
			w.awayUntil(away, "before record")
			if _, err := w.disks.open(&process{}).Acquire(w.Context(), pipeline.Email); err != nil {
				w.Fatal(err)
			}
			if err := w.store.Settle(w.Context(), w.lease, facts(d)); !errors.Is(err, want) {
				w.Errorf("with the history away for %v it gave %v, want %v", away, err, want)
			}
			recorded := w.rows.rowOf(d[0].ID).State == pipeline.Delivered
			if recorded != (want == pipeline.ErrFenced) { //nolint:errorlint // it is one of the above
				w.Errorf("with the history away for %v it was recorded: %v", away, recorded)
			}
			w.wantAccount(pipeline.Account{Accepted: 1, InFlight: 1})
		})
	}
}

// A log that is away when its lease ends holds up no fact: that of one send, and
// then that of another, are recorded while there is time.
func TestSettlingOfALeaseThatEndsWhileTheLogIsAway(t *testing.T) {
	inWorld(t, []string{"ada", "bob"}, func(w *world) {
		d := w.fetch()
		if _, err := w.disks.open(&process{}).Acquire(w.Context(), pipeline.Email); err != nil {
			w.Fatal(err)
		}
		w.awayUntil(time.Hour, "before commit")
		began := time.Now()
		for i := range d {
			if err := w.store.Settle(w.Context(), w.lease, facts(d[i:i+1])); !errors.Is(err, pipeline.ErrFenced) {
				w.Errorf("settling gave %v", err)
			}
			if w.rows.rowOf(d[i].ID).State != pipeline.Delivered {
				w.Errorf("delivery %d was not recorded", i)
			}
		}
		if took := time.Since(began); took > DefaultDrain/2 {
			w.Errorf("it took %v, which is near the %v after which the lease is over", took, DefaultDrain)
		}
	})
}

// What was taken out of the log is handed out though the history is away, later.
func TestFetchingWaitsForTheHistory(t *testing.T) {
	inWorld(t, []string{"ada"}, func(w *world) {
		w.awayUntil(time.Minute, "before looking")
		ctx, cancel := context.WithTimeout(w.Context(), 55*time.Second)
		defer cancel()
		d, err := w.lease.Fetch(ctx, pipeline.High, 1)
		if err != nil || len(d) != 1 {
			w.Errorf("fetching gave %d, %v", len(d), err)
		}
	})
	inWorld(t, []string{"ada"}, func(w *world) {
		w.awayUntil(time.Hour, "before looking")
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := w.lease.Fetch(ctx, pipeline.High, 1); !errors.Is(err, pipeline.ErrLeaseEnded) {
			w.Errorf("fetching gave %v", err)
		}
		if took := time.Since(began); took != time.Second+DefaultDrain {
			w.Errorf("it was given up after %v", took)
		}
	})
}

// What ended at ingest is settled without being asked for, at once when nothing
// else is handed out, and at the lease's end at the latest.
func TestWhatEndedAtIngestIsSettled(t *testing.T) {
	inWorld(t, []string{"opted out", "opted out"}, func(w *world) {
		if d := w.fetch(); len(d) != 0 {
			w.Errorf("%d were handed out", len(d))
		}
		w.wantAccount(pipeline.Account{Accepted: 2, Suppressed: 2})
	})
	inWorld(t, []string{"opted out", "ada"}, func(w *world) {
		d := w.fetch()
		w.wantAccount(pipeline.Account{Accepted: 2, InFlight: 2})
		if err := w.lease.Close(w.Context()); err != nil {
			w.Error(err)
		}
		w.wantAccount(pipeline.Account{Accepted: 2, Suppressed: 1, InFlight: 1})
		if len(d) != 1 || d[0].UserID != "ada" {
			w.Errorf("handed out were %d", len(d))
		}
	})
}

// Of an erased user nothing is queued again.
func TestARetryOfAnErasedUserEnds(t *testing.T) {
	inWorld(t, []string{"ada"}, func(w *world) {
		d := w.fetch()
		if err := w.store.Erase(w.Context(), "ada"); err != nil {
			w.Fatal(err)
		}
		retry := pipeline.Fact{Delivery: d[0], State: pipeline.Retrying, At: time.Now(), Due: time.Now()}
		if err := w.store.Settle(w.Context(), w.lease, []pipeline.Fact{retry}); err != nil {
			w.Fatal(err)
		}
		w.wantAccount(pipeline.Account{Accepted: 1, Suppressed: 1})
	})
}

// A retry is due later than its delivery was, whatever was asked for.
func TestARetryIsDueLater(t *testing.T) {
	inWorld(t, []string{"ada"}, func(w *world) {
		d := w.fetch()
		for range 3 {
			retry := pipeline.Fact{Delivery: d[0], State: pipeline.Retrying, At: time.Now(), Due: d[0].Due}
			if err := w.store.Settle(w.Context(), w.lease, []pipeline.Fact{retry}); err != nil {
				w.Fatal(err)
			}
			time.Sleep(time.Second)
			again := w.fetch()
			if len(again) != 1 || !again[0].Due.After(d[0].Due) {
				w.Fatalf("behind one due at %v came %d", d[0].Due, len(again))
			}
			d = again
		}
	})
}

// A copy that leaves the log is nobody's twin: what was queued twice, and retried
// once, goes on as that retry, though the second copy is handed out with it.
func TestACopyThatLeavesIsNobodysTwin(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		main, second, retry := pipeline.Token{Position: 1}, pipeline.Token{Position: 2}, pipeline.Token{Partition: 9}
		id := pipeline.ID{1}
		logged := func(token, origin pipeline.Token) *pipeline.Logged {
			d := &pipeline.Delivery{Record: pipeline.Record{ID: id}, Token: token, Origin: origin}
			return &pipeline.Logged{Delivery: d, Result: pipeline.Result{State: pipeline.Queued}}
		}
		row := pipeline.Row{Entry: pipeline.Entry{State: pipeline.Retrying}, Token: main, Origin: main}
		deliveries, left := w.lease.(*lease).divide([]known{
			{Logged: logged(second, second), row: row}, {Logged: logged(retry, main)}, {Logged: logged(retry, main)},
		})
		if len(deliveries) != 1 || deliveries[0].Token != retry || len(left.exits) != 2 {
			w.Errorf("handed out were %d, and %d left", len(deliveries), len(left.exits))
		}
	})
}

func TestAForeignLeaseIsRefused(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		if err := w.disks.open(&process{}).Settle(w.Context(), w.lease, nil); !errors.Is(err, errForeignLease) {
			w.Errorf("it gave %v", err)
		}
	})
}
