package telemetry

import (
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// Snapshot is every recorded value at one moment, counted since the process
// started. The queues' depths are not in it: they are the feed's to tell.
type Snapshot struct {
	Requests  []RequestSnapshot // by route
	Answering int64             // requests being answered now
	Submitted int64
	Replayed  int64
	TakenOver int64
	Refused   map[Refusal]int64
	Queues    []QueueSnapshot // as pipeline.Queues lists them
	Workers   []WorkerSnapshot
	Providers []ProviderSnapshot // by name
	Logs      []LogSnapshot      // by name
	Caches    []CacheSnapshot    // by name
}

// RequestSnapshot is what one route of the API answered.
type RequestSnapshot struct {
	Route   string
	Codes   map[int]int64 // requests by status code
	Latency Distribution  // us
}

// QueueSnapshot is what became of one queue's notifications.
type QueueSnapshot struct {
	pipeline.Queue
	Accepted int64
	Ended    map[pipeline.Category]map[pipeline.State]int64
	Batches  Distribution // notifications a batch
	EndToEnd EndToEndSnapshot
}

// WorkerSnapshot counts a channel's workers.
type WorkerSnapshot struct {
	Channel  pipeline.Channel
	Desired  int64
	Running  int64
	Busy     int64
	Time     time.Duration // of all workers that there were
	BusyTime time.Duration // of all workers that had a batch in flight
	// OverBudget counts retries put off since the retry budget was spent.
	OverBudget int64
}

// ProviderSnapshot is what was done with one provider.
type ProviderSnapshot struct {
	Name              string
	Attempts          map[pipeline.AnswerClass]int64 // notifications
	Entries           int64                          // notifications that its calls carried
	Latency           Distribution                   // us a call
	Segments          int64                          // of SMS that it accepted
	CallsRunning      int64
	ConnectionsPooled int64 // at most
	ConnectionsOpen   int64
	ConnectionsOpened int64
	Breaker           policy.BreakerState
	FailedOver        int64 // notifications that it got in another's place
	Doubtful          int64 // of them, those that the other may have accepted
}

// LogSnapshot is what was committed to one log.
type LogSnapshot struct {
	Name    string
	Latency Distribution // us a commit
	Records Distribution // records a commit
}

// CacheSnapshot is what one cache counted.
type CacheSnapshot struct {
	Name string
	CacheStats
}

// Snapshot reads all values. Values recorded meanwhile may be in or not, one by
// one.
func (m *Metrics) Snapshot() Snapshot {
	s := Snapshot{
		Answering: m.answering.Load(),
		Submitted: m.submitted.Load(),
		Replayed:  m.replayed.Load(),
		TakenOver: m.takenOver.Load(),
		Refused:   map[Refusal]int64{},
	}
	for _, r := range Refusals() {
		s.Refused[r] = m.refused[r].Load()
	}
	m.requests.each(func(route string, r *requestSeries) {
		s.Requests = append(s.Requests, r.snapshot(route))
	})
	for _, q := range pipeline.Queues() {
		s.Queues = append(s.Queues, m.queue(q).snapshot(q))
	}
	for _, c := range pipeline.Channels() {
		s.Workers = append(s.Workers, m.worker(c).snapshot(c))
	}
	m.providers.each(func(name string, r *ProviderRecorder) { s.Providers = append(s.Providers, r.snapshot(name)) })
	m.logs.each(func(name string, r *LogRecorder) {
		s.Logs = append(s.Logs, LogSnapshot{Name: name, Latency: r.latency.Snapshot(), Records: r.records.snapshot()})
	})
	m.caches.each(func(name string, c *cacheSeries) {
		s.Caches = append(s.Caches, CacheSnapshot{Name: name, CacheStats: c.read()})
	})
	return s
}

func (r *requestSeries) snapshot(route string) RequestSnapshot {
	s := RequestSnapshot{Route: route, Codes: map[int]int64{}, Latency: r.latency.Snapshot()}
	r.codes.each(func(code int, n *atomic.Int64) { s.Codes[code] = n.Load() })
	return s
}

func (s *queueSeries) snapshot(q pipeline.Queue) QueueSnapshot {
	ended := map[pipeline.Category]map[pipeline.State]int64{}
	for _, category := range categories() {
		ended[category] = map[pipeline.State]int64{}
		for _, outcome := range pipeline.Outcomes() {
			ended[category][outcome] = s.ended[category][outcome].Load()
		}
	}
	return QueueSnapshot{
		Queue: q, Accepted: s.accepted.Load(), Ended: ended,
		Batches: s.batches.snapshot(), EndToEnd: s.endToEnd.Snapshot(),
	}
}

func (r *ProviderRecorder) snapshot(name string) ProviderSnapshot {
	attempts := map[pipeline.AnswerClass]int64{}
	for _, class := range answerClasses() {
		attempts[class] = r.attempts[class].Load()
	}
	closed := r.closed.Load() // before opened, so that the difference is never below 0
	opened := r.opened.Load()
	return ProviderSnapshot{
		Name: name, Attempts: attempts, Entries: r.entries.Load(), Latency: r.latency.Snapshot(),
		Segments: r.segments.Load(), CallsRunning: r.running.Load(), ConnectionsPooled: r.pooled.Load(), ConnectionsOpen: opened - closed, ConnectionsOpened: opened,
		Breaker: policy.BreakerState(r.breaker.Load()), FailedOver: r.failedOver.Load(), Doubtful: r.doubtful.Load(),
	}
}
