package region

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// grow adds gateways to a region; they are lost if it is. The caller holds the
// lock.
func (r *regional) grow(n int) {
	for range n {
		r.made++
		g := &gateway{name: r.name + "/gateway-" + strconv.Itoa(r.made), region: r}
		g.handler = r.global.cfg.Handler(g.name)
		g.bucket.setRate(r.global.cfg.Rate)
		g.ended.Store(newEnding())
		if r.lost {
			g.lose()
			g.down = true
		}
		r.gateways = append(r.gateways, g)
	}
}

// staying counts the gateways that are not about to leave.
func (r *regional) staying() int {
	n := 0
	for _, g := range r.gateways {
		if g.life.Load() != leaving {
			n++
		}
	}
	return n
}

// Resize gives a region so many gateways, those that are lost among them: new
// ones serve at once, and those that are too many, the newest first, are given
// nothing more and leave when what they have is answered.
func (b *Global) Resize(region string, gateways int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.find(region)
	if r == nil {
		return b.unknown(region)
	}
	if gateways < 1 {
		return fmt.Errorf("%d gateways for %s; accepted is 1 or more", gateways, region)
	}
	many := r.staying()
	r.grow(max(0, gateways-many))
	for i := len(r.gateways) - 1; i >= 0 && many > gateways; i-- {
		switch g := r.gateways[i]; {
		case g.life.CompareAndSwap(alive, leaving):
			many--
			if g.inFlight.Load() == 0 {
				r.remove(g)
			}
		case g.isLost(): // nobody waits for what it has
			many--
			r.remove(g)
		}
	}
	b.refresh(b.cfg.Now())
	return nil
}

// remove takes a gateway that has left out of its region; the caller holds the
// lock.
func (r *regional) remove(g *gateway) {
	i := slices.Index(r.gateways, g)
	if i < 0 {
		return
	}
	r.gateways = slices.Delete(r.gateways, i, i+1)
	r.retired += g.notifications.Load()
	g.ended.Load().end()
}

// left takes out a gateway that answered its last request.
func (b *Global) left(g *gateway) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.inFlight.Load() == 0 {
		g.region.remove(g)
	}
}

// lose makes a gateway one that is gone with what it does.
func (g *gateway) lose() {
	if g.life.CompareAndSwap(alive, lost) {
		g.ended.Load().end()
	}
}

// Lose loses a region, as in "region-1", with all its gateways, or one gateway,
// as in "region-1/gateway-2", and with them all requests that they have not
// answered. The balancer is not told: it finds out as one does, by asking them or
// by its health checks.
func (b *Global) Lose(name string) error {
	return b.each(name, func(r *regional) { r.lost = true }, (*gateway).lose)
}

// Restore brings back what was lost. It is given requests after the next health
// check.
func (b *Global) Restore(name string) error {
	return b.each(name, func(r *regional) { r.lost = false }, func(g *gateway) {
		if g.life.Load() == lost {
			g.ended.Store(newEnding())
			g.life.Store(alive)
		}
	})
}

// each does something to a region and all its gateways, or to one gateway.
func (b *Global) each(name string, region func(*regional), gateway func(*gateway)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.find(name); r != nil {
		region(r)
		for _, g := range r.gateways {
			gateway(g)
		}
		return nil
	}
	regionName, _, _ := strings.Cut(name, "/")
	if r := b.find(regionName); r != nil {
		for _, g := range r.gateways {
			if g.name == name {
				gateway(g)
				return nil
			}
		}
	}
	return b.unknown(name)
}

// unknown is the error of a name that nothing has; the caller holds the lock.
func (b *Global) unknown(name string) error {
	var names []string
	for _, r := range b.regions {
		names = append(names, r.name)
	}
	return fmt.Errorf("nothing is called %s; the regions are %s, and their gateways REGION/gateway-N", name, strings.Join(names, ", "))
}

// GatewayStats is one gateway. But for InFlight all numbers are cumulative.
type GatewayStats struct {
	Name          string
	State         State
	InFlight      int64 // requests
	Requests      int64 // that it was given
	Notifications int64 // in those that were decoded
	Failed        int64 // requests that it failed: answered 500, 502 or 504, or panicked over
	Dropped       int64 // answers that reached nobody: it was lost, or another was asked instead
}

// Stats is one region. The numbers are cumulative.
type Stats struct {
	Name     string
	Weight   float64
	Lost     bool // as a whole
	Gateways []GatewayStats
	// Notifications is what its gateways were given, those that have left
	// among them; Refused and RefusedNotifications are the requests that were
	// the region's to answer and that no gateway of any region had room for,
	// and about how many notifications were in them.
	Notifications        int64
	Refused              int64
	RefusedNotifications int64
}

// Stats gives the regions, in order.
func (b *Global) Stats() []Stats {
	now := b.cfg.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Stats, len(b.regions))
	for i, r := range b.regions {
		all[i] = r.stats(now)
	}
	return all
}

func (r *regional) stats(now time.Time) Stats {
	s := Stats{
		Name: r.name, Weight: r.weight, Lost: r.lost, Notifications: r.retired,
		Refused: r.refused.Load(), RefusedNotifications: r.refusedNotifications.Load(),
	}
	for _, g := range r.gateways {
		s.Gateways = append(s.Gateways, GatewayStats{
			Name: g.name, State: g.known(now), InFlight: g.inFlight.Load(),
			Requests: g.requests.Load(), Notifications: g.notifications.Load(),
			Failed: g.failed.Load(), Dropped: g.dropped.Load(),
		})
		s.Notifications += g.notifications.Load()
	}
	return s
}

// Repeated counts the requests that were given to a second gateway.
func (b *Global) Repeated() int64 { return b.repeated.Load() }
