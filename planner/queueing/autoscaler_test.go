package queueing_test

import (
	"math"
	"testing"

	"github.com/notifyctl/notifyctl/planner/queueing"
)

func TestReplicas(t *testing.T) {
	for _, tt := range []struct {
		current        int
		metric, target float64
		want           int
	}{
		{50, 90, 75, 60},
		{50, 75, 75, 50},
		{50, 82.5, 75, 50}, // 10 % over, to the last bit
		{50, 83, 75, 56},
		{50, 67.5, 75, 50},
		{50, 67, 75, 45},
		{3, 1, 3, 1},
		{10, 0, 75, 0},
	} {
		got, err := queueing.Replicas(tt.current, tt.metric, tt.target)
		if err != nil || got != tt.want {
			t.Errorf("%d at %v of %v: %d (%v), want %d", tt.current, tt.metric, tt.target, got, err, tt.want)
		}
	}
}

func TestLagReplicas(t *testing.T) {
	for _, tt := range []struct {
		lag, threshold float64
		partitions     int
		want           int
	}{
		{5000, 1000, 200, 5},
		{5001, 1000, 200, 6},
		{1_500_000, 1000, 200, 200},
		{0, 1000, 200, 0},
		{1e18, 1e-9, 50, 50},
	} {
		got, err := queueing.LagReplicas(tt.lag, tt.threshold, tt.partitions)
		if err != nil || got != tt.want {
			t.Errorf("a lag of %v by %v: %d (%v), want %d", tt.lag, tt.threshold, got, err, tt.want)
		}
	}
}

func TestAutoscalersRefuse(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), -1} {
		for name, call := range map[string]func() (int, error){
			"metric":    func() (int, error) { return queueing.Replicas(1, bad, 1) },
			"target":    func() (int, error) { return queueing.Replicas(1, 1, bad) },
			"lag":       func() (int, error) { return queueing.LagReplicas(bad, 1, 1) },
			"threshold": func() (int, error) { return queueing.LagReplicas(1, bad, 1) },
		} {
			if got, err := call(); err == nil {
				t.Errorf("the %s accepts %v and gives %d", name, bad, got)
			}
		}
	}
	if got, err := queueing.Replicas(1_000_000, 1e18, 1); err == nil {
		t.Errorf("1e24 replicas are %d", got)
	}
	if _, err := queueing.Replicas(0, 1, 1); err == nil {
		t.Error("no replica shows a metric, and is accepted")
	}
	if _, err := queueing.LagReplicas(1, 1, 0); err == nil {
		t.Error("no partition is accepted")
	}
}
