package tui

import (
	"math"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// The numbers of a history. Those that end in a slash are followed by a name.
const (
	// Of a load test, in notifications a second and milliseconds from the
	// schedule.
	loadOffered  = "load.offered"
	loadSent     = "load.sent"
	loadAccepted = "load.accepted"
	loadFailed   = "load.failed"
	loadP50      = "load.p50"
	loadP90      = "load.p90"
	loadP99      = "load.p99"
	loadService  = "load.service_p99" // from the send

	// Of a server.
	accepted   = "accepted" // a second
	delivered  = "delivered"
	refused    = "refused"
	apiP50     = "api.p50" // milliseconds
	apiP90     = "api.p90"
	apiP99     = "api.p99"
	endToEnd   = "end_to_end/" // p99 of a priority, in milliseconds
	queued     = "queued"      // all queues together
	oldest     = "oldest"      // milliseconds
	queueOf    = "queue/"      // of a channel and a priority
	runningOf  = "running/"    // workers of a channel
	desiredOf  = "desired/"
	sentBy     = "sent/" // notifications a second, of a provider
	failedBy   = "failed/"
	hitsOf     = "hits/" // share of a cache's look-ups, in %
	cores      = "cores" // in use
	heap       = "heap"  // bytes
	rss        = "rss"
	goroutines = "goroutines"
	openFiles  = "open_files"
	gcPause    = "gc_pause" // share of the time, in %
)

// A span is from one word of a server to a later one of the same process; then
// and now are the same if there is only one.
type span struct {
	then, now *api.Status
	seconds   float64
}

// rate is what a counter grew by a second, NaN over no time. A counter that went
// back is of something that began anew: all of it came since.
func (s span) rate(then, now int64) float64 {
	if s.seconds <= 0 {
		return math.NaN()
	}
	return grown(then, now) / s.seconds
}

func grown(then, now int64) float64 {
	if now < then {
		return float64(now)
	}
	return float64(now) - float64(then)
}

// share is a part of a sum in %, NaN of nothing.
func share(part, rest float64) float64 {
	if part+rest <= 0 {
		return math.NaN()
	}
	return part / (part + rest) * 100
}

// quantile is that of what came in the span, in milliseconds.
func (s span) quantile(then, now api.Histogram, q float64) float64 {
	if s.seconds <= 0 {
		return math.NaN()
	}
	return quantile(now.Sub(then), q)
}

func quantile(h api.Histogram, q float64) float64 {
	if h.Count() == 0 {
		return math.NaN()
	}
	return milliseconds(h.Quantile(q))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// before finds what a list held of the same thing then; nothing if it did not.
func before[T any](then []T, same func(*T) bool) T {
	if i := slices.IndexFunc(then, func(t T) bool { return same(&t) }); i >= 0 {
		return then[i]
	}
	var nothing T
	return nothing
}

func (s span) provider(p *api.Provider) api.Provider {
	return before(s.then.Providers, func(t *api.Provider) bool { return t.Name == p.Name })
}

func (s span) cache(c *api.Cache) api.Cache {
	return before(s.then.Caches, func(t *api.Cache) bool { return t.Name == c.Name })
}

func (s span) endToEnd(e *api.EndToEnd) api.EndToEnd {
	return before(s.then.EndToEnd, func(t *api.EndToEnd) bool { return t.Channel == e.Channel && t.Priority == e.Priority })
}

// failures are what a provider did not accept.
func failures(p *api.Provider) int64 {
	return p.Permanent + p.Throttled + p.Transient + p.Ambiguous
}

// numbers are those of a server, of a span that is as short as can be.
func numbers(s span) map[string]float64 {
	then, now := s.then, s.now
	waiting, age := depth(now)
	r := &now.Resources
	var calls api.Histogram
	if s.seconds > 0 {
		calls = now.API.Latency.Sub(then.API.Latency)
	}
	n := map[string]float64{
		accepted:   s.rate(then.Account.Accepted, now.Account.Accepted),
		delivered:  s.rate(then.Account.Delivered, now.Account.Delivered),
		refused:    s.rate(then.API.Refused, now.API.Refused),
		apiP50:     quantile(calls, 0.5),
		apiP90:     quantile(calls, 0.9),
		apiP99:     quantile(calls, 0.99),
		queued:     float64(waiting),
		oldest:     milliseconds(age),
		cores:      math.NaN(),
		heap:       float64(r.HeapBytes),
		goroutines: float64(r.Goroutines),
		gcPause:    math.NaN(),
	}
	if s.seconds > 0 {
		n[cores] = max(r.CPUSeconds-then.Resources.CPUSeconds, 0) / s.seconds
		n[gcPause] = max(r.GCPauseSeconds-then.Resources.GCPauseSeconds, 0) / s.seconds * 100
	}
	for name, v := range map[string]*int64{rss: r.RSSBytes, openFiles: r.OpenFiles} {
		if v != nil {
			n[name] = float64(*v)
		}
	}
	s.numbersByName(n)
	return n
}

// numbersByName adds those of which there is one for each of something.
func (s span) numbersByName(n map[string]float64) {
	for _, q := range s.now.Queues {
		n[queueOf+q.Channel+"/"+q.Priority] = float64(q.Depth())
	}
	for _, w := range s.now.Workers {
		n[runningOf+w.Channel], n[desiredOf+w.Channel] = float64(w.Running), float64(w.Desired)
	}
	for i := range s.now.Providers {
		p := &s.now.Providers[i]
		t := s.provider(p)
		n[sentBy+p.Name] = s.rate(t.Sent, p.Sent)
		n[failedBy+p.Name] = s.rate(failures(&t), failures(p))
	}
	for i := range s.now.Caches {
		c := &s.now.Caches[i]
		t := s.cache(c)
		n[hitsOf+c.Name] = share(grown(t.Hits, c.Hits), grown(t.Misses, c.Misses))
	}
	for priority, h := range s.endToEndByPriority() {
		n[endToEnd+priority] = quantile(h, 0.99)
	}
}

// endToEndByPriority is how long what was delivered in the span took.
func (s span) endToEndByPriority() map[string]api.Histogram {
	times := map[string]api.Histogram{}
	if s.seconds <= 0 {
		return times
	}
	for i := range s.now.EndToEnd {
		e := &s.now.EndToEnd[i]
		times[e.Priority] = times[e.Priority].Merge(e.Total.Sub(s.endToEnd(e).Total))
	}
	return times
}

// loadNumbers are those of some seconds of a load test. Percentiles of seconds
// cannot be put together: the worst of them stands for all.
func loadNumbers(seconds []load.Second, batch int) map[string]float64 {
	var sum load.Second
	var p load.Latency
	for i := range seconds {
		s := &seconds[i]
		sum.Offered += s.Offered
		sum.Sent += s.Sent
		sum.Accepted += s.Accepted
		sum.Refused += s.Refused
		sum.Errors += s.Errors
		p.Count += s.Response.Count
		p.P50 = max(p.P50, s.Response.P50)
		p.P90 = max(p.P90, s.Response.P90)
		p.P99 = max(p.P99, s.Response.P99)
		sum.Service.P99 = max(sum.Service.P99, s.Service.P99)
	}
	perSecond := func(n uint64) float64 { return float64(n) * float64(batch) / float64(len(seconds)) }
	n := map[string]float64{
		loadOffered:  perSecond(sum.Offered),
		loadSent:     perSecond(sum.Sent),
		loadAccepted: perSecond(sum.Accepted),
		loadFailed:   perSecond(sum.Refused + sum.Errors),
	}
	if p.Count > 0 {
		n[loadP50], n[loadP90], n[loadP99] = milliseconds(p.P50), milliseconds(p.P90), milliseconds(p.P99)
		n[loadService] = milliseconds(sum.Service.P99)
	}
	return n
}
