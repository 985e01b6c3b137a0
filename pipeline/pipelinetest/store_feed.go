package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

func oneWay(_ *testing.T, w *world) {
	n := notification("ada", 1)
	id := w.commit(n)[0]
	w.state(id, pipeline.Queued)
	d := w.fetch(10)
	if len(d) != 1 || d[0].ID != id || d[0].Doubt || len(d[0].Attempts) > 0 || d[0].Fetched.IsZero() {
		w.Fatalf("handed out %+v", d)
	}
	if !reflect.DeepEqual(d[0].Notification, n) {
		w.Fatalf("handed out %+v, want %+v", d[0].Notification, n)
	}
	w.sending(id)
	w.nothingDue()
	w.deliver(d...)
	e := w.entry(id)
	if e.State != pipeline.Delivered || e.UserID != "ada" || e.Ref != "ada-1" || e.EndedAt.IsZero() ||
		len(e.Attempts) != 1 || e.Attempts[0].Class != pipeline.Sent || e.Attempts[0].Provider != "sendgrid" {
		w.Fatalf("the delivered one is %+v", e)
	}
}

func accountHolds(_ *testing.T, w *world) {
	w.account(pipeline.Account{})
	w.commit(notification("ada", 1), notification("bob", 1), notification("eve", 1), notification("kim", 1))
	w.account(pipeline.Account{Accepted: 4, InFlight: 4})
	d := w.fetchAll(4)
	w.account(pipeline.Account{Accepted: 4, InFlight: 4})
	now := time.Now()
	ambiguous := retrying(d[1], now.Add(time.Hour))
	ambiguous.Attempt.Class = pipeline.Ambiguous
	w.settle(delivered(d[0]), ambiguous,
		pipeline.Fact{Delivery: d[2], State: pipeline.Dead, Reason: "unregistered", At: now, Attempt: pipeline.Attempt{Provider: "sendgrid", At: now, Class: pipeline.Permanent}})
	w.account(pipeline.Account{Accepted: 4, Delivered: 1, Dead: 1, Ambiguous: 1, InFlight: 2})
	w.settle(pipeline.Fact{Delivery: d[3], State: pipeline.Expired, Reason: "expired", At: now})
	want := pipeline.Account{Accepted: 4, Delivered: 1, Dead: 1, Expired: 1, Ambiguous: 1, InFlight: 1}
	w.account(want)
	depths, err := w.store.Depths(w.Context())
	w.must(err)
	var sum pipeline.Depth
	for _, depth := range depths {
		sum.Waiting += depth.Waiting
		sum.Windowed += depth.Windowed
		sum.Retrying += depth.Retrying
	}
	if sum != (pipeline.Depth{Retrying: 1}) {
		w.Fatalf("the queues hold %+v, want one retry", sum)
	}
	w.shut()
	w.open()
	w.account(want)
}

func ordered(_ *testing.T, w *world) {
	const each, together = 300, 10
	users := []string{"ada", "bob", "eve", "kim", "zoe"}
	for n := 0; n < each; n += together {
		var some []pipeline.Notification
		for i := range together {
			for _, user := range users {
				some = append(some, notification(user, n+i))
			}
		}
		w.commit(some...)
	}
	next := map[string]int{}
	all := w.fetchAll(each * len(users))
	for _, d := range all {
		if want := fmt.Sprintf("%s-%d", d.UserID, next[d.UserID]); d.Ref != want {
			w.Fatalf("handed out %s, want %s", d.Ref, want)
		}
		next[d.UserID]++
	}
	for some := range slices.Chunk(all, 100) {
		w.deliver(some...)
	}
}

func awaits(_ *testing.T, w *world) {
	l := w.lease(pipeline.Email)
	short, cancel := context.WithTimeout(w.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Await(short, pipeline.High, 1, 0); !errors.Is(err, context.DeadlineExceeded) {
		w.Fatalf("waiting for nothing gave %v", err)
	}
	w.commit(notification("ada", 1))
	short, cancel = context.WithTimeout(w.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Await(short, pipeline.High, 2, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		w.Fatalf("half a batch that may wait an hour gave %v", err)
	}
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	w.must(l.Await(ctx, pipeline.High, 2, 10*time.Millisecond)) // its time
	done := make(chan error, 1)
	go func() { done <- l.Await(ctx, pipeline.High, 2, time.Hour) }()
	w.commit(notification("bob", 1))
	w.must(<-done) // its size
	if d := w.fetch(10); len(d) != 2 {
		w.Fatalf("handed out %d, want 2", len(d))
	}
}

func retries(_ *testing.T, w *world) {
	id := w.commit(notification("ada", 1))[0]
	d := w.fetchAll(1)[0]
	due := time.Now().Add(30 * time.Millisecond)
	w.settle(retrying(d, due))
	w.state(id, pipeline.Retrying)
	again := w.fetchAll(1)[0]
	if time.Now().Before(due.Truncate(time.Millisecond)) {
		w.Fatal("the retry was handed out before it was due")
	}
	if again.ID != id || again.Doubt || len(again.Attempts) != 1 || again.Attempts[0].Error != "busy" {
		w.Fatalf("the retry is %+v", again)
	}
	w.nothingDue()
	w.deliver(again)
	e := w.entry(id)
	if e.State != pipeline.Delivered || len(e.Attempts) != 2 {
		w.Fatalf("after the retry it is %+v", e)
	}
	w.account(pipeline.Account{Accepted: 1, Delivered: 1})
}

// manyRetries has some record retries that are due at once while others are
// handed out: none may be passed over.
func manyRetries(_ *testing.T, w *world) {
	const users, rounds, settlers = 48, 6, 4
	var some []pipeline.Notification
	for n := range users {
		some = append(some, notification(fmt.Sprint("user", n), 1))
	}
	w.commit(some...)
	lease, handed := w.lease(pipeline.Email), make(chan []*pipeline.Delivery, users)
	var settling errgroup.Group
	for range settlers {
		settling.Go(func() error {
			for deliveries := range handed {
				facts := make([]pipeline.Fact, len(deliveries))
				for i, d := range deliveries {
					if facts[i] = delivered(d); len(d.Attempts) < rounds {
						facts[i] = retrying(d, time.Now())
					}
				}
				if err := w.store.Settle(w.Context(), lease, facts); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for n := 0; n < users*(rounds+1); {
		deliveries := w.fetch(3)
		n += len(deliveries)
		handed <- deliveries
	}
	close(handed)
	w.must(settling.Wait())
	w.nothingDue()
	w.account(pipeline.Account{Accepted: users, Delivered: users})
}

func settlesTwice(_ *testing.T, w *world) {
	w.commit(notification("ada", 1), notification("bob", 1))
	d := w.fetchAll(2)
	facts := []pipeline.Fact{delivered(d[0]), retrying(d[1], time.Now())}
	w.settle(facts...)
	w.settle(facts...)
	w.account(pipeline.Account{Accepted: 2, Delivered: 1, InFlight: 1})
	again := w.fetchAll(1)
	w.nothingDue()
	w.deliver(again...)
	w.deliver(again...)
	w.account(pipeline.Account{Accepted: 2, Delivered: 2})
}

func orderlyRestart(_ *testing.T, w *world) {
	w.commit(notification("ada", 1), notification("bob", 1), notification("eve", 1))
	w.deliver(w.fetchAll(1)...)
	w.shut()
	w.open()
	for _, d := range w.fetchAll(2) {
		if d.Doubt {
			w.Fatalf("%s is in doubt after an orderly end", d.Ref)
		}
		w.deliver(d)
	}
	w.nothingDue()
	w.account(pipeline.Account{Accepted: 3, Delivered: 3})
}

func crash(_ *testing.T, w *world) {
	const total, handed = 50, 20
	for i := range total {
		w.commit(notification(fmt.Sprintf("user%d", i), i))
	}
	doubtful := map[pipeline.ID]bool{}
	for _, d := range w.fetchAll(handed) {
		doubtful[d.ID] = true
	}
	w.crash()
	w.account(pipeline.Account{Accepted: total, InFlight: total})
	for _, d := range w.fetchAll(total) {
		if doubtful[d.ID] && !d.Doubt {
			w.Fatalf("%s was handed out before the crash and is not in doubt", d.Ref)
		}
		if !doubtful[d.ID] && d.Doubt && w.under.ExactDoubt {
			w.Fatalf("%s was not handed out before the crash and is in doubt", d.Ref)
		}
		delete(doubtful, d.ID)
		w.deliver(d)
	}
	if len(doubtful) > 0 {
		w.Fatalf("%d records are lost", len(doubtful))
	}
	w.account(pipeline.Account{Accepted: total, Delivered: total})
}

func crashSettled(_ *testing.T, w *world) {
	w.commit(notification("ada", 1), notification("ada", 2), notification("ada", 3), notification("ada", 4))
	d := w.fetchAll(4)
	w.deliver(d[2]) // beyond the mark, which must not move over the first two
	w.settle(retrying(d[1], time.Now().Add(time.Hour)))
	w.crash()
	w.account(pipeline.Account{Accepted: 4, Delivered: 1, InFlight: 3}) // before any of it is read again
	depths, err := w.store.Depths(w.Context())
	w.must(err)
	for _, depth := range depths {
		if depth.Waiting < 0 || depth.Windowed < 0 {
			w.Fatalf("a queue holds %+v", depth)
		}
	}
	left := w.fetchAll(2)
	for _, l := range left {
		if l.ID != d[0].ID && l.ID != d[3].ID {
			w.Fatalf("%s was settled and is handed out again", l.Ref)
		}
		if !l.Doubt {
			w.Fatalf("%s was handed out before the crash and is not in doubt", l.Ref)
		}
	}
	w.nothingDue()
	w.deliver(left...)
	w.account(pipeline.Account{Accepted: 4, Delivered: 3, InFlight: 1})
}

func crashRetry(_ *testing.T, w *world) {
	w.commit(notification("ada", 1), notification("bob", 1))
	d := w.fetchAll(2)
	w.settle(retrying(d[0], time.Now()), retrying(d[1], time.Now().Add(patience/4)))
	handed := w.fetchAll(1)[0]
	w.crash()
	again := w.fetchAll(1)[0]
	if again.ID != handed.ID || !again.Doubt || len(again.Attempts) != 1 {
		w.Fatalf("after the crash the retry is %+v", again)
	}
	w.deliver(again)
	w.account(pipeline.Account{Accepted: 2, Delivered: 1, InFlight: 1})
	w.nothingDue()
}

func takeover(_ *testing.T, w *world) {
	w.commit(notification("ada", 1))
	w.fetchAll(1)
	for crashes := 1; crashes <= 2; crashes++ {
		w.crash()
		d := w.fetchAll(1)[0]
		if !d.Doubt || len(d.Attempts) != crashes-1 {
			w.Fatalf("after crash %d the record is %+v", crashes, d)
		}
		now := time.Now()
		w.settle(pipeline.Fact{
			Delivery: d, State: pipeline.Sending, At: now,
			Attempt: pipeline.Attempt{Provider: "sendgrid", At: now, Class: pipeline.Uncertain},
		})
		w.account(pipeline.Account{Accepted: 1, InFlight: 1, Takeovers: int64(crashes)})
	}
}

func runOutcomes(_ *testing.T, w *world) {
	check := func() {
		w.Helper()
		outcomes, err := w.store.RunOutcomes(w.Context(), "ada")
		w.must(err)
		if got := outcomes[pipeline.Delivered].ToArray(); !reflect.DeepEqual(got, []uint32{1, 3}) {
			w.Fatalf("delivered %v, want 1 and 3", got)
		}
		if got := outcomes[pipeline.Dead].ToArray(); !reflect.DeepEqual(got, []uint32{2}) {
			w.Fatalf("dead %v, want 2", got)
		}
	}
	if _, err := w.store.RunOutcomes(w.Context(), "ada"); !errors.Is(err, pipeline.ErrUnknownRun) {
		w.Fatalf("an unknown run gave %v", err)
	}
	w.commit(notification("ada", 1), notification("ada", 2), notification("ada", 3), notification("ada", 4))
	d := w.fetchAll(3)
	w.settle(delivered(d[0]), pipeline.Fact{Delivery: d[1], State: pipeline.Dead, Reason: "template", At: time.Now()}, delivered(d[2]))
	check()
	w.crash()
	check()
	for run := range 2 * pipeline.MaxRuns {
		w.commit(notification(fmt.Sprintf("run%d", run), 1))
		for _, d := range w.fetchAll(1) {
			w.deliver(d)
		}
	}
	if _, err := w.store.RunOutcomes(w.Context(), "ada"); !errors.Is(err, pipeline.ErrUnknownRun) {
		w.Fatalf("of more than %d runs the oldest is still kept: %v", pipeline.MaxRuns, err)
	}
}

// randomHistories drives the store by a random script of commits, handouts,
// settlements, restarts and crashes, beside a model of what must be so.
func randomHistories(t *testing.T, w *world) {
	accepted, ended := map[pipeline.ID]bool{}, map[pipeline.ID]bool{}
	var handed []*pipeline.Delivery
	serial := 0
	settleSome := func(n int) {
		for _, d := range handed[:n] {
			if ended[d.ID] {
				t.Fatalf("%s had ended and was handed out again", d.Ref)
			}
			if serial++; serial%4 == 0 {
				w.settle(retrying(d, time.Now()))
				continue
			}
			ended[d.ID] = true
			w.deliver(d)
		}
		handed = handed[n:]
	}
	rapid.Check(t, func(r *rapid.T) {
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 9), 1, 12).Draw(r, "steps") {
			switch step {
			case 0, 1, 2:
				for range rapid.IntRange(1, 5).Draw(r, "commits") {
					serial++
					accepted[w.commit(notification(fmt.Sprintf("u%d", serial%7), serial))[0]] = true
				}
			case 3, 4, 5:
				l := w.lease(pipeline.Email)
				d, err := l.Fetch(w.Context(), pipeline.High, rapid.IntRange(1, 8).Draw(r, "fetch"))
				w.must(err)
				handed = append(handed, d...)
			case 6, 7, 8:
				settleSome(rapid.IntRange(0, len(handed)).Draw(r, "settle"))
			case 9:
				if rapid.Bool().Draw(r, "crash") {
					w.crash()
				} else {
					w.shut()
					w.open()
				}
				handed = nil
			}
		}
		w.account(pipeline.Account{Accepted: int64(len(accepted)), Delivered: int64(len(ended)), InFlight: int64(len(accepted) - len(ended))})
	})
	settleSome(len(handed))
	for len(ended) < len(accepted) {
		handed = append(handed, w.fetch(100)...)
		settleSome(len(handed))
	}
	w.account(pipeline.Account{Accepted: int64(len(accepted)), Delivered: int64(len(accepted))})
	for id := range accepted {
		w.state(id, pipeline.Delivered)
	}
}
