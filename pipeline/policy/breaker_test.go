package policy_test

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/policy"
	"pgregory.net/rapid"
)

func breakerStart() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// breakerCalls makes calls one after the other, a result each, so far apart.
func breakerCalls(t *testing.T, b *policy.Breaker, now time.Time, apart time.Duration, results ...policy.CallResult) time.Time {
	t.Helper()
	for i, r := range results {
		pass, ok := b.Allow(now)
		if !ok {
			t.Fatalf("call %d of %d was not allowed", i, len(results))
		}
		b.Record(pass, r, now, 0.5)
		now = now.Add(apart)
	}
	return now
}

func results(n int, r ...policy.CallResult) []policy.CallResult {
	var all []policy.CallResult
	for range n {
		all = append(all, r...)
	}
	return all
}

func TestBreakerOpens(t *testing.T) {
	const ok, no = policy.CallSucceeded, policy.CallFailed
	for name, c := range map[string]struct {
		apart   time.Duration
		results []policy.CallResult
		want    policy.BreakerState
	}{
		"half of twenty":                      {100 * time.Millisecond, results(10, ok, no), policy.Open},
		"half of nineteen":                    {100 * time.Millisecond, append(results(9, no, ok), no), policy.Closed},
		"less than half":                      {10 * time.Millisecond, results(100, ok, no, ok), policy.Closed},
		"nineteen in a row":                   {time.Minute, results(19, no), policy.Closed},
		"twenty in a row, however far apart":  {time.Minute, results(20, no), policy.Open},
		"half, but never twenty in a window":  {600 * time.Millisecond, results(50, ok, no), policy.Closed},
		"old successes do not count any more": {400 * time.Millisecond, append(results(100, ok), results(15, no)...), policy.Open},
		"what says nothing":                   {0, results(100, policy.CallUnknown), policy.Closed},
	} {
		t.Run(name, func(t *testing.T) {
			b := policy.NewBreaker(policy.DefaultBreaker())
			now := breakerStart()
			for i, r := range c.results {
				pass, allowed := b.Allow(now)
				if !allowed {
					if c.want == policy.Open {
						return
					}
					t.Fatalf("it opened after %d calls", i)
				}
				b.Record(pass, r, now, 0.5)
				now = now.Add(c.apart)
			}
			if got := b.State(now.Add(-c.apart)); got != c.want {
				t.Errorf("it is %v, want %v", got, c.want)
			}
		})
	}
}

func TestBreakerAsksAgainAndCloses(t *testing.T) {
	for draw, want := range map[float64]time.Duration{0: 9 * time.Second, 0.5: 10 * time.Second, 1: 11 * time.Second} {
		b := policy.NewBreaker(policy.DefaultBreaker())
		now := breakerStart()
		for range 20 {
			pass, _ := b.Allow(now)
			b.Record(pass, policy.CallFailed, now, draw)
		}
		if at, ok := b.Ready(now); !ok || at.Sub(now) != want {
			t.Fatalf("by a draw of %v it stays open for %v, %v; want %v", draw, at.Sub(now), ok, want)
		}
		now = now.Add(want)
		if _, ok := b.Allow(now.Add(-1)); ok {
			t.Error("a call passed too early")
		}
		var probes []policy.Pass
		for {
			pass, ok := b.Allow(now)
			if !ok {
				break
			}
			if !pass.Probe() {
				t.Error("a call of a half-open breaker is no probe")
			}
			probes = append(probes, pass)
		}
		if len(probes) != 5 {
			t.Fatalf("%d probes passed, want 5", len(probes))
		}
		if _, ok := b.Ready(now); ok {
			t.Error("with all probes under way it says when it is ready")
		}
		for i, pass := range probes {
			if b.State(now) != policy.HalfOpen {
				t.Errorf("after %d successes it is %v", i, b.State(now))
			}
			b.Record(pass, policy.CallSucceeded, now, draw)
		}
		if b.State(now) != policy.Closed {
			t.Errorf("after 5 successes it is %v", b.State(now))
		}
		// What failed before must not count any more.
		breakerCalls(t, &b, now, 0, results(19, policy.CallFailed)...)
		if b.State(now) != policy.Closed {
			t.Error("it remembers failures from before it opened")
		}
	}
}

// halfOpen gives a breaker that has just let a probe through.
func halfOpen(t *testing.T) (policy.Breaker, policy.Pass, time.Time) {
	t.Helper()
	b := policy.NewBreaker(policy.DefaultBreaker())
	breakerCalls(t, &b, breakerStart(), 0, results(20, policy.CallFailed)...)
	now := breakerStart().Add(10 * time.Second)
	pass, ok := b.Allow(now)
	if !ok {
		t.Fatal("no probe passed after 10 s")
	}
	return b, pass, now
}

func TestAFailedProbeOpensAgain(t *testing.T) {
	b, pass, sent := halfOpen(t)
	other, _ := b.Allow(sent)
	// It was not answered for 5 s: the provider may have recovered meanwhile.
	b.Record(pass, policy.CallFailed, sent.Add(5*time.Second), 0.5)
	if at, _ := b.Ready(sent.Add(5 * time.Second)); at.Sub(sent) != 10*time.Second {
		t.Errorf("it asks again %v after the probe that failed, want 10 s", at.Sub(sent))
	}
	b.Record(other, policy.CallSucceeded, sent.Add(6*time.Second), 0.5)
	if b.State(sent.Add(6*time.Second)) != policy.Open {
		t.Error("a probe of the time before changed it")
	}
	b, pass, sent = halfOpen(t)
	b.Record(pass, policy.CallFailed, sent.Add(30*time.Second), 0.5)
	if at, _ := b.Ready(sent.Add(30 * time.Second)); at.Sub(sent) != 31*time.Second {
		t.Errorf("after a probe of 30 s it asks again %v after it was sent, want 31 s", at.Sub(sent))
	}
}

func TestAProbeThatWasNotMadeLetsAnotherPass(t *testing.T) {
	b, pass, now := halfOpen(t)
	for range 4 {
		b.Allow(now)
	}
	if _, ok := b.Allow(now); ok {
		t.Fatal("a sixth probe passed")
	}
	b.Record(pass, policy.CallUnknown, now, 0)
	if _, ok := b.Allow(now); !ok {
		t.Error("no probe passes in place of the one that was not made")
	}
}

// Whatever happens: nothing passes while it is open, at most five calls pass
// while it is half open, it is open for 9 to 11 s or so, and it never waits for
// ever once every call has ended.
func TestBreakerInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := policy.NewBreaker(policy.DefaultBreaker())
		now := breakerStart()
		var running []policy.Pass
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "passes")))
			before := b.State(now)
			if rapid.Bool().Draw(t, "call") {
				pass, ok := b.Allow(now)
				if before == policy.Open && ok {
					t.Fatal("a call passed while it was open")
				}
				if before == policy.Closed && !ok {
					t.Fatal("a call was refused while it was closed")
				}
				if ok {
					running = append(running, pass)
				}
			} else if len(running) > 0 {
				i := rapid.IntRange(0, len(running)-1).Draw(t, "which")
				b.Record(running[i], rapid.SampledFrom([]policy.CallResult{policy.CallUnknown, policy.CallSucceeded, policy.CallFailed, policy.CallFailed}).Draw(t, "result"), now, rapid.Float64Range(0, 1).Draw(t, "draw"))
				running = append(running[:i], running[i+1:]...)
			}
			if at, ok := b.Ready(now); b.State(now) == policy.Open && (!ok || at.Sub(now) > 11*time.Second) {
				t.Fatalf("open, it is ready %v from now, %v", at.Sub(now), ok)
			}
		}
		for _, pass := range running {
			b.Record(pass, policy.CallUnknown, now, 0)
		}
		at, ok := b.Ready(now)
		if !ok && b.State(now) != policy.HalfOpen {
			t.Fatalf("%v with nothing under way, it does not say when it is ready", b.State(now))
		}
		if ok {
			if _, allowed := b.Allow(at); !allowed {
				t.Fatalf("when it said it would be ready it let nothing pass")
			}
		}
	})
}
