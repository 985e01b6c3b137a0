package mockproviders

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestBucketsKeepTheirRate: whatever comes when, no stretch of time sees more
// than its rate and a burst, and one that asks all the time gets all of it.
func TestBucketsKeepTheirRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Quota{
			Limit:  rapid.Float64Range(0.1, 50).Draw(t, "limit"),
			Per:    Duration(rapid.Int64Range(int64(100*time.Millisecond), int64(time.Minute)).Draw(t, "per")),
			Window: rapid.Bool().Draw(t, "window"),
		}
		if !q.Window {
			q.Burst = rapid.Float64Range(1, 100).Draw(t, "burst")
		}
		b := newBuckets(&q, 10)
		type taken struct {
			at time.Time
			n  float64
		}
		var all []taken
		now, largest := time.Unix(1000, 0), 1.0
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(q.per())).Draw(t, "pause")))
			n := float64(rapid.IntRange(1, 20).Draw(t, "units"))
			ok, wait := b.take(1, n, now)
			if !ok {
				if wait <= 0 {
					t.Fatalf("it asks to wait for %v", wait)
				}
				continue
			}
			largest = max(largest, n)
			all = append(all, taken{now, n})
		}
		for i := range all {
			sum := 0.0
			for _, one := range all[i:] {
				sum += one.n
				periods := one.at.Sub(all[i].at).Seconds() / q.per().Seconds()
				if q.Window { // in the worst case, a window ends right after it began
					periods = math.Floor(periods) + 1
				}
				if most := q.burst() + periods*max(q.Limit, 1) + largest; sum > most+1e-3 {
					t.Fatalf("%v were taken in %v periods, more than %v", sum, periods, most)
				}
			}
		}
	})
}

// TestBucketsMakeRoom: a table that is full forgets who used nothing lately, and
// who finds no room is not limited.
func TestBucketsMakeRoom(t *testing.T) {
	b := newBuckets(&Quota{Limit: 1, Per: Duration(time.Minute)}, 2)
	now := time.Unix(1000, 0)
	take := func(key uint64) bool {
		ok, _ := b.take(key, 1, now)
		return ok
	}
	for key := range uint64(2) {
		if !take(key) || take(key) {
			t.Fatalf("account %d is not limited to one", key)
		}
	}
	for range 2 {
		if !take(2) || len(b.by) != 2 {
			t.Errorf("without room it is limited, or of %d accounts kept", len(b.by))
		}
	}
	now = now.Add(time.Minute)
	if !take(3) || take(3) || len(b.by) != 1 {
		t.Errorf("with room again, %d are kept", len(b.by))
	}
}

// TestDay: a day is 24 hours, by the minute, whenever it is looked at.
func TestDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d day
		now := time.Unix(1_700_000_000, 0)
		used := map[int64]uint64{}
		for range rapid.IntRange(1, 50).Draw(t, "uses") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 10*60*60).Draw(t, "pause")) * time.Second)
			n := uint64(rapid.IntRange(0, 1000).Draw(t, "n"))
			d.use(n, now)
			used[now.Unix()/60] += n
			want := uint64(0)
			for minute, n := range used {
				if minute > now.Unix()/60-24*60 {
					want += n
				}
			}
			if got := d.used(now); got != want {
				t.Fatalf("%d were used, want %d", got, want)
			}
		}
	})
}
