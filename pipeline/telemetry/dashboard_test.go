package telemetry_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// taken is a dashboard's readings by their names and labels' values.
type taken map[string]telemetry.Reading

func read(all []telemetry.Reading) taken {
	byName := taken{}
	for _, r := range all {
		byName[strings.Join(append([]string{r.Name}, r.Values...), " ")] = r
	}
	return byName
}

func (all taken) check(t *testing.T, want map[string]float64) {
	t.Helper()
	for name, value := range want {
		r, ok := all[name]
		switch {
		case !ok:
			t.Errorf("there is no %s", name)
		case math.IsNaN(value):
			if r.Value != nil {
				t.Errorf("%s is %v, want nothing", name, *r.Value)
			}
		case r.Value == nil:
			t.Errorf("%s is not known, want %v", name, value)
		case math.Abs(*r.Value-value) > 1e-9*max(1, value):
			t.Errorf("%s is %v, want %v", name, *r.Value, value)
		}
	}
}

// end counts notifications that ended.
func end(m *telemetry.Metrics, n int, c pipeline.Category, state pipeline.State) {
	var e telemetry.Endings
	for range n {
		e.Add(&pipeline.Notification{Channel: pipeline.SMS, Priority: pipeline.High, Category: c}, state)
	}
	m.Ended(&e)
}

// traffic is what a minute of work leaves in the metrics.
func traffic(m *telemetry.Metrics) {
	q := pipeline.Queue{Channel: pipeline.SMS, Priority: pipeline.High}
	for i := range 100 {
		m.RequestStarted()
		m.Request("/v1/notifications", map[bool]int{true: 503, false: 202}[i < 2], 10*time.Millisecond)
	}
	m.RequestStarted()
	m.Request("/v1/users/{user}", 404, time.Second)
	m.Accepted(q, 600)
	end(m, 300, pipeline.Transactional, pipeline.Delivered)
	end(m, 100, pipeline.Transactional, pipeline.Dead)
	end(m, 50, pipeline.Transactional, pipeline.Suppressed)
	end(m, 10, pipeline.Promotional, pipeline.Expired)
	p := m.Provider("twilio")
	p.Pool(10)
	p.CallStarted()
	p.Called(100, 30*time.Second)
	p.Attempted(pipeline.Sent, 300)
	p.Attempted(pipeline.Transient, 100)
	p.SentSegments(450)
	start := time.Now()
	passage := telemetry.Passage{Accepted: start, Fetched: start.Add(500 * time.Millisecond)}
	passage.Started, passage.Answered = start.Add(600*time.Millisecond), start.Add(900*time.Millisecond)
	passage.Settled = start.Add(time.Second)
	m.EndToEnd(q).RecordBatch(slices.Repeat([]telemetry.Passage{passage}, 10))
}

func newDashboard(t *testing.T, targets telemetry.Targets, start time.Time) (*telemetry.Metrics, *telemetry.Dashboard) {
	t.Helper()
	m := telemetry.New(prometheus.NewRegistry())
	m.SetPrices(telemetry.Prices{Providers: map[string]telemetry.Price{"twilio": {Segment: 0.01}}, Infrastructure: 0.001})
	return m, telemetry.NewDashboard(m, targets, start)
}

func TestReadings(t *testing.T) {
	start := time.Now()
	m, d := newDashboard(t, telemetry.Targets{}, start)
	caches := map[string]telemetry.CacheStats{
		telemetry.CachePreferencesL1: {Hits: 60, Misses: 40, Entries: 5, Capacity: 20},
		telemetry.CachePreferencesL2: {Hits: 30, Misses: 10, Entries: 7},
	}
	for name, stats := range caches {
		m.ObserveCache(name, func() telemetry.CacheStats { return stats })
	}
	traffic(m)
	now := start.Add(30 * time.Second)
	snapshot := m.Snapshot()
	resident, files := int64(1<<20), int64(12)
	all := read(d.Read(now, &snapshot, []pipeline.Depth{
		{Queue: pipeline.Queue{Channel: pipeline.SMS, Priority: pipeline.High}, Waiting: 40, Oldest: now.Add(-7 * time.Second)},
		{Queue: pipeline.Queue{Channel: pipeline.Push, Priority: pipeline.Low}, Waiting: 2},
	}, telemetry.Resources{ResidentBytes: &resident, OpenFiles: &files, HeapBytes: 99, Goroutines: 3, GCPause: 3 * time.Second}))
	all.check(t, map[string]float64{
		"accepted_per_second sms high":                    20,
		"accepted_per_second push low":                    0,
		"delivered_per_second sms high":                   10,
		"end_to_end_latency push high 0.99":               math.NaN(),
		"stage_share sms high queue":                      0.5,
		"stage_share sms high batch":                      0.1,
		"stage_share sms high send":                       0.3,
		"stage_share sms high settle":                     0.1,
		"stage_share email high settle":                   math.NaN(),
		"success_ratio sms transactional":                 0.75,
		"success_ratio sms promotional":                   0,
		"success_ratio email promotional":                 math.NaN(),
		"depth":                                           42,
		"queue_depth sms high":                            40,
		"lag sms high":                                    7,
		"lag push low":                                    0,
		"connections twilio":                              0.1,
		"preference_hits":                                 0.9,
		"cache_hits preferences_l1":                       0.6,
		"cache_fill preferences_l1":                       0.25,
		"memory":                                          1 << 20,
		"heap":                                            99,
		"goroutines":                                      3,
		"open_files":                                      12,
		"gc_pauses":                                       0.1,
		"failed_requests":                                 2. / 101,
		"request_errors_per_second /v1/users/{user} 4xx":  1. / 30,
		"request_errors_per_second /v1/notifications 5xx": 2. / 30,
		"provider_errors twilio transient":                0.25,
		"provider_errors twilio permanent":                0,
		"cost_per_notification sms":                       4.5/300 + 0.001,
		"cost_per_notification push":                      math.NaN(),
		"provider_cost_per_notification twilio":           0.015,
		"infrastructure_cost_per_notification":            0.001,
	})
	if _, ok := all["cache_fill preferences_l2"]; ok {
		t.Error("a cache that is bounded in bytes has a fill by entries")
	}
	for name, about := range map[string]float64{"api_latency 0.5": 0.01, "end_to_end_latency sms high 0.95": 1} {
		if v := *all[name].Value; v < about || v > about*1.01 {
			t.Errorf("%s is %v, want %v within 1 %%", name, v, about)
		}
	}
}

// What is older than the window is forgotten, and nothing of the last minute is.
func TestReadingsAreOfTheLastMinute(t *testing.T) {
	start := time.Now()
	m, d := newDashboard(t, telemetry.Targets{}, start)
	q := pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.Low}
	for second := 1; second <= 300; second++ {
		m.Accepted(q, 5)
		if second <= 120 { // fast, then slow
			m.RequestStarted()
			m.Request("/v1/notifications", 202, time.Millisecond)
		} else {
			m.RequestStarted()
			m.Request("/v1/notifications", 202, time.Second)
		}
		now := start.Add(time.Duration(second) * time.Second)
		if second%10 == 0 {
			d.Mark(now, m.Snapshot(), telemetry.Resources{})
		}
		snapshot := m.Snapshot()
		all := read(d.Read(now, &snapshot, nil, telemetry.Resources{}))
		all.check(t, map[string]float64{"accepted_per_second email low": 5})
		median := *all["api_latency 0.5"].Value
		if second >= 190 && median < 1 || second <= 120 && median > 0.0011 {
			t.Fatalf("after %d s the median is %v", second, median)
		}
	}
}

func TestTargetsAreHeldAgainstTheirReadings(t *testing.T) {
	start := time.Now()
	m, d := newDashboard(t, telemetry.Targets{
		APIP99: 5 * time.Millisecond, EndToEndP99: 2 * time.Second, TransactionalSuccess: 0.75, PromotionalSuccess: 0.5,
		QueueDepth: 41, QueueLag: 7 * time.Second, Errors: 0.001, CacheHit: 0.95,
		Utilisation: telemetry.Target{AtLeast: 0.7, AtMost: 0.8}, Cost: map[pipeline.Channel]float64{pipeline.SMS: 0.016},
	}, start)
	traffic(m)
	now := start.Add(time.Minute)
	snapshot := m.Snapshot()
	got := map[string]string{}
	for name, r := range read(d.Read(now, &snapshot, []pipeline.Depth{
		{Queue: pipeline.Queue{Channel: pipeline.SMS, Priority: pipeline.High}, Waiting: 42, Oldest: now.Add(-7 * time.Second)},
	}, telemetry.Resources{CPU: time.Second})) {
		switch {
		case r.Target == (telemetry.Target{}):
		case r.Value == nil:
			got[name] = "unknown"
		default:
			got[name] = fmt.Sprint(r.Target.Met(*r.Value))
		}
	}
	for name, want := range map[string]string{
		"api_latency 0.99": "false", "api_latency 0.5": "", "end_to_end_latency sms high 0.99": "true",
		"end_to_end_latency sms normal 0.99": "", "end_to_end_latency email high 0.99": "unknown",
		"success_ratio sms transactional": "true", "success_ratio sms promotional": "false", "depth": "false", "lag sms high": "true",
		"failed_requests": "false", "preference_hits": "unknown", "cpu": "false", "workers sms": "unknown", "cost_per_notification sms": "true",
		"queue_depth sms high": "", "memory": "",
	} {
		if got[name] != want {
			t.Errorf("%s met its target: %q, want %q", name, got[name], want)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		target telemetry.Target
		value  float64
		met    bool
	}{
		{telemetry.Target{AtMost: 0.5}, 0.5, true},
		{telemetry.Target{AtMost: 0.5}, 0.51, false},
		{telemetry.Target{AtMost: 0.3}, 0.1 + 0.2, true}, // but for the arithmetic
		{telemetry.Target{AtLeast: 0.95}, 0.95, true},
		{telemetry.Target{AtLeast: 0.95}, 0.949, false},
		{telemetry.Target{AtLeast: 0.7, AtMost: 0.8}, 0.75, true},
		{telemetry.Target{AtLeast: 0.7, AtMost: 0.8}, 0.6, false},
		{telemetry.Target{AtLeast: 0.7, AtMost: 0.8}, 0.9, false},
	} {
		if got := c.target.Met(c.value); got != c.met {
			t.Errorf("%v within %+v: %v", c.value, c.target, got)
		}
	}
}

// What a status's readings cost, with marks.
func BenchmarkDashboard(b *testing.B) {
	m := telemetry.New(prometheus.NewRegistry())
	d := telemetry.NewDashboard(m, telemetry.Targets{}, time.Now())
	for range 100 {
		record(m)
	}
	d.Mark(time.Now(), m.Snapshot(), telemetry.Resources{})
	snapshot := m.Snapshot()
	b.ReportAllocs()
	for b.Loop() {
		d.Read(time.Now(), &snapshot, nil, telemetry.Resources{})
	}
}
