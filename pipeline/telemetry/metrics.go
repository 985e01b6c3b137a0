package telemetry

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Refusal is why notifications of a request were not accepted.
type Refusal uint8

// The refusals.
const (
	RefusedInvalid     Refusal = iota // a fault in the request
	RefusedConflict                   // its idempotency key was used with another body
	RefusedRunning                    // the first request with its key has not ended
	RefusedRate                       // the client is over its own limit
	RefusedAdmission                  // the system is full
	RefusedUnavailable                // the store did not answer, nothing was written
	RefusedAmbiguous                  // the commit's end is unknown, some may be queued
	RefusedInternal                   // an error that none of the others foresees
	numRefusals
)

// Refusals lists the refusals, in the order reports show them.
func Refusals() []Refusal {
	return []Refusal{
		RefusedInvalid, RefusedConflict, RefusedRunning, RefusedRate,
		RefusedAdmission, RefusedUnavailable, RefusedAmbiguous, RefusedInternal,
	}
}

// String gives the refusal's name, as labels and results hold it.
func (r Refusal) String() string {
	switch r {
	case RefusedInvalid:
		return "invalid"
	case RefusedConflict:
		return "conflict"
	case RefusedRunning:
		return "running"
	case RefusedRate:
		return "rate"
	case RefusedAdmission:
		return "admission"
	case RefusedUnavailable:
		return "unavailable"
	case RefusedAmbiguous:
		return "ambiguous"
	case RefusedInternal:
		return "internal"
	}
	return fmt.Sprintf("refusal(%d)", uint8(r))
}

// Bounds of the arrays that are indexed by the domain's enumerations, whose
// values start at 1.
const (
	numChannels   = int(pipeline.SMS) + 1
	numPriorities = int(pipeline.Low) + 1
	numCategories = int(pipeline.Promotional) + 1
	numStates     = int(pipeline.Dead) + 1
	numClasses    = int(pipeline.Uncertain) + 1
)

// Metrics records what the pipeline does. All its methods are safe for
// concurrent use. Numbers of notifications must not be negative, and values of
// the domain's enumerations must be valid: anything else is a bug and panics.
type Metrics struct {
	answering atomic.Int64 // requests
	submitted atomic.Int64
	replayed  atomic.Int64
	takenOver atomic.Int64
	refused   [numRefusals]atomic.Int64
	queues    [numChannels][numPriorities]*queueSeries
	workers   [numChannels]workerSeries

	requests  registry[string, *requestSeries]
	providers registry[string, *ProviderRecorder]
	logs      registry[string, *LogRecorder]
	caches    registry[string, *cacheSeries]

	prices      atomic.Pointer[Prices]
	fleet       atomic.Pointer[func() Fleet]
	shards      atomic.Pointer[func() Shards]
	engines     atomic.Pointer[func() []Dependency]
	depths      atomic.Pointer[depthsFunc]
	failedReads atomic.Int64 // of depths
}

type depthsFunc func(context.Context) ([]pipeline.Depth, error)

type queueSeries struct {
	accepted atomic.Int64
	ended    [numCategories][numStates]atomic.Int64
	batches  *sizeRecorder
	endToEnd *StageRecorder
}

type requestSeries struct {
	latency *LatencyRecorder
	codes   registry[int, *atomic.Int64]
}

type cacheSeries struct{ read func() CacheStats }

// New makes the metrics and registers them, with those of the Go runtime and of
// the process. A registerer takes them once.
func New(reg prometheus.Registerer) *Metrics {
	m := &Metrics{}
	for _, q := range pipeline.Queues() {
		m.queues[q.Channel][q.Priority] = &queueSeries{batches: newSizeRecorder(), endToEnd: newStageRecorder()}
	}
	for _, c := range []prometheus.Collector{
		&collector{describe(), m},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := reg.Register(c); err != nil {
			panic(fmt.Sprintf("BUG: registering the metrics: %v", err))
		}
	}
	return m
}

func (m *Metrics) queue(q pipeline.Queue) *queueSeries {
	if int(q.Channel) < numChannels && int(q.Priority) < numPriorities {
		if s := m.queues[q.Channel][q.Priority]; s != nil {
			return s
		}
	}
	panic(fmt.Sprintf("BUG: metrics of an unknown queue %v", q))
}

// RequestStarted says that an API request came in; Request follows.
func (m *Metrics) RequestStarted() { m.answering.Add(1) }

// Request counts an answered API request: its route as it was registered, never
// a path that a client made up, its status code, and how long it took from the
// first byte read to the last one written.
func (m *Metrics) Request(route string, code int, d time.Duration) {
	m.answering.Add(-1)
	r := m.requests.get(route, func() *requestSeries { return &requestSeries{latency: NewLatencyRecorder()} })
	r.latency.Record(d)
	r.codes.get(code, func() *atomic.Int64 { return new(atomic.Int64) }).Add(1)
}

// Submitted counts notifications of decoded requests. Each is then accepted,
// replayed or refused.
func (m *Metrics) Submitted(n int) { m.submitted.Add(int64(n)) }

// Accepted counts notifications whose commit is durable, those that met their
// outcome at ingest included.
func (m *Metrics) Accepted(q pipeline.Queue, n int) { m.queue(q).accepted.Add(int64(n)) }

// Replayed counts notifications answered from the stored answer of their
// idempotency key.
func (m *Metrics) Replayed(n int) { m.replayed.Add(int64(n)) }

// Refused counts notifications of requests that were not accepted.
func (m *Metrics) Refused(r Refusal, n int) { m.refused[r].Add(int64(n)) }

// TakenOver counts notifications found possibly sent by a former owner.
func (m *Metrics) TakenOver(n int) { m.takenOver.Add(int64(n)) }

// Batch counts one batch of a queue when it starts to be sent, and its size.
func (m *Metrics) Batch(q pipeline.Queue, size int) { m.queue(q).batches.record(size) }

// EndToEnd is the recorder of a queue's end-to-end latency. Resolve it once.
func (m *Metrics) EndToEnd(q pipeline.Queue) *StageRecorder { return m.queue(q).endToEnd }

// Provider is the recorder of a provider, by its name in the catalog. Resolve it
// once.
func (m *Metrics) Provider(name string) *ProviderRecorder {
	return m.providers.get(name, func() *ProviderRecorder { return &ProviderRecorder{latency: NewLatencyRecorder()} })
}

// Log is the recorder of a durable log, by the name that its engine gives it.
// Resolve it once.
func (m *Metrics) Log(name string) *LogRecorder {
	return m.logs.get(name, func() *LogRecorder {
		return &LogRecorder{latency: NewLatencyRecorder(), records: newSizeRecorder()}
	})
}

// CacheStats is what a cache counted since it was made.
type CacheStats struct {
	Hits     int64
	Misses   int64
	Entries  int64 // held now
	Errors   int64 // look-ups of many keys that it did not answer
	Capacity int64 // entries that may be held; 0 where bytes are bounded, or nothing
}

// ObserveCache reads a cache's own counts at each scrape and snapshot; read must
// be safe for concurrent use. The same name again replaces the cache.
func (m *Metrics) ObserveCache(name string, read func() CacheStats) {
	m.caches.set(name, &cacheSeries{read: read})
}

// ObserveQueues reads the queues' depths at each scrape. A read that fails, or
// takes longer than 2 s, leaves the gauges out and is counted.
func (m *Metrics) ObserveQueues(read func(context.Context) ([]pipeline.Depth, error)) {
	f := depthsFunc(read)
	m.depths.Store(&f)
}
