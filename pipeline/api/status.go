package api

import "time"

// Status is the answer of GET /v1/status: one snapshot of everything the live
// screen shows.
type Status struct {
	Started  time.Time         `json:"started"`
	Now      time.Time         `json:"now"` // on the server's clock
	Version  string            `json:"version"`
	Ready    bool              `json:"ready"`
	Draining bool              `json:"draining"`
	Role     string            `json:"role"`    // all, gateway or worker
	Engines  map[string]string `json:"engines"` // part of the pipeline -> what serves it
	// Dependencies are the engines beyond the network; embedded ones are none.
	Dependencies []Dependency `json:"dependencies"`
	Account      Account      `json:"account"`
	Queues       []Queue      `json:"queues"`
	Space        []Space      `json:"space"` // of what has a limit
	Workers      []Workers    `json:"workers"`
	Regions      []Region     `json:"regions"`
	Scaling      Scaling      `json:"scaling"`
	Providers    []Provider   `json:"providers"`
	API          Traffic      `json:"api"`
	EndToEnd     []EndToEnd   `json:"end_to_end"`
	Caches       []Cache      `json:"caches"`
	Shards       Shards       `json:"shards"`
	Resources    Resources    `json:"resources"`
	Groups       []Group      `json:"groups"` // of the dashboard
}

// Dependency is how an engine beyond the network stands. It is asked once a
// second.
type Dependency struct {
	Name    string    `json:"name"`    // kafka, redis, postgres, cassandra or templates
	Address string    `json:"address"` // without user and password
	State   string    `json:"state"`   // up or down
	Since   time.Time `json:"since"`   // when it came to be so
	Error   string    `json:"error,omitempty"`
}

// Account is the promise as an equation: what was accepted has ended or is in
// flight. It is durable across restarts.
type Account struct {
	Accepted    int64 `json:"accepted"`
	Delivered   int64 `json:"delivered"`
	Suppressed  int64 `json:"suppressed"`
	Expired     int64 `json:"expired"`
	RateDropped int64 `json:"rate_dropped"`
	Dead        int64 `json:"dead"`
	InFlight    int64 `json:"in_flight"` // counted in the queues, never subtracted
	Ambiguous   int64 `json:"ambiguous"` // answers that left open whether the provider accepted
	Takeovers   int64 `json:"takeovers"` // records found possibly sent after a crash
}

// Ended is the number that met an outcome.
func (a Account) Ended() int64 {
	return a.Delivered + a.Suppressed + a.Expired + a.RateDropped + a.Dead
}

// Queue is what one queue holds that has not ended.
type Queue struct {
	Channel     string `json:"channel"`
	Priority    string `json:"priority"`
	Waiting     int64  `json:"waiting"`       // not handed to a worker's batch yet
	Windowed    int64  `json:"windowed"`      // handed out, not settled
	Retrying    int64  `json:"retrying"`      // waiting for a retry, or handed out for one
	OldestAgeMS int64  `json:"oldest_age_ms"` // since the acceptance of the oldest waiting one; 0 when none waits
}

// Depth is all of it.
func (q Queue) Depth() int64 { return q.Waiting + q.Windowed + q.Retrying }

// Space is about what a part of the store takes. At its limit nothing more is
// accepted that would add to it.
type Space struct {
	Part       string `json:"part"` // queue, history or idempotency
	Bytes      int64  `json:"bytes"`
	LimitBytes int64  `json:"limit_bytes"` // 0 is none
}

// Workers is one channel's pool. A worker is one batch in flight.
type Workers struct {
	Channel string `json:"channel"`
	Desired int64  `json:"desired"`
	Running int64  `json:"running"`
	Busy    int64  `json:"busy"`
	Batches int64  `json:"batches"` // sent, cumulative
	Entries int64  `json:"entries"` // notifications in those batches
	// OverBudget counts retries put off since the retry budget was spent,
	// cumulative.
	OverBudget int64 `json:"over_budget"`
}

// Provider is what one provider was asked and what it answered. Apart from
// Connections and Breaker all is cumulative.
type Provider struct {
	Name        string    `json:"name"`
	Channel     string    `json:"channel"`
	Calls       int64     `json:"calls"`
	Entries     int64     `json:"entries"` // notifications in those calls: the sum of the five below
	Sent        int64     `json:"sent"`
	Permanent   int64     `json:"permanent"`
	Throttled   int64     `json:"throttled"`
	Transient   int64     `json:"transient"`
	Ambiguous   int64     `json:"ambiguous"`
	Connections int64     `json:"connections"` // open now
	Breaker     string    `json:"breaker"`     // closed, half_open or open
	FailedOver  int64     `json:"failed_over"` // notifications that it got in another's place
	Doubtful    int64     `json:"doubtful"`    // of them, those that the other may have accepted
	Segments    int64     `json:"segments"`    // of SMS that it accepted
	Latency     Histogram `json:"latency"`     // of calls
}

// Traffic is what the HTTP interface saw.
type Traffic struct {
	// Requests counts answers by status code, as in "202".
	Requests map[string]int64 `json:"requests"`
	InFlight int64            `json:"in_flight"` // requests being answered now
	// Accepted and Refused count notifications: answered 202, and answered
	// anything else after their request had been decoded.
	Accepted int64     `json:"accepted"`
	Refused  int64     `json:"refused"`
	Latency  Histogram `json:"latency"` // of POST /v1/notifications
}

// EndToEnd is how long the delivered notifications of a queue took from
// acceptance to the provider's answer being settled, and where the time went.
type EndToEnd struct {
	Channel  string    `json:"channel"`
	Priority string    `json:"priority"`
	Total    Histogram `json:"total"`
	Stages   Stages    `json:"stages"`
}

// Stages splits the time of notifications by where they spent it.
type Stages struct {
	Queue  Histogram `json:"queue"`  // accepted until fetched
	Batch  Histogram `json:"batch"`  // fetched until the call began
	Send   Histogram `json:"send"`   // the provider's call
	Settle Histogram `json:"settle"` // answered until recorded
}

// Cache is how one cache served.
type Cache struct {
	Name    string `json:"name"`
	Hits    int64  `json:"hits"`
	Misses  int64  `json:"misses"`
	Entries int64  `json:"entries"` // held now
}

// Resources is what the server's process uses.
type Resources struct {
	HeapBytes      int64   `json:"heap_bytes"` // live heap objects
	RSSBytes       *int64  `json:"rss_bytes"`  // resident memory; null where it cannot be read
	OpenFiles      *int64  `json:"open_files"` // descriptors; null where they cannot be counted
	Goroutines     int64   `json:"goroutines"`
	CPUSeconds     float64 `json:"cpu_seconds"` // user and system, cumulative
	GCCycles       int64   `json:"gc_cycles"`
	GCPauseSeconds float64 `json:"gc_pause_seconds"` // with the world stopped, cumulative
	GCCPUSeconds   float64 `json:"gc_cpu_seconds"`   // cumulative
}
