package kafka

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func TestRetryComesBack(t *testing.T) {
	for _, c := range []struct{ wait, comes time.Duration }{
		{200 * time.Millisecond, 5 * time.Second},
		{5 * time.Second, 5 * time.Second},
		{6 * time.Second, time.Minute},
		{-time.Second, 5 * time.Second},
		{70 * time.Second, time.Minute + time.Minute}, // queued again for the 10 s that are left
		{5 * time.Minute, 5 * time.Minute},
		{5*time.Minute + time.Second, 5*time.Minute + 5*time.Second},
	} {
		t.Run(c.wait.String(), func(t *testing.T) {
			inFake(t, func(t *testing.T, f *fake) {
				p := f.process(t)
				defer p.shut()
				p.append(f.entries(emailHigh, 1)...)
				d := p.fetchAll(emailHigh, 1)[0]
				began := time.Now()
				first := waiting(d, c.wait)
				p.exit(first)
				p.account(pipeline.Account{Accepted: 1, InFlight: 1})
				if depth := p.depth(emailHigh); depth.Retrying != 1 || depth.Waiting != 0 || depth.Windowed != 0 {
					t.Errorf("the depth is %+v", depth)
				}
				l := p.acquire(pipeline.Email)
				p.must(l.Await(t.Context(), pipeline.High, 1, 0))
				if waited := time.Since(began); waited < c.comes || waited > c.comes+time.Second {
					t.Errorf("came back after %v, want %v", waited, c.comes)
				}
				again := p.fetchAll(emailHigh, 1)[0]
				if again.ID != d.ID || again.Doubt || again.Origin != d.Token || again.Token == d.Token ||
					len(again.Attempts) != 1 || again.Attempts[0].Error != "busy" || !again.Due.Equal(first.Due.Truncate(time.Millisecond)) {
					t.Errorf("came back as %+v", again)
				}
				if passed := c.wait > time.Minute; again.Check != passed {
					t.Errorf("check is %v", again.Check)
				}
				p.exit(waiting(again, time.Second))
				again = p.fetchAll(emailHigh, 1)[0]
				if len(again.Attempts) != 2 || again.Origin != d.Token {
					t.Errorf("came back again as %+v", again)
				}
				p.deliver(again)
				p.account(pipeline.Account{Accepted: 1, Delivered: 1})
				if depth := p.depth(emailHigh); depth.InFlight() != 0 {
					t.Errorf("in the end the depth is %+v", depth)
				}
			})
		})
	}
}

// TestRetriesComeBackAtTheirPriority checks that a retry is handed out with its
// own kind, and takes half of a batch at most when there is a backlog.
func TestRetriesComeBackAtTheirPriority(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		emailLow := pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.Low}
		p.append(f.entries(emailHigh, 20)...)
		p.append(f.entries(emailLow, 1)...)
		var exits []pipeline.Exit
		for _, d := range append(p.fetchAll(emailHigh, 20), p.fetchAll(emailLow, 1)...) {
			exits = append(exits, waiting(d, time.Second))
		}
		p.exit(exits...)
		if high, low := p.depth(emailHigh), p.depth(emailLow); high.Retrying != 20 || low.Retrying != 1 {
			t.Errorf("retrying are %d and %d", high.Retrying, low.Retrying)
		}
		p.append(f.entries(emailHigh, 20)...)
		time.Sleep(6 * time.Second)
		retries := 0
		batch := p.fetch(emailHigh, 10)
		for _, d := range batch {
			if len(d.Attempts) > 0 {
				retries++
			}
		}
		if len(batch) != 10 || retries != 5 {
			t.Errorf("a batch of %d has %d retries, want 5 of 10", len(batch), retries)
		}
		p.deliver(batch...)
		p.deliver(p.fetchAll(emailHigh, 30)...)
		low := p.fetchAll(emailLow, 1)
		if len(low[0].Attempts) != 1 {
			t.Errorf("of the low ones came %+v", low[0])
		}
		p.deliver(low...)
		p.account(pipeline.Account{Accepted: 41, Delivered: 41})
	})
}

// TestRetryIsQueuedOnce repeats exits in every way, and finds one retry.
func TestRetryIsQueuedOnce(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		p.append(f.entries(emailHigh, 2)...)
		got := p.fetchAll(emailHigh, 2)
		exits := []pipeline.Exit{waiting(got[0], time.Second), delivered(got[1])}
		p.faults.down.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := p.log.Exit(ctx, p.leases[pipeline.Email], exits); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("an exit without a network gave %v", err)
		}
		p.faults.down.Store(false)
		p.exit(exits...)
		p.exit(exits...)
		p.account(pipeline.Account{Accepted: 2, Delivered: 1, InFlight: 1})
		again := p.fetchAll(emailHigh, 1)
		p.nothing(emailHigh)
		p.deliver(again...)
		p.exit(exits...)
		p.account(pipeline.Account{Accepted: 2, Delivered: 2})
	})
}

func TestExitsAreCounted(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		p.append(f.entries(emailHigh, 4)...)
		got := p.fetchAll(emailHigh, 4)
		now := time.Now()
		takeover := pipeline.Exit{Kind: pipeline.Stays, Fact: pipeline.Fact{
			Delivery: got[0].Delivery, State: pipeline.Sending, At: now, Attempt: pipeline.Attempt{Provider: "ses", At: now, Class: pipeline.Uncertain},
		}}
		p.exit(takeover)
		p.exit(takeover)
		p.account(pipeline.Account{Accepted: 4, InFlight: 4, Takeovers: 1})
		ambiguous := waiting(got[0], time.Second)
		ambiguous.Attempt.Class = pipeline.Ambiguous
		moved := waiting(got[1], time.Second)
		moved.Kind, moved.Attempt = pipeline.Waiting, pipeline.Attempt{}
		p.exit(ambiguous, pipeline.Exit{Kind: pipeline.Repeats, Fact: pipeline.Fact{Delivery: got[2].Delivery}}, delivered(got[3]))
		p.account(pipeline.Account{Accepted: 3, Delivered: 1, InFlight: 2, Ambiguous: 1, Takeovers: 1})
		p.deliver(p.fetchAll(emailHigh, 1)...)
		p.account(pipeline.Account{Accepted: 3, Delivered: 2, InFlight: 1, Ambiguous: 1, Takeovers: 1})
		p.exit(moved)
		got2, err := p.log.Account(t.Context())
		p.must(err)
		if got2.Accepted == got2.Ended()+got2.InFlight {
			t.Errorf("a retry that is nowhere does not show: %+v", got2)
		}
	})
}

func TestRetryOfTheDeadIsInDoubt(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		dead := f.another(t)
		p.append(f.entries(emailHigh, 2)...)
		d := dead.fetchAll(emailHigh, 2)
		dead.exit(waiting(d[0], time.Second), waiting(d[1], 10*time.Minute))
		time.Sleep(6 * time.Second)
		handed := dead.fetchAll(emailHigh, 1)[0]
		time.Sleep(2 * time.Minute) // the other passes the longest delay
		dead.sever()
		again := p.fetchAll(emailHigh, 1)[0]
		if again.ID != handed.ID || !again.Doubt || len(again.Attempts) != 1 {
			t.Errorf("after the takeover the retry is %+v", again)
		}
		p.deliver(again)
		p.account(pipeline.Account{Accepted: 2, Delivered: 1, InFlight: 1})
		time.Sleep(8 * time.Minute)
		last := p.fetchAll(emailHigh, 1)[0]
		if last.ID != d[1].ID || !last.Check {
			t.Errorf("the other came back as %+v", last)
		}
		p.deliver(last)
		p.account(pipeline.Account{Accepted: 2, Delivered: 2})
		dead.faults.down.Store(false)
		dead.shut()
	})
}

// TestNothingIsInDoubtWithoutFaults lets processes come and go while records and
// retries of all priorities are settled.
func TestNothingIsInDoubtWithoutFaults(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		var entries []pipeline.LogEntry
		for _, priority := range pipeline.Priorities() {
			entries = append(entries, f.entries(pipeline.Queue{Channel: pipeline.Email, Priority: priority}, 300)...)
		}
		f.process(t).append(entries...)
		stopped, stop := context.WithCancel(t.Context())
		defer stop()
		work := func(p *process, ctx context.Context, done chan<- struct{}) {
			defer close(done)
			for serial := 0; ctx.Err() == nil; {
				l, err := p.log.Acquire(ctx, pipeline.Email)
				if err != nil {
					return
				}
				for ctx.Err() == nil && p.serveSome(l, &serial) {
					time.Sleep(100 * time.Millisecond)
				}
				p.must(l.Close(t.Context()))
			}
		}
		first := f.process(t)
		firstDone := make(chan struct{})
		go work(first, stopped, firstDone)
		for range 3 {
			p := f.another(t)
			ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
			done := make(chan struct{})
			go work(p, ctx, done)
			<-done
			cancel()
			p.shut()
		}
		time.Sleep(10 * time.Minute)
		stop()
		<-firstDone
		first.account(pipeline.Account{Accepted: 900, Delivered: 900})
	})
}

// serveSome hands out a few of each priority, and settles all of them. It gives
// false when the lease ends.
func (p *process) serveSome(l pipeline.LogLease, serial *int) bool {
	for _, priority := range pipeline.Priorities() {
		got, err := l.Fetch(p.Context(), priority, 7)
		if errors.Is(err, pipeline.ErrLeaseEnded) {
			return false
		}
		p.must(err)
		var exits []pipeline.Exit
		for _, d := range got {
			if d.Doubt {
				p.Errorf("%s is in doubt", d.ID)
			}
			*serial++
			switch {
			case *serial%3 > 0 || len(d.Attempts) > 3:
				exits = append(exits, delivered(d))
			default:
				exits = append(exits, waiting(d, []time.Duration{time.Second, 20 * time.Second, 90 * time.Second}[*serial/3%3]))
			}
		}
		if len(exits) > 0 {
			p.must(p.log.Exit(p.Context(), l, exits))
		}
	}
	return true
}

// TestRandomHistories drives a log by random scripts of appends, hand-outs, exits,
// orderly ends and cuts, beside a model: nothing is lost, nothing counted twice,
// and what was handed out and not settled is in doubt after a cut.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			inFake(t, func(t *testing.T, f *fake) {
				(&history{
					fake: f, p: f.another(t), accepted: map[pipeline.ID]bool{}, ended: map[pipeline.ID]bool{},
					sent: map[pipeline.ID]bool{},
				}).run(random)
			})
		})
	}
}

// history is a run of TestRandomHistories.
type history struct {
	*fake
	p               *process
	accepted, ended map[pipeline.ID]bool
	handed          []pipeline.Logged
	sent            map[pipeline.ID]bool // handed out and not settled at a cut
	cut             []*process
	serial          int
}

func (h *history) run(random *rand.Rand) {
	t := h.p.T
	for range 1 + random.IntN(25) {
		switch n := 1 + random.IntN(6); random.IntN(10) {
		case 0, 1:
			entries := h.entries(emailHigh, n)
			h.p.append(entries...)
			for i := range entries {
				h.accepted[entries[i].ID] = true
			}
		case 2, 3, 4:
			got, err := h.p.acquire(pipeline.Email).Fetch(t.Context(), pipeline.High, n)
			h.p.must(err)
			h.take(got)
		case 5, 6, 7:
			h.settle(min(n, len(h.handed)))
		case 8:
			time.Sleep(time.Duration(n) * time.Second)
		case 9:
			h.end(n < 3)
		}
		h.check()
	}
	for h.settle(len(h.handed)); len(h.ended) < len(h.accepted); h.settle(len(h.handed)) {
		h.take(h.p.fetch(emailHigh, 10))
	}
	h.check()
	h.p.account(pipeline.Account{Accepted: int64(len(h.accepted)), Delivered: int64(len(h.accepted))})
	h.p.shut()
	for _, p := range h.cut {
		p.faults.down.Store(false)
		p.shut()
	}
}

// take takes deliveries, and checks their doubt.
func (h *history) take(got []pipeline.Logged) {
	for _, d := range got {
		if h.ended[d.ID] {
			h.p.Fatalf("%s had ended and is handed out", d.ID)
		}
		if h.sent[d.ID] && !d.Doubt {
			h.p.Fatalf("%s was handed out before the cut and is not in doubt", d.ID)
		}
		delete(h.sent, d.ID)
	}
	h.handed = append(h.handed, got...)
}

func (h *history) settle(n int) {
	var exits []pipeline.Exit
	for _, d := range h.handed[:n] {
		if h.serial++; h.serial%3 == 0 {
			exits = append(exits, waiting(d, time.Duration(h.serial%7)*time.Second))
			continue
		}
		h.ended[d.ID] = true
		exits = append(exits, delivered(d))
	}
	h.handed = slices.Delete(h.handed, 0, n)
	if n > 0 {
		h.p.exit(exits...)
		if h.serial%2 == 0 {
			h.p.exit(exits...)
		}
	}
}

// end ends the process, by a cut or in order, and begins another.
func (h *history) end(cut bool) {
	for _, d := range h.handed {
		h.sent[d.ID] = true
	}
	h.handed = nil
	if cut {
		h.p.sever()
		h.cut = append(h.cut, h.p)
	} else {
		h.p.shut()
	}
	h.p = h.another(h.p.T)
}

// check compares the account with the model.
func (h *history) check() {
	h.p.Helper()
	accepted, ended := int64(len(h.accepted)), int64(len(h.ended))
	h.p.account(pipeline.Account{Accepted: accepted, Delivered: ended, InFlight: accepted - ended})
}
