package policy

// Urgency ranks what waits for the same workers, most urgent first.
type Urgency int

// The urgencies, and None for nothing.
const (
	None Urgency = iota - 1
	High
	Normal
	Low
	urgencies
)

// Waiting says, by urgency, which have a batch that waits for a worker.
type Waiting [urgencies]bool

// reservedShare of the workers serve what is urgent alone; of the picks between
// normal and low, one in lowEvery goes to low, which is 5 %.
const (
	reservedShare = 0.2
	lowEvery      = 20
)

// Reserved is how many of a channel's workers serve the high urgency alone: a
// fifth, and at least one of two or more.
func Reserved(workers int) int {
	if workers < 2 {
		return 0
	}
	return max(1, int(reservedShare*float64(workers)))
}

// Pick says whose batch a free worker takes: high first, then normal before
// low, but low keeps its share. The workers reserved for high are left free for
// it. It returns None when nobody may have the worker.
//
// free and workers count a channel's workers; turn counts the picks of normal
// and low so far.
func Pick(waiting Waiting, free, workers, turn int) Urgency {
	if free <= 0 {
		return None
	}
	if waiting[High] {
		return High
	}
	if free <= Reserved(workers) {
		return None
	}
	switch {
	case waiting[Low] && (!waiting[Normal] || turn%lowEvery == lowEvery-1):
		return Low
	case waiting[Normal]:
		return Normal
	}
	return None
}
