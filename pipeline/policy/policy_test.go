package policy_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/policy"
	"pgregory.net/rapid"
)

func TestBackoffBounds(t *testing.T) {
	b := policy.DefaultBackoff()
	for made, want := range map[int]time.Duration{
		1: 200 * time.Millisecond, 2: 400 * time.Millisecond, 3: 800 * time.Millisecond,
		6: 6400 * time.Millisecond, 12: 5 * time.Minute, 1000: 5 * time.Minute,
	} {
		if got := b.Bound(made); got != want {
			t.Errorf("after %d attempts the bound is %v, want %v", made, got, want)
		}
	}
	if b.Exhausted(5) || !b.Exhausted(6) {
		t.Error("the sixth attempt must be the last")
	}
}

func TestBackoffWaitsAtLeastWhatWasAskedAndNeverBeyondItsBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := policy.DefaultBackoff()
		made := rapid.IntRange(1, 50).Draw(t, "made")
		asked := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "asked"))
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		wait := b.Wait(made, asked, random)
		if wait < asked || wait > max(asked, b.Bound(made)) {
			t.Fatalf("waits %v after %d attempts, asked for %v, bound %v", wait, made, asked, b.Bound(made))
		}
	})
}

// Every priority that waits gets its share in the end, and high always finds
// the workers that are its own.
func TestPickStarvesNobody(t *testing.T) {
	all := policy.Waiting{policy.High: false, policy.Normal: true, policy.Low: true}
	picks := map[policy.Urgency]int{}
	for turn := range 1000 {
		picks[policy.Pick(all, 10, 10, turn)]++
	}
	if picks[policy.Low] != 50 || picks[policy.Normal] != 950 {
		t.Errorf("of 1000 picks low got %d and normal %d, want 50 and 950", picks[policy.Low], picks[policy.Normal])
	}
	rapid.Check(t, func(t *rapid.T) {
		workers := rapid.IntRange(1, 1000).Draw(t, "workers")
		free := rapid.IntRange(0, workers).Draw(t, "free")
		waiting := policy.Waiting{
			policy.High: rapid.Bool().Draw(t, "high"), policy.Normal: rapid.Bool().Draw(t, "normal"), policy.Low: rapid.Bool().Draw(t, "low"),
		}
		got := policy.Pick(waiting, free, workers, rapid.IntRange(0, 100).Draw(t, "turn"))
		switch {
		case got != policy.None && !waiting[got]:
			t.Fatalf("picked %d, which does not wait", got)
		case free > 0 && waiting[policy.High] && got != policy.High:
			t.Fatalf("picked %d while high waits", got)
		case got != policy.High && got != policy.None && free <= policy.Reserved(workers):
			t.Fatalf("picked %d on a worker that is reserved for high", got)
		case got == policy.None && free > policy.Reserved(workers) && (waiting[policy.Normal] || waiting[policy.Low]):
			t.Fatal("left a free worker idle")
		}
	})
}
