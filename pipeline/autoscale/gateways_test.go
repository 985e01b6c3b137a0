package autoscale_test

import (
	"testing"
	"time"
)

// Gateways come when theirs have been busy for two minutes, serve after the start
// delay, and go when they have been idle for ten.
func TestGatewaysFollowTheLoad(t *testing.T) {
	scaled(t, "arrivals", nil, func(w *world) {
		w.set(func() { w.offered["region-1"], w.offered["region-2"] = 4000, 1000 }) // 200 % and 50 %
		w.after(2 * time.Minute)
		if got := w.fleet(); got["region-1"] != 2 {
			t.Errorf("before two minutes are over there are %v", got)
		}
		w.after(30*time.Second + 20*time.Second)
		// 4000 / 0.7 / 1000 = 5.7.
		if got := w.fleet(); got["region-1"] != 6 || got["region-2"] != 2 {
			t.Errorf("after them and the delay there are %v", got)
		}
		w.after(20 * time.Minute)
		if got := w.fleet(); got["region-1"] != 6 || got["region-2"] != 2 {
			t.Errorf("under a constant load there are %v", got)
		}
		w.set(func() { w.offered["region-1"] = 1200 }) // 20 % of six
		w.after(9 * time.Minute)
		if got := w.fleet(); got["region-1"] != 6 {
			t.Errorf("before ten idle minutes are over there are %v", got)
		}
		w.after(2 * time.Minute)
		if got := w.fleet(); got["region-1"] != 2 {
			t.Errorf("after them there are %v", got)
		}
	})
}

// A slow API brings gateways at once, within the bounds.
func TestASlowAPIBringsGateways(t *testing.T) {
	scaled(t, "arrivals", nil, func(w *world) {
		w.set(func() { w.offered["region-1"], w.offered["region-2"], w.p99 = 1000, 1000, 5*time.Second })
		w.after(36 * time.Second)
		if got := w.fleet(); got["region-1"] != 4 || got["region-2"] != 4 {
			t.Errorf("after a slow look and the delay there are %v", got)
		}
		w.after(10 * time.Minute)
		if got := w.fleet(); got["region-1"] != 8 || got["region-2"] != 8 {
			t.Errorf("as it stays slow there are %v, want the maximum", got)
		}
	})
}
