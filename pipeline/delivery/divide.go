package delivery

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// maxUpstreams is the primary and the backup.
const maxUpstreams = 2

// addressed is a delivery with the address that each of the channel's providers
// would take, empty where there is none.
type addressed struct {
	*pipeline.Delivery
	to [maxUpstreams]string
}

// part is what one provider gets of a batch.
type part struct {
	upstream   *upstream
	place      int // of the provider
	pass       policy.Pass
	deliveries []addressed
	// failedOver counts what the backup gets in the primary's place, doubtful
	// what of it the primary may have accepted before.
	failedOver, doubtful int
}

// waiting is a delivery that is put back until it is due.
type waiting struct {
	delivery *pipeline.Delivery
	due      time.Time
}

// division is how a batch is divided among the providers, and what is put back.
// It is made under pool.mu.
type division struct {
	now        time.Time
	priority   pipeline.Priority
	grant      *grant
	parts      []part
	waiting    []waiting
	overBudget int // of those that wait
}

// divide gives each delivery to the first provider that may be called and has
// an address for it. What has none, or none of its quota, or is a retry that
// the budget does not pay for, is put back: that is no attempt.
func (p *pool) divide(q pipeline.Queue, deliveries []addressed, g *grant) *division {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := &division{now: p.now(), priority: q.Priority, grant: g}
	for place, u := range p.upstreams {
		if len(deliveries) == 0 {
			break
		}
		deliveries = d.give(place, u, deliveries)
	}
	if len(deliveries) > 0 {
		p.upstreams[0].parked += len(deliveries)
		d.putBackAll(deliveries, p.reopens(d.now))
	}
	return d
}

// reopens is when the first of the channel's providers may be called again.
func (p *pool) reopens(now time.Time) time.Time {
	var first time.Time
	for _, u := range p.upstreams {
		if at, known := u.breaker.Ready(now); known && at.After(now) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if first.IsZero() {
		return now.Add(postponed)
	}
	return first
}

// give gives a provider what it can take, and returns the others.
func (d *division) give(place int, u *upstream, deliveries []addressed) []addressed {
	able := 0
	for i := range deliveries {
		if deliveries[i].to[place] != "" {
			able++
		}
	}
	if able == 0 {
		return deliveries
	}
	pass, room := d.admit(u)
	if room == 0 {
		return deliveries
	}
	tokens, refilled := d.tokens(u, min(able, room))
	others := deliveries[:0:0]
	pt := part{upstream: u, place: place, pass: pass, deliveries: make([]addressed, 0, min(able, room))}
	firsts := 0
	for i := range deliveries {
		a := &deliveries[i]
		again := isRetry(a.Delivery)
		switch {
		case a.to[place] == "" || len(pt.deliveries) == room:
			others = append(others, *a)
			continue
		case tokens == 0:
			d.putBack(a.Delivery, refilled)
			continue
		case again && !u.budget.Spend(d.now):
			d.overBudget++
			d.putBack(a.Delivery, d.now.Add(budgetWait+rand.N(budgetSpread)))
			continue
		case !again:
			firsts++
		}
		tokens--
		pt.countFailover(a)
		pt.deliveries = append(pt.deliveries, *a)
	}
	u.charge(d.now, -tokens) // what was not used
	u.budget.Earn(d.now, firsts)
	if len(pt.deliveries) == 0 {
		u.breaker.Record(pass, policy.CallUnknown, d.now, 0)
		return others
	}
	d.parts = append(d.parts, pt)
	return others
}

// What waits for the retry budget comes back after a while, spread so that it
// does not come back together.
const (
	budgetWait   = time.Second
	budgetSpread = 9 * time.Second
)

// isRetry says whether a call was made with the delivery before. A takeover
// may have had one, but nobody knows.
func isRetry(d *pipeline.Delivery) bool {
	for i := range d.Attempts {
		if d.Attempts[i].Class != pipeline.Uncertain {
			return true
		}
	}
	return false
}

// admit asks for a call, by the leave that came with the grant if there is one.
func (d *division) admit(u *upstream) (pass policy.Pass, most int) {
	if g := d.grant; g.probe != nil && g.upstream == u {
		pass, g.probe = *g.probe, nil
		if u.breaker.Current(pass) {
			return pass, probeSize
		}
	}
	return u.admit(d.now)
}

// tokens takes of a provider's quota for n notifications: what came with the
// grant, or what there is.
func (d *division) tokens(u *upstream, n int) (tokens int, refilled time.Time) {
	switch {
	case u.quota == nil:
		return n, d.now
	case d.grant.upstream == u:
		tokens, d.grant.unused = d.grant.unused, 0
		return tokens, d.now.Add(postponed)
	}
	tokens, refilled = u.offer(d.now, d.priority, n)
	u.charge(d.now, tokens)
	return tokens, refilled
}

// countFailover counts what the backup gets in the primary's place.
func (pt *part) countFailover(a *addressed) {
	if pt.place == 0 || a.to[0] == "" {
		return
	}
	pt.failedOver++
	for i := range a.Attempts {
		if a.Attempts[i].Class == pipeline.Ambiguous {
			pt.doubtful++
			return
		}
	}
}

func (d *division) putBack(delivery *pipeline.Delivery, due time.Time) {
	d.waiting = append(d.waiting, waiting{delivery, due})
}

// putBackAll puts back what has no provider now, until one may be called.
func (d *division) putBackAll(deliveries []addressed, due time.Time) {
	for i := range deliveries {
		d.putBack(deliveries[i].Delivery, due.Add(rand.N(postponed)))
	}
}

// record takes what a call of a part said of its provider, and how many
// notifications it carried. Whoever waits for the provider looks again. It returns how many calls in a row have failed there.
func (p *pool) record(pt *part, result policy.CallResult, sent int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent += float64(sent) / p.share
	state, changed := pt.upstream.record(pt.pass, result, p.now())
	if changed {
		p.log.Warn("the circuit breaker of a provider changed its state",
			slog.String("provider", pt.upstream.Name()), slog.String("state", state.String()))
	}
	if changed || state != policy.Closed {
		p.grant()
	}
	return pt.upstream.breaker.FailuresInARow()
}

// charge takes more of a provider's quota than was foreseen, or gives back.
func (p *pool) charge(u *upstream, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u.charge(p.now(), n)
}
