package policy_test

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/policy"
	"pgregory.net/rapid"
)

// Whatever is asked for whenever: no more passes than the burst and what the
// rate brought since.
func TestQuotaIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.1, 20_000).Draw(t, "rate")
		q := policy.NewQuota(rate, breakerStart())
		now, taken := breakerStart(), 0
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "passes")))
			u := rapid.SampledFrom([]policy.Urgency{policy.High, policy.Normal, policy.Low}).Draw(t, "urgency")
			most := rapid.IntRange(1, 1000).Draw(t, "most")
			n, at := q.Offer(now, u, most, 200*time.Millisecond)
			if n == 0 && !at.After(now) {
				t.Fatalf("it offers none at %v, and says to ask again at %v", now, at)
			}
			if n == 0 { // what it says is true
				then := q
				if n, again := then.Offer(at, u, most, 200*time.Millisecond); n == 0 {
					t.Fatalf("at %v it offers none again, now until %v", at, again)
				}
				continue
			}
			q.Take(now, n)
			taken += n
		}
		if most := max(2, rate) + rate*now.Sub(breakerStart()).Seconds(); float64(taken) > most+0.01 {
			t.Fatalf("%d passed, at most %v may", taken, most)
		}
	})
}

func TestQuotaReservesAFifthForHigh(t *testing.T) {
	q := policy.NewQuota(100, breakerStart())
	n, _ := q.Offer(breakerStart(), policy.Low, 1000, time.Second)
	if n != 80 {
		t.Errorf("low is offered %d of 100, want 80", n)
	}
	q.Take(breakerStart(), n)
	if n, at := q.Offer(breakerStart(), policy.Normal, 1000, 200*time.Millisecond); n != 0 || at.Sub(breakerStart()) != 200*time.Millisecond {
		t.Errorf("normal is offered %d of the reserve, and asked to come back after %v", n, at.Sub(breakerStart()))
	}
	if n, _ := q.Offer(breakerStart(), policy.High, 1000, 20*time.Millisecond); n != 20 {
		t.Errorf("high is offered %d of the reserve of 20", n)
	}
}

// A message that takes more than was foreseen is waited for afterwards.
func TestQuotaOwes(t *testing.T) {
	q := policy.NewQuota(10, breakerStart())
	q.Take(breakerStart(), 30)
	if n, at := q.Offer(breakerStart(), policy.High, 10, 100*time.Millisecond); n != 0 || at.Sub(breakerStart()) != 2100*time.Millisecond {
		t.Errorf("20 in debt it offers %d, and says to wait %v", n, at.Sub(breakerStart()))
	}
	q.Take(breakerStart(), -1000)
	if n, _ := q.Offer(breakerStart(), policy.High, 1000, time.Second); n != 10 {
		t.Errorf("more was given back than it holds: it offers %d", n)
	}
}

// Of any traffic a tenth may be retries, beside what the start and the floor
// give.
func TestRetriesAreATenth(t *testing.T) {
	b := policy.NewRetryBudget(breakerStart())
	now, spent, firsts := breakerStart(), 0, 0
	for range 600 { // a minute at 2000/s, of which everything fails
		now = now.Add(100 * time.Millisecond)
		b.Earn(now, 200)
		firsts += 200
		for range 200 {
			if b.Spend(now) {
				spent++
			}
		}
	}
	if most := firsts/10 + 1000 + 600; spent > most || spent < most-1 {
		t.Errorf("%d retries were paid for beside %d first sends, want %d", spent, firsts, most)
	}
	// Nothing is sent any more: the rest still gets away.
	if b.Spend(now.Add(time.Second)) != true {
		t.Error("a quiet provider gets no retry")
	}
	b.Earn(now, 10_000_000)
	saved := 0
	for b.Spend(now) {
		saved++
	}
	if saved != 10_000 {
		t.Errorf("%d retries were saved up, want 10,000 at most", saved)
	}
}

// A quota that is made another keeps what it holds, as far as that has room, and
// brings in what its new rate says.
func TestQuotaIsChanged(t *testing.T) {
	now := breakerStart()
	spare := func(q *policy.Quota) int {
		n, _ := q.Offer(now, policy.High, 1000, 0)
		return n
	}
	q := policy.NewQuota(100, now)
	for _, step := range []struct {
		rate        float64
		then, later int // what it offers at once, and a quarter of a second later
	}{
		{rate: 40, then: 40, later: 40},
		{rate: 400, then: 40, later: 140},
		{rate: 100, then: 100, later: 100},
	} {
		q.SetRate(now, step.rate)
		if n := spare(&q); n != step.then {
			t.Errorf("at a rate of %v it offers %d, want %d", step.rate, n, step.then)
		}
		now = now.Add(250 * time.Millisecond)
		if n := spare(&q); n != step.later {
			t.Errorf("at a rate of %v it offers %d after a while, want %d", step.rate, n, step.later)
		}
	}
}
