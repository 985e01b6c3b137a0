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
	// readTimeout bounds a callback that has to ask an engine, so that a scrape
	// is answered well within Prometheus' default of 10 s.
	readTimeout = 2 * time.Second
	// microsecond is a microsecond in seconds, the base unit of the metrics.
	microsecond = 1e-6
)

// collector turns the recorded values into Prometheus series when it is asked.
type collector struct {
	*descriptions
	m *Metrics
}

// Describe sends nothing but what Collect may send.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect sends the present values.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	c.collectIngest(ch)
	for _, q := range pipeline.Queues() {
		c.collectQueue(ch, q)
	}
	c.collectWorkers(ch)
	c.collectProviders(ch)
	c.collectEngines(ch)
	c.collectDepths(ch)
	c.collectCosts(ch)
	c.collectFleet(ch)
	c.collectShards(ch)
	c.collectDependencies(ch)
}

func (c *collector) collectIngest(ch chan<- prometheus.Metric) {
	c.m.requests.each(func(route string, r *requestSeries) {
		ch <- c.latencies(requestSeconds, r.latency.Snapshot(), route)
		r.codes.each(func(code int, n *atomic.Int64) {
			ch <- c.count(requests, n.Load(), route, strconv.Itoa(code))
		})
	})
	ch <- c.count(running, c.m.answering.Load())
	ch <- c.count(submitted, c.m.submitted.Load())
	ch <- c.count(replayed, c.m.replayed.Load())
	for _, r := range Refusals() {
		ch <- c.count(refused, c.m.refused[r].Load(), r.String())
	}
}

func (c *collector) collectQueue(ch chan<- prometheus.Metric, q pipeline.Queue) {
	series, channel, priority := c.m.queue(q), q.Channel.String(), q.Priority.String()
	ch <- c.count(accepted, series.accepted.Load(), channel, priority)
	for _, category := range categories() {
		for _, s := range pipeline.Outcomes() {
			ch <- c.count(ended, series.ended[category][s].Load(), channel, priority, category.String(), s.String())
		}
	}
	ch <- c.sizes(batchSize, series.batches.snapshot(), channel, priority)
	way := series.endToEnd.Snapshot()
	ch <- c.latencies(totalSeconds, way.Total, channel, priority)
	for _, s := range Stages() {
		ch <- c.latencies(stageSeconds, way.Stages[s], channel, priority, s.String())
	}
}

func (c *collector) collectWorkers(ch chan<- prometheus.Metric) {
	ch <- c.count(takenOver, c.m.takenOver.Load())
	for _, channel := range pipeline.Channels() {
		w, name := c.m.worker(channel).snapshot(channel), channel.String()
		ch <- c.count(workersDesired, w.Desired, name)
		ch <- c.count(workersRunning, w.Running, name)
		ch <- c.count(workersBusy, w.Busy, name)
		ch <- c.value(workerSeconds, w.Time.Seconds(), name)
		ch <- c.value(workerBusySeconds, w.BusyTime.Seconds(), name)
		ch <- c.count(overBudget, w.OverBudget, name)
	}
}

func (c *collector) collectProviders(ch chan<- prometheus.Metric) {
	c.m.providers.each(func(name string, r *ProviderRecorder) {
		p := r.snapshot(name)
		ch <- c.latencies(callSeconds, p.Latency, name)
		ch <- c.count(called, p.Entries, name)
		for _, class := range answerClasses() {
			ch <- c.count(attempts, p.Attempts[class], name, class.String())
		}
		ch <- c.count(callsRunning, p.CallsRunning, name)
		ch <- c.count(connectionsPooled, p.ConnectionsPooled, name)
		ch <- c.count(connectionsOpen, p.ConnectionsOpen, name)
		ch <- c.count(connectionsOpened, p.ConnectionsOpened, name)
		ch <- c.count(breaker, int64(p.Breaker), name)
		ch <- c.count(failedOver, p.FailedOver, name)
		ch <- c.count(doubtful, p.Doubtful, name)
		ch <- c.count(segments, p.Segments, name)
	})
}

func (c *collector) collectEngines(ch chan<- prometheus.Metric) {
	c.m.logs.each(func(name string, r *LogRecorder) {
		ch <- c.latencies(commitSeconds, r.latency.Snapshot(), name)
		ch <- c.sizes(commitRecords, r.records.snapshot(), name)
	})
	c.m.caches.each(func(name string, s *cacheSeries) {
		stats := s.read()
		ch <- c.count(cacheHits, stats.Hits, name)
		ch <- c.count(cacheMisses, stats.Misses, name)
		ch <- c.count(cacheErrors, stats.Errors, name)
		ch <- c.count(cacheEntries, stats.Entries, name)
		if stats.Capacity > 0 {
			ch <- c.count(cacheCapacity, stats.Capacity, name)
		}
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
		ch <- c.count(waiting, d.Waiting, channel, priority)
		ch <- c.count(windowed, d.Windowed, channel, priority)
		ch <- c.count(retrying, d.Retrying, channel, priority)
		ch <- c.value(oldestAge, lag(d, now).Seconds(), channel, priority)
	}
	ch <- c.count(failedReads, c.m.failedReads.Load())
}

// lag is the age of the oldest notification of a queue that was not handed out
// yet; 0 when none waits.
func lag(d pipeline.Depth, now time.Time) time.Duration {
	if d.Oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(d.Oldest))
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

// answerClasses lists the classes that an attempt may come down to.
func answerClasses() []pipeline.AnswerClass {
	return []pipeline.AnswerClass{
		pipeline.Sent, pipeline.Permanent, pipeline.Throttled,
		pipeline.Transient, pipeline.Ambiguous, pipeline.Uncertain,
	}
}

// categories lists the categories.
func categories() []pipeline.Category {
	return []pipeline.Category{pipeline.Transactional, pipeline.Promotional}
}
