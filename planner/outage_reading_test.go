package planner_test

import (
	"math"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

// outageOf finds an outage of an estimate.
func outageOf(t *testing.T, e *planner.Estimate, channel string, minutes float64, atPeak bool) planner.Outage {
	t.Helper()
	for _, o := range e.Outages {
		if o.Channel == channel && o.Seconds == minutes*60 && o.AtPeak == atPeak {
			return o
		}
	}
	t.Fatalf("no outage of %s for %v minutes", channel, minutes)
	return planner.Outage{}
}

func TestOutagesOfTheReference(t *testing.T) {
	e := estimate(t)
	if len(e.Outages) != 3*4*2 {
		t.Fatalf("%d outages, want three channels x four lengths x two rates", len(e.Outages))
	}
	for _, tt := range []struct {
		channel        string
		minutes        float64
		atPeak         bool
		backlog, drain float64 // no drain is never
		expired        float64
	}{
		// 500 workers x 500/s are less than 100 connections x 5 calls/s x 1000, and
		// 15,000/s of them go on arriving.
		{"email", 1, true, 900_000, 900_000.0 / 235_000, 0},
		{"email", 120, true, 108e6, 108e6 / 235_000, 0},
		// A project's 10,000/s of push, less 60 % of 11,574/s.
		{"push", 30, false, 12.5e6, 12.5e6 / (10_000 - 6944.0 - 4.0/9), 0},
		// Three times what the project may send arrives.
		{"push", 5, true, 9e6, 0, 0},
		// One short code's 100/s of 5,000/s: what came in the first 84,600 x 100 / 4,900
		// seconds is sent in a day, and 98 % of the rest is not.
		{"sms", 30, true, 9e6, 0, (1800 - 84_600.0*100/4900) * 4900},
	} {
		o := outageOf(t, e, tt.channel, tt.minutes, tt.atPeak)
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }
		if !near(o.Backlog, tt.backlog) || !near(o.Drain, tt.drain) || o.Drains != (tt.drain > 0) || !near(o.Expired, tt.expired) {
			t.Errorf("%s: %+v, want %+v", tt.channel, o, tt)
		}
	}
}

func TestOutagesOfSingleCalls(t *testing.T) {
	// 100 connections at 100 ms a call are 1,000/s, and 10 % of 2,000/s arrive: 200/s
	// x 300 s wait, and drain by 800/s.
	e := estimate(t, "workload.users=1M", "workload.design_rate=2K/s", "providers.sms.wire=single", "providers.sms.senders=50")
	o := outageOf(t, e, "sms", 5, true)
	if o.Rate != 1000 || o.Arriving != 200 || o.Backlog != 60_000 || o.Drain != 75 {
		t.Errorf("%+v", o)
	}
}

// What a failover costs is the difference of the two providers' prices.
func TestOutageCostsTheDearerBackup(t *testing.T) {
	if o := outageOf(t, estimate(t), "sms", 1, true); o.Extra != 0 {
		t.Errorf("%+v: the reference's backup is cheaper", o)
	}
	e := estimate(t, "providers.sms.primary=vonage", "providers.sms.backup=twilio", "providers.sms.segments=2")
	// 5,000/s x 60 s x 2 segments x ($0.0083 - $0.008).
	if o := outageOf(t, e, "sms", 1, true); math.Abs(o.Extra-180) > 1e-6 {
		t.Errorf("%+v, want $180 of extra cost", o)
	}
}
