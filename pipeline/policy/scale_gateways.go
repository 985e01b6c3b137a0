package policy

import (
	"math"
	"time"
)

// Fleet is what was measured of the gateways.
type Fleet struct {
	Gateways    int           // that run, or were started and do not serve yet
	Utilisation float64       // their rate over what they can take; above 1 they refuse
	P99         time.Duration // 99th percentile of the API's latency; 0 while nobody asks
}

// FleetTargets is what a fleet of gateways is held to.
type FleetTargets struct {
	Min, Max        int
	Utilisation     float64 // that scaling aims at
	UpUtilisation   float64 // above it for UpAfter, gateways are added
	UpAfter         time.Duration
	UpP99           time.Duration // above it, gateways are added at once
	DownUtilisation float64       // below it for DownAfter, gateways are taken away
	DownAfter       time.Duration
}

// FleetScaling is what the gateways' policy remembers from one look at them to
// the next: since when the fleet has been too busy, or too idle, and when it was
// added to. The zero value remembers nothing. Times are any but the zero one.
type FleetScaling struct {
	busySince, idleSince time.Time
	raised               time.Time
}

// Wish gives how many gateways there should be, within the fleet's bounds, and
// what to remember.
//
// Too busy for long enough, or too slow, makes more of them: as many as bring
// the utilisation to its target, or by the formula of [HPA] on the latency,
// whichever asks for more, and one at least; by latency at most twice as many, since latency says little of how much
// is missing. Too idle for long enough makes fewer of them, never so few that
// they would be too busy. After each step the time counts anew, so that what was
// started is seen to serve before more is asked for.
func (s FleetScaling) Wish(f Fleet, t FleetTargets, now time.Time) (int, FleetScaling) {
	s.busySince = since(f.Utilisation > t.UpUtilisation, s.busySince, now)
	s.idleSince = since(f.Utilisation < t.DownUtilisation, s.idleSince, now)
	slow := f.P99 > t.UpP99 && (s.raised.IsZero() || now.Sub(s.raised) >= t.UpAfter)
	wish := f.Gateways
	switch {
	case lasted(s.busySince, t.UpAfter, now) || slow:
		// Without HPA's tolerance: what was too busy for so long is to be too
		// busy no more, and not to be added to one by one.
		wish = max(f.Gateways+1, roundUp(float64(f.Gateways)*f.Utilisation/min(t.Utilisation, t.UpUtilisation)))
		if slow {
			const most = 2
			wish = max(wish, HPA(f.Gateways, min(f.P99.Seconds()/t.UpP99.Seconds(), most), 1))
		}
		s = FleetScaling{raised: now}
	case lasted(s.idleSince, t.DownAfter, now):
		wish = min(f.Gateways, HPA(f.Gateways, f.Utilisation, min(t.Utilisation, t.UpUtilisation)))
		s = FleetScaling{raised: s.raised}
	}
	return max(t.Min, min(wish, t.Max)), s
}

// since keeps the moment from which a state has held, and the zero time while it
// does not hold.
func since(holds bool, from, now time.Time) time.Time {
	switch {
	case !holds:
		return time.Time{}
	case from.IsZero():
		return now
	}
	return from
}

// lasted says whether a state has held for so long.
func lasted(from time.Time, long time.Duration, now time.Time) bool {
	return !from.IsZero() && now.Sub(from) >= long
}

// HPA is the formula of Kubernetes' Horizontal Pod Autoscaler: current x metric /
// target, rounded up, and current while the metric is within a tenth of the
// target. Source: Kubernetes, "Horizontal Pod Autoscaling: Algorithm details".
func HPA(current int, metric, target float64) int {
	if math.Abs(metric/target-1) <= tolerance {
		return current
	}
	return roundUp(float64(current) * metric / target)
}
