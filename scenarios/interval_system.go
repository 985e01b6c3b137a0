package scenarios

import (
	"maps"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// systemCounts is what the system said of itself over an interval, from one
// answer to GET /v1/status to another: what its counters grew by, the extremes
// among the answers, and what the last of them said.
type systemCounts struct {
	answers int // to GET /v1/status; 0 means that nothing was seen

	// What happened meanwhile, over so many seconds of the system's clock.
	seconds    float64
	accepted   int64
	delivered  int64
	entries    int64         // sent to providers
	calling    time.Duration // in calls to them, all together
	failedOver int64
	cpuSeconds float64
	endToEnd   priorityTimes
	caches     map[string]lookups
	breakers   map[string]switches
	scaling    map[string]scalingCounts // by group

	// Of each pool of workers, summed over the answers.
	pools map[string]busyWorkers

	// The most of all answers.
	deepest     int64
	oldest      time.Duration // of those that wait
	connections int64         // to one provider
	rss         int64
	peaks       peaks

	last level
}

// priorityTimes are end-to-end times of what was delivered, by priority.
type priorityTimes [priorities]api.Histogram

// priorities is how many there are; priorityTimes are in the order of
// pipeline.Priorities.
const priorities = 3

// lookups are what a cache was asked, and knew.
type lookups struct{ hits, misses int64 }

// ratio is the share that was known, of some.
func (l lookups) ratio() float64 { return float64(l.hits) / float64(l.hits+l.misses) }

// busyWorkers are workers seen busy, and workers seen, over some answers.
type busyWorkers struct{ busy, running int64 }

// switches are how often a breaker left the state closed, and came back to it, as
// far as it was seen: a state that lasts from one answer to the next is.
type switches struct{ opened, closed int }

// closed is what the system calls a breaker's state that lets calls through.
const closed = "closed"

// level is what a system is at a moment.
type level struct {
	queue       int64
	waiting     bool          // whether anything waits for a worker
	oldest      time.Duration // of what waits
	inFlight    int64
	pools       map[string]PoolPoint
	breakers    map[string]string
	heap        int64
	rss, files  *int64
	goroutines  int64
	connections int64 // to all providers
}

// growth gives what came between two answers of a system, the earlier first. A
// system that started anew in between has counted from 0.
func growth(then, now *api.Status) systemCounts {
	c := systemCounts{
		answers:    1,
		seconds:    max(now.Now.Sub(then.Now).Seconds(), 0),
		accepted:   grown(now.Account.Accepted, then.Account.Accepted),
		delivered:  grown(now.Account.Delivered, then.Account.Delivered),
		cpuSeconds: now.Resources.CPUSeconds - then.Resources.CPUSeconds,
		caches:     map[string]lookups{},
		breakers:   map[string]switches{},
		pools:      map[string]busyWorkers{},
		peaks:      peaksOf(then, now),
		last:       levelOf(now),
	}
	if c.cpuSeconds < 0 {
		c.cpuSeconds = now.Resources.CPUSeconds
	}
	for _, p := range now.Providers {
		before := find(then.Providers, func(o api.Provider) bool { return o.Name == p.Name })
		c.entries += grown(p.Entries, before.Entries)
		c.calling += timeOf(p.Latency.Sub(before.Latency))
		c.failedOver += grown(p.FailedOver, before.FailedOver)
		c.connections = max(c.connections, p.Connections)
		c.breakers[p.Name] = switched(before.Breaker, p.Breaker)
	}
	for i, priority := range pipeline.Priorities() {
		for _, q := range now.EndToEnd {
			if q.Priority == priority.String() {
				before := find(then.EndToEnd, func(o api.EndToEnd) bool { return o.Channel == q.Channel && o.Priority == q.Priority })
				c.endToEnd[i] = c.endToEnd[i].Merge(q.Total.Sub(before.Total))
			}
		}
	}
	for _, cache := range now.Caches {
		before := find(then.Caches, func(o api.Cache) bool { return o.Name == cache.Name })
		c.caches[cache.Name] = lookups{hits: grown(cache.Hits, before.Hits), misses: grown(cache.Misses, before.Misses)}
	}
	for _, w := range now.Workers {
		c.pools[w.Channel] = busyWorkers{busy: w.Busy, running: w.Running}
	}
	c.deepest, c.oldest = c.last.queue, c.last.oldest
	if c.last.rss != nil {
		c.rss = *c.last.rss
	}
	return c
}

// timeOf is how long calls took, all together.
func timeOf(calls api.Histogram) time.Duration { return calls.Mean() * time.Duration(calls.Count()) }

// switched compares two states of a breaker. One that was not seen before was
// closed.
func switched(then, now string) (s switches) {
	wasOpen, isOpen := then != closed && then != "", now != closed && now != ""
	switch {
	case isOpen && !wasOpen:
		s.opened = 1
	case wasOpen && !isOpen:
		s.closed = 1
	}
	return s
}

// grown is what a counter grew by.
func grown(now, then int64) int64 {
	if now < then {
		return now
	}
	return now - then
}

// levelOf reads what a system is at the moment of an answer.
func levelOf(s *api.Status) level {
	l := level{
		inFlight: s.Account.InFlight,
		pools:    map[string]PoolPoint{}, breakers: map[string]string{},
		heap: s.Resources.HeapBytes, rss: s.Resources.RSSBytes, files: s.Resources.OpenFiles, goroutines: s.Resources.Goroutines,
	}
	l.queue = depthOf(s.Queues)
	for _, q := range s.Queues {
		l.waiting = l.waiting || q.Waiting > 0
		l.oldest = max(l.oldest, time.Duration(q.OldestAgeMS)*time.Millisecond)
	}
	for _, w := range s.Workers {
		l.pools[w.Channel] = PoolPoint{Desired: w.Desired, Running: w.Running}
	}
	for _, g := range s.Scaling.Groups {
		l.pools[g.Name] = PoolPoint{Desired: int64(g.Desired), Running: int64(g.Running)}
	}
	for _, p := range s.Providers {
		l.breakers[p.Name] = p.Breaker
		l.connections += p.Connections
	}
	return l
}

// open says whether any breaker is not closed.
func (l *level) open() bool {
	for _, state := range l.breakers {
		if state != closed && state != "" {
			return true
		}
	}
	return false
}

func (c systemCounts) merge(other systemCounts) systemCounts {
	switch {
	case c.answers == 0:
		return other
	case other.answers == 0:
		return c
	}
	sum := systemCounts{
		answers:     c.answers + other.answers,
		seconds:     c.seconds + other.seconds,
		accepted:    c.accepted + other.accepted,
		delivered:   c.delivered + other.delivered,
		entries:     c.entries + other.entries,
		calling:     c.calling + other.calling,
		failedOver:  c.failedOver + other.failedOver,
		cpuSeconds:  c.cpuSeconds + other.cpuSeconds,
		caches:      mergeMaps(c.caches, other.caches, lookups.plus),
		breakers:    mergeMaps(c.breakers, other.breakers, switches.plus),
		scaling:     mergeMaps(c.scaling, other.scaling, scalingCounts.plus),
		pools:       mergeMaps(c.pools, other.pools, busyWorkers.plus),
		deepest:     max(c.deepest, other.deepest),
		oldest:      max(c.oldest, other.oldest),
		connections: max(c.connections, other.connections),
		rss:         max(c.rss, other.rss),
		peaks:       c.peaks.merge(other.peaks),
		last:        other.last,
	}
	for i := range sum.endToEnd {
		sum.endToEnd[i] = c.endToEnd[i].Merge(other.endToEnd[i])
	}
	return sum
}

// mergeMaps gives both maps, with what both have added up, the second being later.
func mergeMaps[V any](a, b map[string]V, plus func(V, V) V) map[string]V {
	sum := make(map[string]V, max(len(a), len(b)))
	maps.Copy(sum, a)
	for name, v := range b {
		if before, ok := sum[name]; ok {
			v = plus(before, v)
		}
		sum[name] = v
	}
	return sum
}

func (l lookups) plus(o lookups) lookups { return lookups{l.hits + o.hits, l.misses + o.misses} }

func (s switches) plus(o switches) switches {
	return switches{s.opened + o.opened, s.closed + o.closed}
}

func (b busyWorkers) plus(o busyWorkers) busyWorkers {
	return busyWorkers{b.busy + o.busy, b.running + o.running}
}

// all is the end-to-end times of all priorities.
func (t *priorityTimes) all() api.Histogram {
	var sum api.Histogram
	for _, h := range t {
		sum = sum.Merge(h)
	}
	return sum
}
