package region

import (
	"math"
	"time"
)

// view is who is fit for requests; it is never changed.
type view struct {
	regions []fit
	count   int // of gateways
}

// fit is a region in a view, with at least one gateway.
type fit struct {
	region   *regional
	gateways []*gateway
	// upTo is where the region's share of all 64-bit numbers ends.
	upTo uint64
}

// home is the region that a turn falls to: the turns go through the multiples of
// the golden ratio, which divide a circle more evenly than any others, so that
// after any number of turns each region is within a few requests of its share
// (Knuth, The Art of Computer Programming, volume 3, section 6.4, theorem S).
func (v *view) home(turn uint64) int {
	const golden = 0x9e3779b97f4a7c15 // 2^64 / the golden ratio
	at := turn * golden
	for i := range v.regions {
		if at <= v.regions[i].upTo {
			return i
		}
	}
	return len(v.regions) - 1
}

// refresh makes the view anew. When nobody is fit, all that are there are asked,
// since what they have in common is what fails, and they say what.
// The caller holds the lock.
func (b *Global) refresh(now time.Time) {
	v := b.viewOf(func(g *gateway) bool { return g.known(now) == Serving })
	if len(v.regions) == 0 {
		v = b.viewOf(func(g *gateway) bool { s := g.known(now); return s == Unready || s == Ejected })
	}
	b.view.Store(v)
}

// viewOf makes a view of the gateways that are fit.
func (b *Global) viewOf(isFit func(*gateway) bool) *view {
	v, total := &view{}, 0.0
	for _, r := range b.regions {
		f := fit{region: r}
		for _, g := range r.gateways {
			if isFit(g) {
				f.gateways = append(f.gateways, g)
			}
		}
		if len(f.gateways) > 0 {
			v.regions = append(v.regions, f)
			v.count += len(f.gateways)
			total += r.weight
		}
	}
	sum := 0.0
	for i := range v.regions {
		sum += v.regions[i].region.weight
		v.regions[i].upTo = share(sum / total)
	}
	return v
}

// share is a fraction of all 64-bit numbers.
func share(fraction float64) uint64 {
	if fraction >= 1 {
		return math.MaxUint64
	}
	return uint64(fraction * (1 << 64))
}
