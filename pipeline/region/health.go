package region

import (
	"context"
	"time"
)

// How health is judged: how often it is looked at and how long a look may take,
// and after how many failed looks in a row a gateway is unready; one good one
// makes it ready.
const (
	probeEvery   = time.Second
	probeTimeout = 2 * time.Second
	unreadyAfter = 2
)

// How outliers are ejected: after how many failures in a row, for how long, times
// how often it has been (at most 10), and how many of a region at most. Source:
// Envoy, "Outlier detection", defaults but for the share, which is 10 % there
// and here lets one of two go.
const (
	ejectAfter     = 5
	ejectFor       = 30 * time.Second
	ejectMostTimes = 10
	ejectShare     = 0.5
)

// Run checks the gateways' health until ctx ends.
func (b *Global) Run(ctx context.Context) {
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			b.probe(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// probe looks once whether each gateway is there, and whether what they stand on
// works.
func (b *Global) probe(ctx context.Context) {
	ready := true
	if b.cfg.Ready != nil {
		looking, cancel := context.WithTimeout(ctx, probeTimeout)
		ready = b.cfg.Ready(looking) == nil
		cancel()
		if ctx.Err() != nil {
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.regions {
		for _, g := range r.gateways {
			g.down = g.isLost()
			if ready {
				g.probesBad = 0
			} else {
				g.probesBad++
			}
		}
	}
	b.refresh(b.cfg.Now())
}

// notice takes a gateway that was not there out of the view at once.
func (b *Global) notice(g *gateway) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.down || !g.isLost() {
		return // known, or it leaves
	}
	g.down = true
	b.refresh(b.cfg.Now())
}

// eject leaves a gateway alone that failed too often, unless too many are left
// alone in its region: then it is what they have in common that fails.
func (b *Global) eject(g *gateway) {
	now := b.cfg.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.failures.Load() < ejectAfter || g.known(now) != Serving {
		return
	}
	out := 1
	for _, other := range g.region.gateways {
		if other.known(now) == Ejected {
			out++
		}
	}
	if float64(out) > ejectShare*float64(len(g.region.gateways)) {
		return
	}
	g.failures.Store(0)
	g.ejections = min(g.ejections+1, ejectMostTimes)
	g.ejected = now.Add(time.Duration(g.ejections) * ejectFor)
	b.refresh(now)
}
