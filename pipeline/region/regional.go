package region

import (
	"math/rand/v2"
	"sync/atomic"
)

// regional is one region: the gateways that it has, under the global balancer's
// lock, and what was counted in it.
type regional struct {
	global   *Global
	name     string
	weight   float64
	lost     bool
	made     int // gateways so far, for their names
	gateways []*gateway
	// Counts of requests that were meant for the region and that no gateway of
	// any took, and about how many notifications they held.
	refused, refusedNotifications atomic.Int64
	// retired has the notifications of the gateways that have left.
	retired int64
}

// pick gives a request to a gateway of the region, the less busy of two drawn at
// random, or else to any other that takes it. It passes over one that was tried
// before, and tells of those that were not there.
func (f *fit) pick(now int64, notifications float64, tried *gateway) (*gateway, entry) {
	n := uint32(len(f.gateways))
	draw := rand.Uint64()
	first := below(uint32(draw), n)
	if n > 1 {
		second := below(uint32(draw>>32), n-1)
		if second >= first {
			second++
		}
		if f.gateways[second].inFlight.Load() < f.gateways[first].inFlight.Load() {
			first = second
		}
	}
	outcome := absent
	for i := range n {
		g := f.gateways[(first+i)%n]
		if g == tried {
			continue
		}
		switch g.enter(now, notifications) {
		case entered:
			return g, entered
		case busy:
			outcome = busy
		case absent:
			f.region.global.notice(g)
		}
	}
	return nil, outcome
}

// below maps 32 random bits to 0..n-1, evenly but for what n over 2^32 leaves.
func below(bits, n uint32) uint32 { return uint32(uint64(bits) * uint64(n) >> 32) }
