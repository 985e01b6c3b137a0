package policy

import "github.com/notifyctl/notifyctl/pipeline"

// Waiting says which priorities have a batch that waits for a worker.
type Waiting [int(pipeline.Low) + 1]bool

// reservedShare of the workers serve the high priority alone, lowShare is the
// part of the rest that low gets while normal never ends.
const (
	reservedShare = 0.2
	lowEvery      = 20 // one of 20 is 5 %
)

// Reserved is how many of a channel's workers serve the high priority alone: a
// fifth, and at least one of two or more.
func Reserved(workers int) int {
	if workers < 2 {
		return 0
	}
	return max(1, int(reservedShare*float64(workers)))
}

// Pick says which priority's batch a free worker takes: high first, then normal
// before low, but every twentieth that low may have goes to low. The workers
// reserved for high are left free. It returns 0 when none may have it.
//
// Free and workers count a channel's workers; turn counts the picks of normal
// and low so far.
func Pick(waiting Waiting, free, workers, turn int) pipeline.Priority {
	if free <= 0 {
		return 0
	}
	if waiting[pipeline.High] {
		return pipeline.High
	}
	if free <= Reserved(workers) {
		return 0
	}
	low, normal := waiting[pipeline.Low], waiting[pipeline.Normal]
	switch {
	case low && (!normal || turn%lowEvery == lowEvery-1):
		return pipeline.Low
	case normal:
		return pipeline.Normal
	}
	return 0
}
