package policy_test

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/policy"
	"pgregory.net/rapid"
)

// fleet is what the reference holds its gateways to.
func fleet() policy.FleetTargets {
	return policy.FleetTargets{
		Min: 20, Max: 200, Utilisation: 0.7,
		UpUtilisation: 0.7, UpAfter: 2 * time.Minute, UpP99: 500 * time.Millisecond,
		DownUtilisation: 0.3, DownAfter: 10 * time.Minute,
	}
}

// start is when these tests begin.
func start() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) }

func TestHPA(t *testing.T) {
	for _, tt := range []struct {
		current        int
		metric, target float64
		want           int
	}{
		{50, 90, 75, 60},
		{50, 75, 75, 50},
		{50, 82, 75, 50}, // within a tenth
		{50, 83, 75, 56},
		{50, 30, 75, 20},
		{0, 90, 75, 0},
	} {
		if got := policy.HPA(tt.current, tt.metric, tt.target); got != tt.want {
			t.Errorf("%d at %v of %v: %d, want %d", tt.current, tt.metric, tt.target, got, tt.want)
		}
	}
}

// A look at the fleet at a time after the start, and what is wished then.
type look struct {
	at    time.Duration
	fleet policy.Fleet
	want  int
}

func TestFleetScaling(t *testing.T) {
	busy := policy.Fleet{Gateways: 50, Utilisation: 0.9}
	calm := policy.Fleet{Gateways: 50, Utilisation: 0.5}
	idle := policy.Fleet{Gateways: 50, Utilisation: 0.2}
	slow := policy.Fleet{Gateways: 50, Utilisation: 0.5, P99: 800 * time.Millisecond}
	for _, tt := range []struct {
		name  string
		looks []look
	}{
		// 50 x 0.9 / 0.7 = 64.3.
		{"busy for two minutes", []look{{0, busy, 50}, {119 * time.Second, busy, 50}, {2 * time.Minute, busy, 65}}},
		{"busy, calm, busy", []look{{0, busy, 50}, {time.Minute, calm, 50}, {2 * time.Minute, busy, 50}, {4 * time.Minute, busy, 65}}},
		{"a step at a time", []look{{0, busy, 50}, {2 * time.Minute, busy, 65}, {3 * time.Minute, busy, 50}, {5 * time.Minute, busy, 65}}},
		{"just too busy", []look{
			{0, policy.Fleet{Gateways: 50, Utilisation: 0.71}, 50},
			{2 * time.Minute, policy.Fleet{Gateways: 50, Utilisation: 0.71}, 51},
		}},
		// 50 x 800 / 500 = 80, at once, but not twice within two minutes.
		{"slow", []look{{0, slow, 80}, {time.Minute, slow, 50}, {2 * time.Minute, slow, 80}}},
		{"so slow that it says nothing", []look{{0, policy.Fleet{Gateways: 50, P99: time.Minute}, 100}}},
		{"at most", []look{{0, policy.Fleet{Gateways: 150, P99: time.Minute}, 200}}},
		// 50 x 0.2 / 0.7 = 14.3, and 20 are the least.
		{"idle for ten minutes", []look{{0, idle, 50}, {599 * time.Second, idle, 50}, {10 * time.Minute, idle, 20}}},
		{"idle with many", []look{
			{0, policy.Fleet{Gateways: 200, Utilisation: 0.28}, 200},
			{10 * time.Minute, policy.Fleet{Gateways: 200, Utilisation: 0.28}, 80},
		}},
		{"too few", []look{{0, policy.Fleet{Gateways: 3, Utilisation: 0.5}, 20}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s policy.FleetScaling
			for _, l := range tt.looks {
				var wish int
				if wish, s = s.Wish(l.fleet, fleet(), start().Add(l.at)); wish != l.want {
					t.Errorf("after %v wishes %d, want %d", l.at, wish, l.want)
				}
			}
		})
	}
}

// Under a constant load the fleet settles, within its bounds and never too busy
// if they let it.
func TestFleetScalingSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		targets := fleet()
		load := rapid.Float64Range(0, 300).Draw(t, "gateways' worth of load")
		f := policy.Fleet{Gateways: rapid.IntRange(targets.Min, targets.Max).Draw(t, "gateways")}
		var s policy.FleetScaling
		now, changes := start(), 0
		for range 240 {
			f.Utilisation = load / float64(f.Gateways)
			var wish int
			wish, s = s.Wish(f, targets, now)
			if wish < targets.Min || wish > targets.Max {
				t.Fatalf("wishes %d", wish)
			}
			if wish != f.Gateways {
				changes++
			}
			f.Gateways, now = wish, now.Add(15*time.Second)
		}
		if changes > 2 {
			t.Fatalf("the fleet changed %d times under a constant load of %v", changes, load)
		}
		if f.Utilisation > targets.UpUtilisation && f.Gateways < targets.Max {
			t.Fatalf("%d gateways stay %v busy", f.Gateways, f.Utilisation)
		}
	})
}
