package region

import (
	"math"
	"sync/atomic"
	"time"
)

// burst is how much of its rate a gateway that was idle may take at once.
const burst = time.Second

// bucket is a gateway's token bucket. How many notifications a request holds is
// known only once it is read, so it is let in while there is anything left, and
// may leave a debt that those after it wait for: over time exactly the rate
// passes.
//
// It is kept as the moment at which it is full again, less a burst: the virtual
// scheduling of the generic cell rate algorithm (ITU-T I.371, annex A), which
// takes one word and no lock.
type bucket struct {
	perNotification float64 // ns; 0 is no limit
	paidUntil       atomic.Int64
}

// setRate sets the notifications a second; 0 is no limit.
func (b *bucket) setRate(rate float64) {
	b.perNotification = 0
	if rate > 0 {
		b.perNotification = float64(time.Second) / rate
	}
}

func (b *bucket) limited() bool { return b.perNotification > 0 }

// admit takes notifications out of the bucket, unless it is in debt. now is in
// nanoseconds.
func (b *bucket) admit(now int64, notifications float64) bool {
	if !b.limited() {
		return true
	}
	for {
		until := b.paidUntil.Load()
		if until > now {
			return false
		}
		if b.paidUntil.CompareAndSwap(until, max(until, now-int64(burst))+b.cost(notifications)) {
			return true
		}
	}
}

// correct takes more out of the bucket than was admitted, or gives some back.
func (b *bucket) correct(notifications float64) {
	if b.limited() {
		b.paidUntil.Add(b.cost(notifications))
	}
}

// cost is how long notifications take at the rate, in nanoseconds.
func (b *bucket) cost(notifications float64) int64 {
	return int64(math.Round(notifications * b.perNotification))
}

// mean is a running mean that many update without a lock; what is lost when two
// do at once is of no weight. It starts at one.
type mean struct{ bits atomic.Uint64 }

// meanWeight is the share of a new value in the mean.
const meanWeight = 1.0 / 16

func (m *mean) value() float64 {
	if bits := m.bits.Load(); bits != 0 {
		return math.Float64frombits(bits)
	}
	return 1
}

func (m *mean) add(v float64) {
	old := m.value()
	m.bits.Store(math.Float64bits(old + (v-old)*meanWeight))
}
