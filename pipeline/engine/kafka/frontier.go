package kafka

import "time"

const (
	// leastLead is how far a frontier leads at least, in records, so that what
	// comes after a lull need not wait for a commit.
	leastLead = 1000
	// leadTime is how long a frontier lasts at the rate of the last seconds.
	leadTime = 2 * time.Second
)

// frontier is how far the records of a partition may be handed out: to where
// the last acknowledged commit said, so that whoever takes the partition over
// knows what may have been sent. It leads what is handed out, and is moved on
// when half of its lead is used, so that handing out hardly ever waits for it.
type frontier struct {
	acknowledged int64
	// The pace of handing out, in records a second: of the last whole second,
	// and what the one that began at since has so far.
	pace  int64
	since time.Time
	count int64
}

// handedOut notes that n records were handed out.
func (f *frontier) handedOut(n int64, now time.Time) {
	if passed := now.Sub(f.since); passed >= time.Second {
		f.pace = int64(float64(f.count) / passed.Seconds())
		f.since, f.count = now, 0
	}
	f.count += n
}

// lead is how far the frontier should be ahead of what is handed out.
func (f *frontier) lead() int64 {
	return max(leastLead, max(f.pace, f.count)*int64(leadTime/time.Second))
}

// goal is where the next commit puts the frontier when all below next is handed
// out. A frontier never moves back while its lease lasts.
func (f *frontier) goal(next int64) int64 { return max(f.acknowledged, next+f.lead()) }

// low says that it is time for a commit to move the frontier on.
func (f *frontier) low(next int64) bool { return f.acknowledged-next < f.lead()/2 }
