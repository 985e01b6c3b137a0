package scenarios

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Schema is the version of the form of results.
const Schema = 1

// Result is all that is known of a run that is over: every report is a reading
// of it. In JSON latencies are in milliseconds and rates per second; what was
// not seen is null, never 0.
type Result struct {
	Schema      int                 `json:"schema"`
	Scenario    string              `json:"scenario"`
	Profile     string              `json:"profile"`
	RateScale   float64             `json:"rate_scale"`
	TimeScale   float64             `json:"time_scale"`
	Command     []string            `json:"command"` // the command line that made it, without secrets
	Plan        PlanName            `json:"plan"`
	Environment Environment         `json:"environment"`
	Started     time.Time           `json:"started"`
	Generator   Generator           `json:"generator"`
	Stages      []StageResult       `json:"stages"`
	EndToEnd    []EndToEnd          `json:"end_to_end"`
	Priorities  []PriorityEndToEnd  `json:"priorities"` // the same of all channels together
	Checks      []Check             `json:"checks"`
	Ledger      Account             `json:"ledger"`
	Workers     map[string]Workers  `json:"workers"` // by channel
	Queue       *Queue              `json:"queue"`
	Providers   map[string]Provider `json:"providers"` // by name
	Caches      map[string]Cache    `json:"caches"`    // by name
	Resources   Resources           `json:"resources"`
	Cost        map[string]float64  `json:"cost"`
	Limits      []Limit             `json:"limits"`           // of the plan, and how near the run came to them
	Timeline    *Timeline           `json:"timeline"`         // how it went
	Marks       []Mark              `json:"marks"`            // what happened meanwhile, oldest first
	Shard       *Shard              `json:"shard"`            // null for a run that was whole
	Merged      int                 `json:"merged,omitempty"` // of how many shards' results it was put together
	Histograms  *Histograms         `json:"histograms"`
	Verdict     Verdict             `json:"verdict"`
}

// PlanName says which plan was run: its name, and a hash of its values.
type PlanName struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
}

// Environment is where a run took place.
type Environment struct {
	CPUs     int               `json:"cpus"`
	CPU      string            `json:"cpu"`    // the processor's model; empty where the system does not say
	Memory   *uint64           `json:"memory"` // bytes of the machine; null where the system does not say
	Go       string            `json:"go"`
	OS       string            `json:"os"`
	Arch     string            `json:"arch"`
	Version  string            `json:"version"` // of notifyctl
	Target   string            `json:"target"`
	Embedded bool              `json:"embedded"` // whether the system ran in the generator's process
	Engines  map[string]string `json:"engines"`  // part of the system -> what serves it
}

// Generator is how the load was made, and how well the schedule was kept.
type Generator struct {
	Run         string            `json:"run"` // refs are run-sequence
	Seed        uint64            `json:"seed"`
	Batch       int               `json:"batch"` // notifications a request
	Users       int               `json:"users"`
	Keys        load.Keys         `json:"keys"`
	Addresses   load.Addresses    `json:"addresses"`     // where those of the users are
	Connections int               `json:"connections"`   // at most, at once
	Seconds     float64           `json:"seconds"`       // how long the load lasted
	Achieved    float64           `json:"achieved"`      // sent / offered
	Late        uint64            `json:"late"`          // requests sent more than 10 ms late
	LateHeld    uint64            `json:"late_held"`     // of those, because the target kept every connection waiting
	DroppedHeld uint64            `json:"dropped_held"`  // requests shed for the same reason
	Answers     map[string]uint64 `json:"answers"`       // requests by what came of them
	Firsts      []Answer          `json:"first_answers"` // of each kind that did not accept, the first
	Latency     *Latencies        `json:"latency"`       // of the whole run, from the schedule
	Service     *Latencies        `json:"service_latency"`
}

// Answer is what a target answered to a request that it did not accept, or why
// no answer came.
type Answer struct {
	Kind        string  `json:"kind"`
	At          float64 `json:"at_s"` // since the load began
	Status      int     `json:"status,omitempty"`
	ContentType string  `json:"content_type,omitempty"`
	Text        string  `json:"text"` // the beginning of the body; without secrets
}

// StageResult is what came of one stage. Counts are of notifications, but for
// Requests.
type StageResult struct {
	Name string  `json:"name"`
	From float64 `json:"from_s"`
	To   float64 `json:"to_s"`
	Counts
	Requests       Counts     `json:"requests"`
	Latency        *Latencies `json:"latency"`         // from the schedule
	ServiceLatency *Latencies `json:"service_latency"` // from the send
}

// Counts are what became of a load: offered = sent + dropped + unsent, and
// sent = accepted + refused + errors.
type Counts struct {
	Offered  uint64 `json:"offered"`
	Sent     uint64 `json:"sent"`
	Dropped  uint64 `json:"dropped"` // shed by the generator, being too late
	Unsent   uint64 `json:"unsent"`  // due, but the run was ended before
	Accepted uint64 `json:"accepted"`
	Refused  uint64 `json:"refused"` // answered 429 or 503
	Errors   uint64 `json:"errors"`
}

// Latencies are percentiles in milliseconds.
type Latencies struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// EndToEnd is how long the delivered notifications of one queue took from the
// 202 to their outcome, and where the time went.
type EndToEnd struct {
	Priority string     `json:"priority"`
	Channel  string     `json:"channel"`
	Count    int64      `json:"count"`
	Latency  *Latencies `json:"latency"`
	// Stages are the shares of the mean time: queue, batch, send, settle.
	Stages map[string]float64 `json:"stages"`
	// Histogram is all of it, as the system has it: pairs of the highest value of
	// a bucket, in microseconds, and how many fell into it.
	Histogram api.Histogram `json:"histogram"`
}

// PriorityEndToEnd is how long the delivered notifications of one priority took,
// whatever their channel.
type PriorityEndToEnd struct {
	Priority string      `json:"priority"`
	Count    int64       `json:"count"`
	Latency  *Latencies  `json:"latency"`
	Stages   []StageTime `json:"stages"`
	// Dominant is the stage with the longest p99: where a slow notification waits.
	// It is empty when no stage took any time.
	Dominant string `json:"dominant"`
}

// StageTime is how long notifications spent in one of the stages, which add up to
// their end-to-end time: queue, batch, send, settle.
type StageTime struct {
	Stage   string     `json:"stage"`
	Share   float64    `json:"share"` // of the mean time
	Latency *Latencies `json:"latency"`
}

// Workers is a channel's pool.
type Workers struct {
	Desired int64 `json:"desired"` // at the end
	Running int64 `json:"running"`
	Batches int64 `json:"batches"` // during the run
	Entries int64 `json:"entries"`
}

// Queue is how deep the queues were, all together.
type Queue struct {
	Deepest int64 `json:"deepest"`
	Final   int64 `json:"final"`
}

// Provider is what a provider was asked and answered during the run.
type Provider struct {
	Channel   string     `json:"channel"`
	Calls     int64      `json:"calls"`
	Entries   int64      `json:"entries"`
	Sent      int64      `json:"sent"`
	Permanent int64      `json:"permanent"`
	Throttled int64      `json:"throttled"`
	Transient int64      `json:"transient"`
	Ambiguous int64      `json:"ambiguous"`
	Segments  int64      `json:"segments"` // of SMS that it accepted
	Latency   *Latencies `json:"latency"`  // of calls
}

// Cache is how a cache served during the run.
type Cache struct {
	Hits     int64    `json:"hits"`
	Misses   int64    `json:"misses"`
	HitRatio *float64 `json:"hit_ratio"`
	Entries  int64    `json:"entries"` // at the end
}

// Resources is what the run cost the machine.
type Resources struct {
	// CPUPerNotification is CPU time of the generator's process, which is also
	// the system's when it is embedded, in microseconds.
	CPUPerNotification *float64 `json:"cpu_us_per_notification"`
	ProcessCPUSeconds  float64  `json:"process_cpu_s"`
	MachineBusy        *float64 `json:"machine_busy"` // share of the machine's CPU, by whomever
	MocksBusy          *float64 `json:"mocks_busy"`   // the most that the mock providers' own work took of their machine's
	// System is the system's process at the end; its CPU is of the run.
	System *SystemResources `json:"system"`
}

// SystemResources is what the system's process uses.
type SystemResources struct {
	CPUSeconds     float64 `json:"cpu_s"`
	HeapBytes      int64   `json:"heap_bytes"`
	RSSBytes       *int64  `json:"rss_bytes"`
	Goroutines     int64   `json:"goroutines"`
	GCPauseSeconds float64 `json:"gc_pause_s"`
}

// Limit is a limit of the plan that a run can come near.
type Limit struct {
	Name    string   `json:"name"` // the plan's key
	Limit   float64  `json:"limit"`
	Reached *float64 `json:"reached"` // null when nobody saw it
	Unit    string   `json:"unit"`
	Share   *float64 `json:"share"` // how near, 1 being at the limit
}

// Shard says which part of a run a result is of.
type Shard struct {
	Index int `json:"index"` // from 1
	Of    int `json:"of"`
}
