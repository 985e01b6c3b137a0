package region

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Refusal is why a request is answered by the balancer and by no gateway.
type Refusal int

// The refusals.
const (
	// Overloaded: every gateway is at its rate. Nothing was accepted.
	Overloaded Refusal = iota + 1
	// Unavailable: there is no gateway. Nothing was accepted.
	Unavailable
	// Ambiguous: the gateway was lost before it answered. What was asked for may
	// have been done.
	Ambiguous
)

// Region is a region as it starts.
type Region struct {
	Name     string
	Weight   float64 // its share is this over the sum of all; above 0
	Gateways int     // at least 1
}

// Config is what a [Global] balancer is made of.
type Config struct {
	Regions []Region
	// Handler makes what a gateway answers by; it may be the same for all.
	Handler func(gateway string) http.Handler
	// Rate is how many notifications a second a gateway takes, 0 for any.
	Rate float64
	// Metered says which requests hold notifications that count for the rate.
	// Their number is said through [Answer.Submitted].
	Metered func(*http.Request) bool
	// Refuse answers for a request that no gateway takes, or that was lost.
	Refuse func(w http.ResponseWriter, r *http.Request, why Refusal)
	// Ready says whether what gateways stand on works; nil is always.
	Ready func(context.Context) error
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Global is the balancer before all regions. Run must run beside it, for its
// health checks; without it a gateway is found lost only by being asked.
type Global struct {
	cfg      Config
	view     atomic.Pointer[view]
	turn     atomic.Uint64
	size     mean         // of a metered request, in notifications
	kept     atomic.Int64 // bytes of bodies
	repeated atomic.Int64 // requests given to a second gateway
	attempts sync.Pool    // of *Answer

	mu      sync.Mutex
	regions []*regional
}

// New makes a balancer whose gateways serve at once.
func New(c Config) (*Global, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Regions) == 0 {
		return nil, fmt.Errorf("no regions; at least one is needed")
	}
	b := &Global{cfg: c}
	b.attempts.New = func() any { return &Answer{global: b} }
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range c.Regions {
		if !(r.Weight > 0) || r.Gateways < 1 {
			return nil, fmt.Errorf("region %s of weight %g with %d gateways; accepted is a weight above 0, and 1 gateway or more", r.Name, r.Weight, r.Gateways)
		}
		if b.find(r.Name) != nil {
			return nil, fmt.Errorf("two regions called %s", r.Name)
		}
		region := &regional{global: b, name: r.Name, weight: r.Weight}
		b.regions = append(b.regions, region)
		region.grow(r.Gateways)
	}
	b.refresh(c.Now())
	return b, nil
}

// find looks a region up; the caller holds the lock.
func (b *Global) find(name string) *regional {
	if i := slices.IndexFunc(b.regions, func(r *regional) bool { return r.name == name }); i >= 0 {
		return b.regions[i]
	}
	return nil
}

// mostAttempts bounds how many gateways a request is given to.
const mostAttempts = 3

// ServeHTTP gives a request to a gateway, and to another where that is safe.
func (b *Global) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := b.attempts.Get().(*Answer)
	body := r.Body
	a.begin(w, r)
	defer func() {
		r.Body = body
		a.end()
	}()
	for attempt := 1; ; attempt++ {
		g, why := b.pick(a)
		if g == nil {
			if a.begun {
				why = Ambiguous
			}
			b.cfg.Refuse(w, r, why)
			return
		}
		if a.try(g, r, attempt == mostAttempts || b.view.Load().count == 1) {
			return
		}
		clear(w.Header()) // of the answer that nobody gets
		if !a.repeatable() || attempt == mostAttempts {
			b.cfg.Refuse(w, r, Ambiguous)
			return
		}
		b.repeated.Add(1)
		a.rewind()
	}
}

// pick gives a request to the gateway that is to answer it, or says why there is
// none.
func (b *Global) pick(a *Answer) (*gateway, Refusal) {
	var now int64
	a.estimate = 0
	if a.metered && b.cfg.Rate > 0 {
		now, a.estimate = b.cfg.Now().UnixNano(), b.size.value()
	}
	v := b.view.Load()
	why := Unavailable
	n := len(v.regions)
	if n == 0 {
		return nil, why
	}
	home := v.home(b.turn.Add(1))
	for i := range n {
		g, outcome := v.regions[(home+i)%n].pick(now, a.estimate, a.tried)
		if g != nil {
			return g, 0
		}
		if outcome == busy {
			why = Overloaded
		}
	}
	if why == Overloaded {
		region := v.regions[home].region
		region.refused.Add(1)
		region.refusedNotifications.Add(int64(a.estimate))
	}
	return nil, why
}
