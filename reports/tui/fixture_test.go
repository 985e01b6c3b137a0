package tui

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

func of[T any](v T) *T { return &v }

// epoch is when what the tests show began.
func epoch() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.Local) }

// histogram is a distribution of so many values around one, in milliseconds.
func histogram(n int64, ms float64) api.Histogram {
	if n == 0 {
		return nil
	}
	us := int64(ms * 1000)
	return api.Histogram{{us, n - n/10 - n/50}, {us*2 + 1, n / 10}, {us*4 + 2, n/50 + 1}}
}

// statusAt is what a server says after some seconds of a load that jumps from
// 1,000/s to 10,000/s at second 20, which the workers follow with a delay.
func statusAt(second int) *api.Status {
	s := int64(second)
	in := min(s, 20)*1000 + max(s-20, 0)*10_000
	out := min(in, min(s, 20)*1000+max(s-20, 0)*6_000+max(s-35, 0)*6_000)
	st := &api.Status{
		Started: epoch().Add(-time.Hour), Now: epoch().Add(time.Duration(second) * time.Second),
		Version: "notifyctl 1.0.0, go1.26.8, linux/amd64", Ready: true, Role: "all",
		Engines: map[string]string{"bus": "memory", "feed": "pebble", "history": "pebble", "intake": "pebble", "preferences": "sqlite", "templates": "folder"},
		Account: api.Account{Accepted: in, Delivered: out, InFlight: in - out},
		API:     api.Traffic{Requests: map[string]int64{"202": in / 100}, Accepted: in, Latency: histogram(in/100, 2.1)},
		Caches: []api.Cache{
			{Name: "preferences_l1", Hits: in * 2 / 5, Misses: in * 3 / 5, Entries: min(in, 10_000)},
			{Name: "preferences_l2", Hits: in / 3, Misses: in / 4, Entries: in / 4},
			{Name: "templates", Hits: in, Misses: 4, Entries: 4},
		},
		Shards: api.Shards{Shards: 4, Sharding: "modulo"},
		Resources: api.Resources{
			HeapBytes: 40e6 + s*100e3, RSSBytes: of(int64(120e6)), OpenFiles: of(int64(83)), Goroutines: 140,
			CPUSeconds: float64(in) * 20e-6, GCCycles: s, GCPauseSeconds: float64(s) * 1e-4, GCCPUSeconds: float64(s) * 0.01,
		},
		Scaling: api.Scaling{Policy: "arrivals", EveryMS: 1000, StartDelayMS: 1500},
	}
	running := int64(14)
	if second > 30 {
		running = 20
		st.Scaling.Events = append(st.Scaling.Events, api.ScalingEvent{At: epoch().Add(21 * time.Second), Kind: "workers", Name: "push", Text: "push wants 20 workers"})
	}
	for i, channel := range []string{"push", "email", "sms"} {
		part := int64([]int{6, 3, 1}[i])
		st.Workers = append(st.Workers, api.Workers{Channel: channel, Desired: 20, Running: running, Busy: running - 3, Batches: out * part / 900, Entries: out * part / 10})
		st.Scaling.Groups = append(st.Scaling.Groups, api.ScaledGroup{Kind: "workers", Name: channel, Min: 4, Max: 100, Wished: 20, Desired: 20, Running: int(running), Starting: 20 - int(running)})
		for j, priority := range []string{"high", "normal", "low"} {
			share := part * int64([]int{2, 6, 2}[j])
			st.Queues = append(st.Queues, api.Queue{Channel: channel, Priority: priority, Waiting: (in - out) * share / 100, OldestAgeMS: (in - out) / 10 * int64(j+1)})
			n := out * share / 100
			st.EndToEnd = append(st.EndToEnd, api.EndToEnd{Channel: channel, Priority: priority, Total: histogram(n, 240*float64(j+1)), Stages: api.Stages{
				Queue: histogram(n, 20*float64(j+1)), Batch: histogram(n, 1), Send: histogram(n, 200), Settle: histogram(n, 10),
			}})
		}
		for j, name := range [][]string{{"fcm", "apns"}, {"sendgrid", "ses"}, {"twilio", "vonage"}}[i] {
			p := api.Provider{Name: name, Channel: channel, Breaker: "closed"}
			if j == 0 {
				p.Calls, p.Entries, p.Sent, p.Connections, p.Latency = out*part/900, out*part/10, out*part/10, 6, histogram(out*part/900, 200)
			}
			st.Providers = append(st.Providers, p)
		}
	}
	st.Regions = []api.Region{{Name: "region-1", Weight: 1, Gateways: []api.Gateway{{Name: "region-1/gateway-1", State: "serving"}, {Name: "region-1/gateway-2", State: "serving"}}}}
	st.Groups = readings(in, out)
	return st
}

func readings(in, out int64) []api.Group {
	met := in-out < 5000
	return []api.Group{
		{Name: "latency", Readings: []api.Reading{
			{Name: "api_latency", Labels: map[string]string{"quantile": "0.99"}, Unit: "seconds", Value: of(0.0084), Target: &api.Target{AtMost: of(0.5)}, Met: of(true)},
			{Name: "end_to_end_latency", Labels: map[string]string{"channel": "push", "priority": "high", "quantile": "0.99"}, Unit: "seconds", Value: of(0.96), Target: &api.Target{AtMost: of(10.0)}, Met: of(true)},
		}},
		{Name: "success", Readings: []api.Reading{
			{Name: "success_ratio", Labels: map[string]string{"channel": "push", "category": "transactional"}, Unit: "ratio", Value: of(1.0), Target: &api.Target{AtLeast: of(0.995)}, Met: of(true)},
			{Name: "success_ratio", Labels: map[string]string{"channel": "push", "category": "promotional"}, Unit: "ratio", Target: &api.Target{AtLeast: of(0.95)}},
		}},
		{Name: "queue", Readings: []api.Reading{
			{Name: "depth", Unit: "notifications", Value: of(float64(in - out)), Target: &api.Target{AtMost: of(5000.0)}, Met: &met},
		}},
		{Name: "utilisation", Readings: []api.Reading{
			{Name: "workers", Labels: map[string]string{"channel": "push"}, Unit: "ratio", Value: of(0.08), Target: &api.Target{AtLeast: of(0.7), AtMost: of(0.8)}, Met: of(false)},
		}},
		{Name: "cost", Readings: []api.Reading{
			{Name: "cost_per_notification", Labels: map[string]string{"channel": "sms"}, Unit: "dollars", Value: of(0.0118), Target: &api.Target{AtMost: of(0.0118)}, Met: of(true)},
		}},
	}
}

// runAt is that load as a load test sees it.
func runAt(second int) scenarios.Snapshot {
	s := scenarios.Snapshot{
		Scenario: "spike", Profile: "ci", Phase: scenarios.Running, Stage: "calm",
		Elapsed: time.Duration(second) * time.Second, Total: 150 * time.Second, Batch: 100,
		Report: &load.Report{Connections: 12},
		Stages: []scenarios.Stage{{Name: "calm", For: 20 * time.Second}, {Name: "spike", For: 100 * time.Second}, {Name: "after", For: 30 * time.Second}},
	}
	if second >= 20 {
		s.Stage = "spike"
	}
	for i := range second {
		n := uint64(10)
		if i >= 20 {
			n = 100
		}
		s.Report.Total.Offered += n
		s.Report.Total.Sent += n
		s.Report.Total.Kinds[load.Accepted] += n
		s.Seconds = append(s.Seconds, load.Second{At: time.Duration(i+1) * time.Second, Offered: n, Sent: n, Accepted: n, Response: load.Latency{
			Count: n, P50: 2100 * time.Microsecond, P90: 4 * time.Millisecond, P99: 8800 * time.Microsecond, Max: 14 * time.Millisecond,
		}, Service: load.Latency{Count: n, P99: 8700 * time.Microsecond}})
	}
	st := statusAt(second)
	s.System = &scenarios.SystemView{Seen: epoch().Add(time.Duration(second) * time.Second), Status: st, Account: st.Account}
	s.Checks = []scenarios.Check{
		{Name: "api p99", Op: "<", Limit: 500, Measured: of(8.8), Unit: "ms", Verdict: scenarios.Pass},
		{Name: "errors", Op: "<", Limit: 1000, Measured: of(1200.0), Unit: "ppm", Verdict: scenarios.Fail},
		{Name: "load sent", Op: ">=", Limit: 99, Measured: of(100.0), Unit: "%", Verdict: scenarios.Pass},
		{Name: "lost", Op: "=", Limit: 0, Verdict: scenarios.Inconclusive, Why: "the run is not over"},
		{Name: "duplicates", Op: "=", Limit: 0, Verdict: scenarios.Inconclusive, Why: "the run is not over"},
	}
	return s
}

func loggedAt(second int) []Logged {
	if second < 22 {
		return nil
	}
	return []Logged{{epoch().Add(22 * time.Second), slog.LevelWarn, "a worker waits  channel=push"}}
}

// testMoment is the moment of the test at a second; serverMoment that of its
// server alone.
func testMoment(second int) Moment {
	return OfRun(epoch().Add(time.Duration(second)*time.Second), runAt(second), loggedAt(second))
}

func serverMoment(second int) Moment {
	at := epoch().Add(time.Duration(second) * time.Second)
	return Moment{At: at, Server: Server{URL: "http://127.0.0.1:8080", Status: statusAt(second), Seen: at}, Logged: loggedAt(second)}
}

// playing is a screen that has seen all seconds up to one.
func playing(moment func(int) Moment, o Options, until int) *screen {
	second := 0
	o.Take = func() Moment { return moment(second) }
	if o.End == nil && o.Subject != Watching {
		o.End = func() {}
	}
	s := newScreen(o)
	for second = 1; second < until; second++ {
		s.look()
	}
	second = until
	s.look()
	return s
}

// drawn draws a screen at a size, after some keys, and checks that it fits.
func drawn(t *testing.T, s *screen, width, height int, keys ...string) string {
	t.Helper()
	s.width, s.height = width, height
	for _, key := range keys {
		s.key(key, key)
	}
	text := s.draw()
	if err := fits(text, width, height); err != nil {
		t.Errorf("%dx%d: %v\n%s", width, height, err, text)
	}
	return text + "\n"
}

// fits says what is wrong with a drawing: a line that is too long, too many or
// too few of them, or a control character that would do something to a terminal.
func fits(text string, width, height int) error {
	lines := strings.Split(text, "\n")
	if len(lines) != height {
		return fmt.Errorf("%d lines on a screen of %d", len(lines), height)
	}
	for _, line := range lines {
		if w := ansi.StringWidth(line); w > width {
			return fmt.Errorf("a line of %d columns on a screen of %d: %q", w, width, line)
		}
		if plain := ansi.Strip(line); plain != reports.Clean(plain) {
			return fmt.Errorf("a control character: %q", line)
		}
	}
	return nil
}
