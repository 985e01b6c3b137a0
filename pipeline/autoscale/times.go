package autoscale

import "time"

// Times are the loop's control times.
type Times struct {
	// Every is the time from one look to the next, over which rates are taken.
	Every time.Duration
	// StartDelay is how long what is added takes until it serves.
	StartDelay time.Duration
	// UpAfter and DownAfter are how long gateways are too busy, or too idle,
	// before there are more or fewer.
	UpAfter, DownAfter time.Duration
}

// Every is how often the loop looks unless it is told otherwise. Source:
// Kubernetes, --horizontal-pod-autoscaler-sync-period.
const Every = 15 * time.Second

// floor is the shortest that a time is scaled to: below it, rates are made of
// too few events.
const floor = time.Second

// Scaled multiplies the times, for a system whose load takes place in so much
// less time. None gets shorter than a second that was not.
func (t Times) Scaled(factor float64) Times {
	scale := func(d time.Duration) time.Duration {
		return max(time.Duration(float64(d)*factor), min(d, floor))
	}
	return Times{
		Every: scale(t.Every), StartDelay: scale(t.StartDelay),
		UpAfter: scale(t.UpAfter), DownAfter: scale(t.DownAfter),
	}
}
