package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

const (
	// keptSeconds is how much of the run's course is kept: ten minutes.
	keptSeconds = 600
	// grace is how long requests under way may still take once a run was ended.
	grace = 2 * time.Second
)

// errEnded is why requests are given up when a run was ended.
var errEnded = errors.New("the run was ended")

// Config says what a generator does. Zero values of the last three take their
// defaults.
type Config struct {
	Schedule *Schedule // of requests
	Traffic  *Traffic
	Target   *Endpoint
	Path     string   // of the API's call, as in /v1/notifications
	Key      string   // the API key that requests come under; empty: none
	Foreign  *Foreign // nil for a target that has our API; else Path and Key are not used, and the target's URL is

	Connections int           // at most, at once; enough for the peak rate at 5 s an answer
	Timeout     time.Duration // for a request and its whole answer; 30 s
	MaxLag      time.Duration // a request that is later is shed; 1 s
}

// Generator runs a schedule against a target, once.
type Generator struct {
	config   Config
	pacer    *pacer
	recorder *recorder
	exchange *exchange
	done     chan struct{} // closed when the run is to end before its time

	mu      sync.Mutex
	seconds []Second // the last ones
	rolled  int      // how many there were in all
	totals  totals   // at the end of the last of them
}

// totals are requests since the start.
type totals struct{ offered, sent, dropped, droppedHeld uint64 }

// NewGenerator checks a configuration.
func NewGenerator(c Config) (*Generator, error) {
	if c.Connections == 0 {
		c.Connections = int(math.Min(math.Max(c.Schedule.Peak()*5, 16), 2048))
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.MaxLag == 0 {
		c.MaxLag = time.Second
	}
	batch := c.Traffic.Batch()
	if total := float64(c.Schedule.Requests()) * float64(batch); total > math.MaxUint32 {
		return nil, fmt.Errorf("%.3g notifications are more than the %d that a run can account for by sequence", total, uint32(math.MaxUint32))
	}
	g := &Generator{
		config:   c,
		recorder: newRecorder(c.Schedule.Stages(), batch),
		done:     make(chan struct{}),
	}
	g.exchange = &exchange{
		next:     c.Target.transport(c.Connections),
		traffic:  c.Traffic,
		foreign:  c.Foreign,
		schedule: c.Schedule,
		recorder: g.recorder,
		timeout:  c.Timeout,
		limit:    int64(c.Connections),
	}
	g.exchange.firsts.secrets = c.secrets()
	g.exchange.full.Store(-1)
	g.pacer = newPacer(c.Schedule, c.MaxLag, g.done, g.exchange.lastFull)
	g.exchange.pacer = g.pacer
	return g, nil
}

// Run sends the schedule's requests and returns when the last is answered or
// given up. When the context ends, no more are sent, and those under way have
// two seconds left. It may be called once.
func (g *Generator) Run(ctx context.Context) {
	// Requests outlive the context by the grace.
	lasting, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	defer giveUp(nil)
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{
			Transport:     roundTripper(func(r *http.Request) (*http.Response, error) { return g.exchange.do(lasting, r) }),
			Timeout:       0, // the exchange has the deadline
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		vegeta.Workers(uint64(min(g.config.Connections, 16))),
		vegeta.MaxWorkers(uint64(g.config.Connections)),
	)
	over := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() { g.roll(over) })
	beside.Go(func() {
		if g.stopWith(ctx, over, attacker) {
			giveUp(errEnded)
		}
	})
	// The exchange has recorded all there is to know; the results only have to
	// be taken, or the workers would wait for ever.
	for range attacker.Attack(g.targeter(), g.pacer, 0, "") {
	}
	close(over)
	beside.Wait()
	g.exchange.next.CloseIdleConnections()
}

// stopWith ends the sending when the context ends. It returns true when the
// grace after that is over too, and false when the run is.
func (g *Generator) stopWith(ctx context.Context, over <-chan struct{}, attacker *vegeta.Attacker) bool {
	select {
	case <-over:
		return false
	case <-ctx.Done():
	}
	g.pacer.halt()
	close(g.done)
	attacker.Stop()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-over:
		return false
	case <-timer.C:
		return true
	}
}

// contentType is that of the bodies, unless a foreign target's headers say
// otherwise.
const contentType = "application/json"

// targeter gives every request the same address and headers; what differs is
// the exchange's.
func (g *Generator) targeter() vegeta.Targeter {
	c := &g.config
	u := *c.Target.URL
	header := http.Header{"Content-Type": {contentType}, "User-Agent": {"notifyctl-loadtest"}}
	if c.Foreign == nil {
		u.Path = c.Path
		if c.Key != "" {
			header.Set("Authorization", "Bearer "+c.Key)
		}
	} else {
		maps.Copy(header, c.Foreign.Header)
	}
	return vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodPost, URL: u.String(), Header: header})
}

// shortestSecret is the least that a header's value has to be long for being
// kept out of reports; what is shorter is none.
const shortestSecret = 6

// secrets lists what must not be shown of what a target answers, since it may
// repeat what it was sent: the longest first, which may hold others.
func (c *Config) secrets() []string {
	values := []string{c.Key}
	if c.Foreign != nil {
		for name, sent := range c.Foreign.Header {
			if name != "Content-Type" && name != "User-Agent" && name != "Accept" {
				values = append(values, sent...)
			}
		}
	}
	var list []string
	for _, v := range values {
		// With its scheme, as in Bearer abc, and alone.
		for _, secret := range []string{v, v[strings.LastIndexByte(v, ' ')+1:]} {
			if len(secret) >= shortestSecret {
				list = append(list, secret)
			}
		}
	}
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	return list
}

// Accepted gives the sequences of the notifications that were answered 202.
func (g *Generator) Accepted() *roaring.Bitmap { return g.recorder.acceptedSequences() }

// Seconds gives the last seconds of the run, at most ten minutes.
func (g *Generator) Seconds() []Second {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Second(nil), g.seconds...)
}

// SecondsAfter gives the seconds of the run after the first n, and how many there
// were in all. What is older than ten minutes is gone.
func (g *Generator) SecondsAfter(n int) ([]Second, int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Second(nil), g.seconds[len(g.seconds)-min(g.rolled-n, len(g.seconds)):]...), g.rolled
}

// roll ends a second every second, until the run is over; the last is shorter.
func (g *Generator) roll(over <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			g.endSecond()
		case <-over:
			g.endSecond()
			return
		}
	}
}

func (g *Generator) endSecond() {
	tally := g.recorder.roll()
	until := g.pacer.until()
	now := totals{offered: g.config.Schedule.SlotsBy(until), sent: g.pacer.taken.Load()}
	now.dropped, now.droppedHeld, _ = g.pacer.drops()
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Second{
		At:       g.pacer.elapsed(),
		Offered:  now.offered - g.totals.offered,
		Sent:     now.sent - g.totals.sent,
		Dropped:  now.dropped - g.totals.dropped,
		Response: latencyOf(tally.response),
		Service:  latencyOf(tally.service),
		Late:     tally.late, LateHeld: tally.lateHeld, DroppedHeld: now.droppedHeld - g.totals.droppedHeld,
		Responses: api.NewHistogram(tally.response), Services: api.NewHistogram(tally.service),
	}
	s.Accepted, s.Refused = tally.counts[Accepted], tally.counts[Refused]
	s.Errors = s.Response.Count - s.Accepted - s.Refused
	g.totals = now
	g.rolled++
	g.seconds = append(g.seconds, s)
	if len(g.seconds) > keptSeconds {
		g.seconds = append(g.seconds[:0], g.seconds[len(g.seconds)-keptSeconds:]...)
	}
}
