package telemetry

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	namespace = "notifyctl"
	// readTimeout bounds a callback that has to ask an engine, so that a scrape
	// is answered well within Prometheus' default of 10 s.
	readTimeout = 2 * time.Second
	// microsecond is a microsecond in seconds, the base unit of the metrics.
	microsecond = 1e-6
)

// collector turns the recorded values into Prometheus series when it is asked.
type collector struct {
	m *Metrics

	requests, requestSeconds, answering   *prometheus.Desc
	submitted, replayed, refused          *prometheus.Desc
	accepted, ended, takenOver            *prometheus.Desc
	batchSize, stageSeconds, totalSeconds *prometheus.Desc
	workersDesired, workersRunning        *prometheus.Desc
	workersBusy                           *prometheus.Desc
	attempts, callSeconds, callEntries    *prometheus.Desc
	callsRunning                          *prometheus.Desc
	connectionsOpen, connectionsOpened    *prometheus.Desc
	breaker, failedOver, doubtful         *prometheus.Desc
	overBudget                            *prometheus.Desc
	commitSeconds, commitRecords          *prometheus.Desc
	cacheHits, cacheMisses, cacheEntries  *prometheus.Desc
	waiting, windowed, retrying           *prometheus.Desc
	oldestAge, failedReads                *prometheus.Desc
}

// newCollector names every metric.
func newCollector(m *Metrics) *collector {
	desc := func(subsystem, name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, nil)
	}
	return &collector{
		m:                 m,
		requests:          desc("api", "requests_total", "Requests answered.", "route", "code"),
		requestSeconds:    desc("api", "request_duration_seconds", "Time from a request's first byte to its answer's last.", "route"),
		answering:         desc("api", "running_requests", "Requests being answered now."),
		submitted:         desc("ingest", "submitted_notifications_total", "Notifications of decoded requests."),
		replayed:          desc("ingest", "replayed_notifications_total", "Notifications answered from the stored answer of their idempotency key."),
		refused:           desc("ingest", "refused_notifications_total", "Notifications of requests that were not accepted.", "reason"),
		accepted:          desc("ingest", "accepted_notifications_total", "Notifications accepted durably.", "channel", "priority"),
		ended:             desc("pipeline", "ended_notifications_total", "Notifications whose outcome is durable.", "channel", "priority", "state"),
		takenOver:         desc("delivery", "taken_over_notifications_total", "Notifications found possibly sent by a former owner."),
		batchSize:         desc("delivery", "batch_size_notifications", "Notifications in a batch when it starts to be sent.", "channel", "priority"),
		stageSeconds:      desc("delivery", "stage_duration_seconds", "Time a sent notification spent in each stage of its way.", "channel", "priority", "stage"),
		totalSeconds:      desc("delivery", "end_to_end_duration_seconds", "Time from acceptance to the durable outcome of a sent notification.", "channel", "priority"),
		workersDesired:    desc("delivery", "desired_workers", "Workers that there should be.", "channel"),
		workersRunning:    desc("delivery", "running_workers", "Workers, busy or not.", "channel"),
		workersBusy:       desc("delivery", "busy_workers", "Workers with a batch in flight.", "channel"),
		attempts:          desc("provider", "attempts_total", "Notifications handed to a provider, by the class of its answer.", "provider", "class"),
		callSeconds:       desc("provider", "call_duration_seconds", "Time of a call to a provider.", "provider"),
		callEntries:       desc("provider", "called_notifications_total", "Notifications carried by calls to a provider.", "provider"),
		callsRunning:      desc("provider", "running_calls", "Calls to a provider that have not ended.", "provider"),
		connectionsOpen:   desc("provider", "open_connections", "Connections to a provider open now.", "provider"),
		connectionsOpened: desc("provider", "opened_connections_total", "Connections to a provider opened.", "provider"),
		breaker:           desc("provider", "breaker_state", "Where a provider's circuit breaker stands: 0 closed, 1 half open, 2 open.", "provider"),
		failedOver:        desc("provider", "failed_over_notifications_total", "Notifications that a provider got in another's place.", "provider"),
		doubtful:          desc("provider", "doubtful_failovers_total", "Notifications that a provider got in another's place, which that may have accepted before.", "provider"),
		overBudget:        desc("delivery", "over_budget_retries_total", "Retries put off since the retry budget was spent.", "channel"),
		commitSeconds:     desc("log", "commit_duration_seconds", "Time of a group commit until it is durable.", "log"),
		commitRecords:     desc("log", "commit_size_records", "Records made durable by one group commit.", "log"),
		cacheHits:         desc("cache", "hits_total", "Look-ups that the cache answered.", "cache"),
		cacheMisses:       desc("cache", "misses_total", "Look-ups that went past the cache.", "cache"),
		cacheEntries:      desc("cache", "held_entries", "Entries held.", "cache"),
		waiting:           desc("queue", "waiting_notifications", "Notifications not handed out yet.", "channel", "priority"),
		windowed:          desc("queue", "windowed_notifications", "Notifications handed out and not settled.", "channel", "priority"),
		retrying:          desc("queue", "retrying_notifications", "Notifications that wait for a retry or are handed out for one.", "channel", "priority"),
		oldestAge:         desc("queue", "oldest_age_seconds", "Age of the oldest notification not handed out yet, 0 when none waits.", "channel", "priority"),
		failedReads:       desc("queue", "failed_reads_total", "Scrapes that could not read the queues' depths."),
	}
}

// Describe sends nothing but what Collect may send.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.requests, c.requestSeconds, c.answering, c.submitted, c.replayed, c.refused, c.accepted, c.ended, c.takenOver,
		c.batchSize, c.stageSeconds, c.totalSeconds, c.workersDesired, c.workersRunning, c.workersBusy,
		c.attempts, c.callSeconds, c.callEntries, c.callsRunning, c.connectionsOpen, c.connectionsOpened,
		c.breaker, c.failedOver, c.doubtful, c.overBudget,
		c.commitSeconds, c.commitRecords, c.cacheHits, c.cacheMisses, c.cacheEntries,
		c.waiting, c.windowed, c.retrying, c.oldestAge, c.failedReads,
	} {
		ch <- d
	}
}

// Collect sends the present values.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	c.collectIngest(ch)
	for _, q := range pipeline.Queues() {
		c.collectQueue(ch, q)
	}
	c.collectDelivery(ch)
	c.collectEngines(ch)
	c.collectDepths(ch)
}

func (c *collector) collectIngest(ch chan<- prometheus.Metric) {
	c.m.requests.each(func(route string, r *requestSeries) {
		ch <- r.latency.Snapshot().metric(c.requestSeconds, latencyBounds(), microsecond, route)
		r.codes.each(func(code int, n *atomic.Int64) {
			ch <- counter(c.requests, n.Load(), route, strconv.Itoa(code))
		})
	})
	ch <- gauge(c.answering, float64(c.m.answering.Load()))
	ch <- counter(c.submitted, c.m.submitted.Load())
	ch <- counter(c.replayed, c.m.replayed.Load())
	for _, r := range Refusals() {
		ch <- counter(c.refused, c.m.refused[r].Load(), r.String())
	}
}

func (c *collector) collectQueue(ch chan<- prometheus.Metric, q pipeline.Queue) {
	series, channel, priority := c.m.queue(q), q.Channel.String(), q.Priority.String()
	ch <- counter(c.accepted, series.accepted.Load(), channel, priority)
	for _, s := range pipeline.Outcomes() {
		ch <- counter(c.ended, series.ended[s].Load(), channel, priority, s.String())
	}
	ch <- series.batches.snapshot().metric(c.batchSize, sizeBounds(), 1, channel, priority)
	way := series.endToEnd.Snapshot()
	ch <- way.Total.metric(c.totalSeconds, latencyBounds(), microsecond, channel, priority)
	for _, s := range Stages() {
		ch <- way.Stages[s].metric(c.stageSeconds, latencyBounds(), microsecond, channel, priority, s.String())
	}
}

func (c *collector) collectDelivery(ch chan<- prometheus.Metric) {
	ch <- counter(c.takenOver, c.m.takenOver.Load())
	for _, channel := range pipeline.Channels() {
		ch <- gauge(c.workersDesired, float64(c.m.worker(channel).desired.Load()), channel.String())
		ch <- gauge(c.workersRunning, float64(c.m.worker(channel).running.Load()), channel.String())
		ch <- gauge(c.workersBusy, float64(c.m.worker(channel).busy.Load()), channel.String())
		ch <- counter(c.overBudget, c.m.worker(channel).overBudget.Load(), channel.String())
	}
	c.m.providers.each(func(name string, r *ProviderRecorder) {
		ch <- r.latency.Snapshot().metric(c.callSeconds, latencyBounds(), microsecond, name)
		ch <- counter(c.callEntries, r.entries.Load(), name)
		for _, class := range answerClasses() {
			ch <- counter(c.attempts, r.attempts[class].Load(), name, class.String())
		}
		ch <- gauge(c.callsRunning, float64(r.running.Load()), name)
		closed := r.closed.Load() // before opened, so that the difference is never below 0
		opened := r.opened.Load()
		ch <- gauge(c.connectionsOpen, float64(opened-closed), name)
		ch <- counter(c.connectionsOpened, opened, name)
		ch <- gauge(c.breaker, float64(r.breaker.Load()), name)
		ch <- counter(c.failedOver, r.failedOver.Load(), name)
		ch <- counter(c.doubtful, r.doubtful.Load(), name)
	})
}

func (c *collector) collectEngines(ch chan<- prometheus.Metric) {
	c.m.logs.each(func(name string, r *LogRecorder) {
		ch <- r.latency.Snapshot().metric(c.commitSeconds, latencyBounds(), microsecond, name)
		ch <- r.records.snapshot().metric(c.commitRecords, sizeBounds(), 1, name)
	})
	c.m.caches.each(func(name string, s *cacheSeries) {
		stats := s.read()
		ch <- counter(c.cacheHits, stats.Hits, name)
		ch <- counter(c.cacheMisses, stats.Misses, name)
		ch <- gauge(c.cacheEntries, float64(stats.Entries), name)
	})
}

// collectDepths asks the engine for the queues. What could not be read is left
// out: an absent series says so, a 0 would not.
func (c *collector) collectDepths(ch chan<- prometheus.Metric) {
	depths, err := c.m.readDepths()
	if err != nil {
		c.m.failedReads.Add(1)
	}
	now := time.Now()
	for _, d := range depths {
		channel, priority := d.Channel.String(), d.Priority.String()
		ch <- gauge(c.waiting, float64(d.Waiting), channel, priority)
		ch <- gauge(c.windowed, float64(d.Windowed), channel, priority)
		ch <- gauge(c.retrying, float64(d.Retrying), channel, priority)
		age := time.Duration(0)
		if !d.Oldest.IsZero() {
			age = max(0, now.Sub(d.Oldest))
		}
		ch <- gauge(c.oldestAge, age.Seconds(), channel, priority)
	}
	ch <- counter(c.failedReads, c.m.failedReads.Load())
}

// readDepths asks for the depths, none when nobody offered to tell.
func (m *Metrics) readDepths() ([]pipeline.Depth, error) {
	read := m.depths.Load()
	if read == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	depths, err := (*read)(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the queues' depths: %w", err)
	}
	return depths, nil
}

func counter(desc *prometheus.Desc, n int64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
}

func gauge(desc *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
}

// answerClasses lists the classes that an attempt may come down to.
func answerClasses() []pipeline.AnswerClass {
	return []pipeline.AnswerClass{
		pipeline.Sent, pipeline.Permanent, pipeline.Throttled,
		pipeline.Transient, pipeline.Ambiguous, pipeline.Uncertain,
	}
}
