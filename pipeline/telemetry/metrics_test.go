package telemetry_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/prometheus/client_golang/prometheus"
)

// record makes one observation of each kind.
func record(m *telemetry.Metrics) {
	q := pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.High}
	m.RequestStarted()
	m.RequestStarted()
	m.Request("POST /v1/notifications", 202, 3*time.Millisecond)
	m.Submitted(10)
	m.Accepted(q, 6)
	m.Replayed(3)
	m.Refused(telemetry.RefusedInvalid, 1)
	var endings telemetry.Endings
	for range 5 {
		endings.Add(&pipeline.Notification{Channel: q.Channel, Priority: q.Priority, Category: pipeline.Transactional}, pipeline.Delivered)
	}
	m.Ended(&endings)
	m.TakenOver(2)
	m.Batch(q, 500)
	m.WorkersDesired(pipeline.Email, 4)
	m.WorkersRunning(pipeline.Email, 3)
	m.WorkerBusy(pipeline.Email)
	m.WorkerBusy(pipeline.Email)
	m.WorkerIdle(pipeline.Email)
	p := m.Provider("sendgrid")
	p.Pool(100)
	m.Provider("twilio").SentSegments(3)
	m.Provider("twilio").Attempted(pipeline.Sent, 2)
	p.CallStarted()
	p.CallStarted()
	p.Called(500, 200*time.Millisecond)
	p.Attempted(pipeline.Sent, 499)
	p.Attempted(pipeline.Permanent, 1)
	p.ConnectionOpened()
	p.ConnectionOpened()
	p.ConnectionClosed()
	m.Log("intake").Committed(120, time.Millisecond)
	m.ObserveCache("preferences", func() telemetry.CacheStats {
		return telemetry.CacheStats{Hits: 7, Misses: 2, Entries: 9, Errors: 1, Capacity: 10}
	})
	m.ObserveFleet(func() telemetry.Fleet {
		return telemetry.Fleet{
			Groups:  []telemetry.ScaledGroup{{Kind: "workers", Name: "push"}},
			Regions: []telemetry.RegionStats{{Name: "region-1", Gateways: []telemetry.GatewayStats{{Name: "region-1/gateway-1"}}}},
		}
	})
	m.ObserveDependencies(func() []telemetry.Dependency { return []telemetry.Dependency{{Name: "kafka", Up: true, Failed: 3}} })
	m.ObserveShards(func() telemetry.Shards { return telemetry.Shards{Shards: 8, Moving: true, Moved: 90} })
	m.SetPrices(telemetry.Prices{
		Providers: map[string]telemetry.Price{
			"sendgrid": {Notification: 0.5}, "twilio": {Notification: 1, Segment: 2},
		},
		Infrastructure: 0.25,
	})
	m.ObserveQueues(func(context.Context) ([]pipeline.Depth, error) {
		return []pipeline.Depth{{Queue: q, Waiting: 4, Windowed: 3, Retrying: 2}}, nil
	})
	start := time.Now()
	m.EndToEnd(q).RecordBatch([]telemetry.Passage{{
		Accepted: start,
		Fetched:  start.Add(2 * time.Millisecond),
		Started:  start.Add(20 * time.Millisecond),
		Answered: start.Add(220 * time.Millisecond),
		Settled:  start.Add(225 * time.Millisecond),
	}})
}

func TestEveryObservationShowsInItsSeries(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	record(telemetry.New(reg))
	got := values(t, reg)
	for series, want := range map[string]float64{
		`notifyctl_api_requests_total{code="202",route="POST /v1/notifications"}`:                                                  1,
		`notifyctl_api_request_duration_seconds{route="POST /v1/notifications"}`:                                                   1,
		`notifyctl_api_running_requests{}`:                                                                                         1,
		`notifyctl_ingest_submitted_notifications_total{}`:                                                                         10,
		`notifyctl_ingest_accepted_notifications_total{channel="email",priority="high"}`:                                           6,
		`notifyctl_ingest_accepted_notifications_total{channel="sms",priority="low"}`:                                              0,
		`notifyctl_ingest_replayed_notifications_total{}`:                                                                          3,
		`notifyctl_ingest_refused_notifications_total{reason="invalid"}`:                                                           1,
		`notifyctl_ingest_refused_notifications_total{reason="ambiguous"}`:                                                         0,
		`notifyctl_pipeline_ended_notifications_total{category="transactional",channel="email",priority="high",state="delivered"}`: 5,
		`notifyctl_pipeline_ended_notifications_total{category="transactional",channel="email",priority="high",state="dead"}`:      0,
		`notifyctl_delivery_taken_over_notifications_total{}`:                                                                      2,
		`notifyctl_delivery_batch_size_notifications{channel="email",priority="high"}`:                                             1,
		`notifyctl_delivery_desired_workers{channel="email"}`:                                                                      4,
		`notifyctl_delivery_running_workers{channel="email"}`:                                                                      3,
		`notifyctl_delivery_busy_workers{channel="email"}`:                                                                         1,
		`notifyctl_delivery_stage_duration_seconds{channel="email",priority="high",stage="send"}`:                                  1,
		`notifyctl_delivery_end_to_end_duration_seconds{channel="email",priority="high"}`:                                          1,
		`notifyctl_provider_attempts_total{class="sent",provider="sendgrid"}`:                                                      499,
		`notifyctl_provider_attempts_total{class="permanent",provider="sendgrid"}`:                                                 1,
		`notifyctl_provider_call_duration_seconds{provider="sendgrid"}`:                                                            1,
		`notifyctl_provider_called_notifications_total{provider="sendgrid"}`:                                                       500,
		`notifyctl_provider_running_calls{provider="sendgrid"}`:                                                                    1,
		`notifyctl_provider_open_connections{provider="sendgrid"}`:                                                                 1,
		`notifyctl_provider_opened_connections_total{provider="sendgrid"}`:                                                         2,
		`notifyctl_log_commit_duration_seconds{log="intake"}`:                                                                      1,
		`notifyctl_log_commit_size_records{log="intake"}`:                                                                          1,
		`notifyctl_cache_hits_total{cache="preferences"}`:                                                                          7,
		`notifyctl_cache_misses_total{cache="preferences"}`:                                                                        2,
		`notifyctl_cache_held_entries{cache="preferences"}`:                                                                        9,
		`notifyctl_preference_shards{}`:                                                                                            8,
		`notifyctl_reshard_running_moves{}`:                                                                                        1,
		`notifyctl_reshard_moved_rows{}`:                                                                                           90,
		`notifyctl_cache_errors_total{cache="preferences"}`:                                                                        1,
		`notifyctl_cache_capacity_entries{cache="preferences"}`:                                                                    10,
		`notifyctl_provider_pooled_connections{provider="sendgrid"}`:                                                               100,
		`notifyctl_provider_sent_segments_total{provider="twilio"}`:                                                                3,
		`notifyctl_cost_provider_dollars_total{channel="email",provider="sendgrid"}`:                                               249.5,
		`notifyctl_cost_provider_dollars_total{channel="sms",provider="twilio"}`:                                                   8,
		`notifyctl_cost_infrastructure_dollars_total{channel="email"}`:                                                             1.5,
		`notifyctl_queue_waiting_notifications{channel="email",priority="high"}`:                                                   4,
		`notifyctl_queue_windowed_notifications{channel="email",priority="high"}`:                                                  3,
		`notifyctl_queue_retrying_notifications{channel="email",priority="high"}`:                                                  2,
		`notifyctl_queue_oldest_age_seconds{channel="email",priority="high"}`:                                                      0,
		`notifyctl_queue_failed_reads_total{}`:                                                                                     0,
	} {
		if v, ok := got[series]; !ok || v != want {
			t.Errorf("%s = %v (there: %v), want %v", series, v, ok, want)
		}
	}
}

// values reads a registry: a histogram's value is its count.
func values(t *testing.T, g prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatalf("gathering: %v", err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			var labels []string
			for _, l := range metric.GetLabel() {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			series := f.GetName() + "{" + strings.Join(labels, ",") + "}"
			switch {
			case metric.GetCounter() != nil:
				out[series] = metric.GetCounter().GetValue()
			case metric.GetGauge() != nil:
				out[series] = metric.GetGauge().GetValue()
			default:
				out[series] = float64(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	return out
}

func TestSnapshotSaysWhatTheSeriesSay(t *testing.T) {
	m := telemetry.New(prometheus.NewRegistry())
	record(m)
	s := m.Snapshot()

	if s.Answering != 1 || s.Submitted != 10 || s.Replayed != 3 || s.TakenOver != 2 || s.Refused[telemetry.RefusedInvalid] != 1 {
		t.Errorf("ingest: %+v", s)
	}
	request := s.Requests[0]
	if len(s.Requests) != 1 || request.Route != "POST /v1/notifications" || request.Codes[202] != 1 || request.Latency.Sum != 3000 {
		t.Errorf("requests: %+v", s.Requests)
	}
	i := slices.IndexFunc(s.Queues, func(q telemetry.QueueSnapshot) bool {
		return q.Queue == pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.High}
	})
	queue := s.Queues[i]
	if queue.Accepted != 6 || queue.Ended[pipeline.Transactional][pipeline.Delivered] != 5 || queue.Batches.Sum != 500 || queue.EndToEnd.Total.Sum != 225_000 {
		t.Errorf("queue: %+v", queue)
	}
	w := s.Workers[1]
	w.Time, w.BusyTime = 0, 0
	if w != (telemetry.WorkerSnapshot{Channel: pipeline.Email, Desired: 4, Running: 3, Busy: 1}) {
		t.Errorf("workers: %+v", w)
	}
	provider := s.Providers[0]
	if provider.Name != "sendgrid" || provider.Attempts[pipeline.Sent] != 499 || provider.Entries != 500 ||
		provider.CallsRunning != 1 || provider.ConnectionsOpen != 1 || provider.ConnectionsOpened != 2 {
		t.Errorf("provider: %+v", provider)
	}
	if l := s.Logs[0]; l.Name != "intake" || l.Records.Sum != 120 || l.Latency.Histogram.TotalCount() != 1 {
		t.Errorf("log: %+v", l)
	}
	if c := s.Caches[0]; c.Name != "preferences" || c.Hits != 7 {
		t.Errorf("cache: %+v", c)
	}
}

func TestQueuesThatCannotBeReadAreLeftOut(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := telemetry.New(reg)
	q := pipeline.Queue{Channel: pipeline.Push, Priority: pipeline.Low}
	failure := errors.New("the store is closed")
	m.ObserveQueues(func(context.Context) ([]pipeline.Depth, error) {
		return []pipeline.Depth{{Queue: q}}, failure
	})
	got := values(t, reg)
	if _, ok := got[`notifyctl_queue_waiting_notifications{channel="push",priority="low"}`]; ok {
		t.Error("depths are shown although they could not be read")
	}
	if n := got[`notifyctl_queue_failed_reads_total{}`]; n != 1 {
		t.Errorf("failed reads: %v, want 1", n)
	}
}

func TestAHangingQueueDoesNotHangTheScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		m := telemetry.New(reg)
		m.ObserveQueues(func(ctx context.Context) ([]pipeline.Depth, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		before := time.Now()
		got := values(t, reg)
		if waited := time.Since(before); waited > 5*time.Second {
			t.Errorf("the scrape took %v", waited)
		}
		if n := got[`notifyctl_queue_failed_reads_total{}`]; n != 1 {
			t.Errorf("failed reads: %v, want 1", n)
		}
	})
}

func TestOldestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		m := telemetry.New(reg)
		q := pipeline.Queue{Channel: pipeline.Push, Priority: pipeline.Low}
		accepted := time.Now()
		m.ObserveQueues(func(context.Context) ([]pipeline.Depth, error) {
			return []pipeline.Depth{{Queue: q, Waiting: 1, Oldest: accepted}}, nil
		})
		time.Sleep(90 * time.Second)
		if age := values(t, reg)[`notifyctl_queue_oldest_age_seconds{channel="push",priority="low"}`]; age != 90 {
			t.Errorf("oldest age: %v, want 90", age)
		}
	})
}

func TestWhatTheDomainDoesNotKnowPanics(t *testing.T) {
	m := telemetry.New(prometheus.NewRegistry())
	for name, call := range map[string]func(){
		"queue": func() { m.Accepted(pipeline.Queue{Channel: 9, Priority: pipeline.High}, 1) },
		"zero":  func() { m.Batch(pipeline.Queue{}, 1) },
		"outcome": func() {
			new(telemetry.Endings).Add(&pipeline.Notification{Channel: pipeline.SMS, Priority: pipeline.Low, Category: pipeline.Promotional}, pipeline.Retrying)
		},
		"category": func() {
			new(telemetry.Endings).Add(&pipeline.Notification{Channel: pipeline.SMS, Priority: pipeline.Low}, pipeline.Dead)
		},
		"channel": func() { m.WorkerBusy(0) },
		"class":   func() { m.Provider("fcm").Attempted(0, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "BUG: ") {
					t.Errorf("recovered %q, want a BUG", s)
				}
			}()
			call()
		})
	}
}

// Under the race detector this also shows that everything may be called from
// anywhere while it is read.
func TestNothingIsLostUnderConcurrency(t *testing.T) {
	const goroutines, rounds = 8, 200
	reg := prometheus.NewRegistry()
	m := telemetry.New(reg)
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range rounds {
				record(m)
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			m.Snapshot()
			values(t, reg)
		}
	})
	wg.Wait()
	got := values(t, reg)
	for series, each := range map[string]float64{
		`notifyctl_api_requests_total{code="202",route="POST /v1/notifications"}`:         1,
		`notifyctl_ingest_submitted_notifications_total{}`:                                10,
		`notifyctl_provider_attempts_total{class="sent",provider="sendgrid"}`:             499,
		`notifyctl_delivery_end_to_end_duration_seconds{channel="email",priority="high"}`: 1,
		`notifyctl_log_commit_size_records{log="intake"}`:                                 1,
	} {
		if want := each * goroutines * rounds; got[series] != want {
			t.Errorf("%s = %v, want %v", series, got[series], want)
		}
	}
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	defer func() {
		if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "BUG: ") {
			t.Errorf("recovered %q, want a BUG", s)
		}
	}()
	reg := prometheus.NewRegistry()
	telemetry.New(reg)
	telemetry.New(reg)
}
