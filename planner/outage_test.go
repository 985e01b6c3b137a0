package planner

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestWaitOfAnOutage(t *testing.T) {
	for _, tt := range []struct {
		name                           string
		arriving, rate, length, expiry float64
		backlog, drain, expired        float64
		drains                         bool
	}{
		{"spare rate drains it", 100, 150, 60, 86_400, 6000, 120, 0, true},
		{"no spare rate", 100, 100, 60, 86_400, 6000, 0, 0, false},
		{"no spare rate, at the expiry", 100, 100, 60, 60, 6000, 0, 0, false},
		// The 40th second's arrivals are behind 4000 at 50/s, and have waited
		// 60 - 40 + 80 = 100 s; of the 20 seconds after, half expires.
		{"falls further behind", 100, 50, 60, 100, 6000, 0, 1000, false},
		{"nothing is sent", 100, 0, 60, 100, 6000, 0, 6000, false},
		{"longer than the expiry", 100, 150, 200, 100, 10_000, 200, 10_000, true},
		{"longer than the expiry, without spare rate", 100, 50, 200, 100, 10_000, 0, 10_000 + 5000, false},
		{"nothing arrives", 0, 0, 60, 86_400, 0, 0, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Outage{Arriving: tt.arriving, Rate: tt.rate, Seconds: tt.length}
			o.wait(tt.expiry)
			if o.Backlog != tt.backlog || o.Drain != tt.drain || !near(o.Expired, tt.expired) || o.Drains != tt.drains {
				t.Errorf("%+v", o)
			}
		})
	}
}

// The formula is what happens when notifications are followed one by one.
func TestWaitFollowsEachNotification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Outage{
			Arriving: rapid.Float64Range(1, 50).Draw(t, "arriving"),
			Rate:     rapid.Float64Range(0.1, 80).Draw(t, "rate"),
			Seconds:  rapid.Float64Range(1, 100).Draw(t, "seconds"),
		}
		expiry := rapid.Float64Range(1, 150).Draw(t, "expiry")
		o.wait(expiry)
		expired, free := 0.0, o.Seconds
		for n := 0.0; n < o.Arriving*o.Seconds; n++ {
			came := n / o.Arriving
			if free-came > expiry {
				expired++
				continue
			}
			free += 1 / o.Rate
		}
		// Arrivals and sendings are whole here, and a flow there.
		if slack := 3 + 0.02*o.Arriving*o.Seconds; math.Abs(expired-o.Expired) > slack {
			t.Fatalf("%v expire, want %v of %+v", o.Expired, expired, o)
		}
	})
}
