package scenarios

import (
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Timeline is the course of a run, in points of the same length. A long run has
// no more points than a short one: they get longer.
type Timeline struct {
	Every  float64 `json:"every_s"` // the length of a point's interval
	Points []Point `json:"points"`
}

// Point is what went on in one interval of a run. Counts are of notifications, a
// second; what was not seen is null. Percentiles are those of all that happened in
// the interval, however long it has become.
type Point struct {
	At       float64 `json:"at_s"` // the interval's end, since the load began
	Offered  float64 `json:"offered"`
	Sent     float64 `json:"sent"`
	Dropped  float64 `json:"dropped"`
	Accepted float64 `json:"accepted"`
	Refused  float64 `json:"refused"`
	Errors   float64 `json:"errors"`

	Latency    *Latencies `json:"latency"`      // from the schedule
	ServiceP99 *float64   `json:"service_p99"`  // from the send, in milliseconds
	Machine    *float64   `json:"machine_busy"` // share of the machine's CPU, by whomever

	System *SystemPoint `json:"system"` // null when the system did not say
}

// SystemPoint is what the system said of itself at the end of an interval.
type SystemPoint struct {
	Delivered   float64              `json:"delivered"`  // a second, during the interval
	Queue       int64                `json:"queue"`      // all queues together
	OldestMS    int64                `json:"oldest_ms"`  // the age of the oldest that waits
	EndToEndP99 map[string]float64   `json:"end_to_end"` // by priority, of what ended in the interval, in milliseconds
	Pools       map[string]PoolPoint `json:"pools"`      // of workers by channel, of gateways by region
	Breakers    map[string]string    `json:"breakers"`   // by provider: closed, half_open or open
	HitRatios   map[string]float64   `json:"hit_ratios"` // by cache, in the interval
	HeapBytes   int64                `json:"heap_bytes"`
	RSSBytes    *int64               `json:"rss_bytes"`
	Goroutines  int64                `json:"goroutines"`
	OpenFiles   *int64               `json:"open_files"`
	CPU         float64              `json:"cpu"`         // cores in use during the interval
	Connections int64                `json:"connections"` // to providers
}

// PoolPoint is how many a pool was to have and had.
type PoolPoint struct {
	Desired int64 `json:"desired"`
	Running int64 `json:"running"`
}

// Mark is something that happened at a moment of a run, or lasted for a while.
type Mark struct {
	At    float64  `json:"at_s"`
	Until *float64 `json:"until_s"` // null for a moment
	Kind  MarkKind `json:"kind"`
	Text  string   `json:"text"`
}

// MarkKind says what a mark is about.
type MarkKind string

// The kinds of marks.
const (
	StageMark     MarkKind = "stage"     // a stage of the load, or the drain
	FaultMark     MarkKind = "fault"     // a fault of the scenario
	ScalingMark   MarkKind = "scaling"   // a pool was asked to change, or has changed
	BreakerMark   MarkKind = "breaker"   // a provider's breaker changed
	SystemMark    MarkKind = "system"    // the system stopped answering, or answered again
	GeneratorMark MarkKind = "generator" // the load was not sent as planned
)

// mostPoints is how many points a timeline has at most: a pixel each, or more, in
// any chart.
const mostPoints = 1200

// bins are the intervals of a timeline while it grows. A second falls into one by
// its middle; when there would be too many, neighbours are merged and all get twice
// as long.
type bins struct {
	every  time.Duration
	list   []interval // the n-th ends at (n+1) times every
	points []Point    // of the first of them, for as long as they do not change
	batch  int        // notifications that a request carries
}

func (b *bins) add(i interval) {
	for middle(i) >= mostPoints*b.every {
		half := b.list[:0]
		for n := 0; n < len(b.list); n += 2 {
			both := b.list[n]
			if n+1 < len(b.list) {
				both = both.merge(b.list[n+1])
			}
			half = append(half, both)
		}
		clear(b.list[len(half):])
		b.list, b.every, b.points = half, 2*b.every, nil
	}
	at := int(middle(i) / b.every)
	for len(b.list) <= at {
		b.list = append(b.list, interval{})
	}
	b.list[at] = b.list[at].merge(i)
	b.points = b.points[:min(len(b.points), at)]
}

// timeline gives the points. Displays ask for it many times a second, so that only
// what has changed is made anew.
func (b *bins) timeline() *Timeline {
	for n := len(b.points); n < len(b.list); n++ {
		p := pointOf(&b.list[n], b.batch)
		p.At = (time.Duration(n+1) * b.every).Seconds()
		b.points = append(b.points, p)
	}
	return &Timeline{Every: b.every.Seconds(), Points: slices.Clone(b.points)}
}

// leastOfAPoint is what a point's counts are divided by at least, in seconds: the
// last answers of a run come in the moment after its load, and are no rate.
const leastOfAPoint = 0.5

func pointOf(i *interval, batch int) Point {
	c := &i.clients
	seconds := max(c.seconds, leastOfAPoint)
	rate := func(requests uint64) float64 { return float64(requests) * float64(batch) / seconds }
	p := Point{
		Offered: rate(c.offered), Sent: rate(c.sent), Dropped: rate(c.dropped),
		Accepted: rate(c.accepted), Refused: rate(c.refused), Errors: rate(c.errors),
		Latency: latenciesOf(c.response), Machine: machineOf(i.cpu),
	}
	if c.service.Count() > 0 {
		p99 := milliseconds(c.service.Quantile(0.99))
		p.ServiceP99 = &p99
	}
	if i.system.answers > 0 {
		p.System = systemPointOf(&i.system)
	}
	return p
}

func systemPointOf(c *systemCounts) *SystemPoint {
	l := &c.last
	p := &SystemPoint{
		Queue: l.queue, OldestMS: l.oldest.Milliseconds(),
		EndToEndP99: map[string]float64{}, Pools: l.pools, Breakers: l.breakers, HitRatios: map[string]float64{},
		HeapBytes: l.heap, RSSBytes: l.rss, Goroutines: l.goroutines, OpenFiles: l.files, Connections: l.connections,
	}
	if c.seconds > 0 {
		p.Delivered, p.CPU = float64(c.delivered)/c.seconds, c.cpuSeconds/c.seconds
	}
	for i, priority := range pipeline.Priorities() {
		if h := c.endToEnd[i]; h.Count() > 0 {
			p.EndToEndP99[priority.String()] = milliseconds(h.Quantile(0.99))
		}
	}
	for name, l := range c.caches {
		if l.hits+l.misses > 0 {
			p.HitRatios[name] = l.ratio()
		}
	}
	return p
}

// machineOf is the share of the machine's processors in use; nil where the system
// does not say.
func machineOf(use load.CPUUse) *float64 {
	if busy, ok := use.Machine(); ok {
		return &busy
	}
	return nil
}
