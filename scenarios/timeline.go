package scenarios

// Timeline is the course of a run, in points of the same length. A long run has
// no more points than a short one: they get longer.
type Timeline struct {
	Every  float64 `json:"every_s"` // the length of a point's interval
	Points []Point `json:"points"`
}

// Point is what went on in one interval of a run. Counts are of notifications, a
// second; what was not seen is null.
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
