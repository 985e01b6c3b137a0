package scenarios

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// loaded is the plan with some values overridden.
func loaded(t *testing.T, assignments ...string) *planner.Plan {
	t.Helper()
	p, err := planner.Load(planner.Document{Assignments: assignments})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// over gives the evidence of a system that said two things of itself, a second
// apart.
func over(then, now api.Status) *evidence {
	now.Now = then.Now.Add(time.Second)
	return &evidence{
		load: &load.Report{}, over: true,
		course: &course{last: &now, whole: &span{interval: interval{system: growth(&then, &now)}}},
	}
}

func clientsSaw(p99 float64, c Counts, rates ...float64) *Result {
	r := &Result{Generator: Generator{Latency: &Latencies{P99: p99}}, Stages: []StageResult{{Counts: c}}, Timeline: &Timeline{Every: 1}}
	for _, rate := range rates {
		r.Timeline.Points = append(r.Timeline.Points, Point{Accepted: rate})
	}
	return r
}

func TestLimitsSayHowNearARunCame(t *testing.T) {
	resident := int64(250_000_000)
	full := api.Status{
		Queues:    []api.Queue{{Channel: "push", Waiting: 1500, Windowed: 9000, OldestAgeMS: 6000}, {Channel: "sms", Waiting: 1000}},
		Workers:   []api.Workers{{Channel: "push", Running: 32, Busy: 8}, {Channel: "sms", Running: 10, Busy: 7}},
		Caches:    []api.Cache{{Name: "preferences_l1", Hits: 900, Misses: 100}, {Name: "preferences_l2", Hits: 80, Misses: 20}},
		Space:     []api.Space{{Part: "queue", Bytes: 1_900_000_000}, {Part: "history", Bytes: 1_000_000_000}, {Part: "idempotency", Bytes: 0}},
		Scaling:   api.Scaling{Groups: []api.ScaledGroup{{Kind: "workers", Name: "push", Max: 64, Running: 32}, {Kind: "gateways", Name: "region-1", Max: 8, Running: 8}}},
		Regions:   []api.Region{{Name: "region-1", Gateways: []api.Gateway{{Name: "gateway-1", Notifications: 700}, {Name: "gateway-2", Notifications: 950}}}},
		Providers: []api.Provider{{Name: "fcm", Channel: "push", Entries: 9500, Connections: 40}, {Name: "twilio", Channel: "sms", Entries: 50, Segments: 75, Connections: 97}},
		Resources: api.Resources{RSSBytes: &resident},
		EndToEnd:  []api.EndToEnd{{Channel: "push", Priority: "high", Total: api.Histogram{{2_000_000, 10}}}, {Channel: "push", Priority: "low", Total: api.Histogram{{9_000_000, 10}}}},
	}
	dropped := int64(5)
	for _, tt := range []struct {
		name   string
		plan   []string
		scale  Scale
		result *Result
		system api.Status
		change func(*evidence)
		want   map[string]string // "reached of limit unit: share", ? for what was not seen
	}{
		{
			name: "what the clients saw", scale: Scale{Rate: 0.1, Time: 1},
			result: clientsSaw(450, Counts{Accepted: 999_500, Refused: 300, Errors: 200}, 1200, 4900, 3000), system: full,
			want: map[string]string{
				"service_levels.api_p99": "450 of 500 ms: 0.9",
				"service_levels.errors":  "500 of 1000 ppm: 0.5",
				"workload.design_rate":   "4900 of 5000 /s: 0.98",
			},
		},
		{
			name: "what the system said", scale: Scale{Rate: 1, Time: 1}, result: clientsSaw(1, Counts{}), system: full,
			want: map[string]string{
				"service_levels.end_to_end_p99": "2000 of 10000 ms: 0.2", // the high priority's
				"service_levels.queue_depth":    "2500 of 5000 : 0.5",    // of those that wait
				"service_levels.queue_lag":      "6000 of 30000 ms: 0.2",
				"service_levels.utilisation":    "70 of 80 %: 0.875", // of the busiest pool
				"service_levels.cache_hit":      "98 of 95 %: 0.4",   // 2 % missed, and 5 % may be
				"deployment.workers.push":       "32 of 64 : 0.5",
				"deployment.queue_bytes":        "1.9e+09 of 2e+09 B: 0.95",
				"deployment.history_bytes":      "1e+09 of 4e+09 B: 0.25",
				"deployment.idempotency_bytes":  "0 of 1e+09 B: 0",
				"deployment.memory":             "2.5e+08 of 1e+09 B: 0.25",
				"providers.connections":         "97 of 100 : 0.97",
				"service_levels.scale_up":       "? of 120000 ms: ?",
				"service_levels.errors":         "? of 1000 ppm: ?",
			},
		},
		{
			name: "limits of a deployment that keeps to its plan", scale: Scale{Rate: 1, Time: 0.01}, result: clientsSaw(1, Counts{}), system: full,
			plan: []string{"deployment.gateway_rate=1000", "deployment.quotas=plan", "rate_limits.per_user.sms=4"},
			change: func(e *evidence) {
				e.account.RateDropped = &dropped
			},
			want: map[string]string{
				"deployment.gateway_rate":      "950 of 1000 /s: 0.95", // of the one that had most
				"deployment.gateways.region-1": "8 of 8 : 1",
				"providers.push.quota":         "9500 of 10000 /s: 0.95",
				"providers.sms.sender_rate":    "75 of 100 /s: 0.75", // segments
				"rate_limits.per_user.sms":     "4 of 4 : 1",
				"service_levels.scale_up":      "? of 10000 ms: ?", // as the control times, 10 s at least
			},
		},
		{
			name: "of two limits a day it is not told which one dropped", scale: Scale{Rate: 1, Time: 1}, result: clientsSaw(1, Counts{}), system: full,
			plan:   []string{"rate_limits.per_user.sms=4", "rate_limits.per_user.push=9"},
			change: func(e *evidence) { e.account.RateDropped = &dropped },
			want:   map[string]string{"rate_limits.per_user.sms": "? of 4 : ?", "rate_limits.per_user.push": "? of 9 : ?"},
		},
		{
			name: "of a range of promises the end that is easier to keep", scale: Scale{Rate: 1, Time: 1}, result: clientsSaw(450, Counts{}), system: full,
			plan: []string{"service_levels.api_p99=400ms..900ms", "service_levels.cache_hit=90%..95%"},
			want: map[string]string{"service_levels.api_p99": "450 of 900 ms: 0.5", "service_levels.cache_hit": "98 of 90 %: 0.2"},
		},
		{
			name: "promises of nothing at all", scale: Scale{Rate: 1, Time: 1}, result: clientsSaw(1, Counts{Accepted: 9, Errors: 1}), system: full,
			plan: []string{"service_levels.errors=0%", "service_levels.cache_hit=100%"},
			want: map[string]string{"service_levels.errors": "1e+05 of 0 ppm: 1", "service_levels.cache_hit": "98 of 100 %: 1.02"},
		},
		{
			name: "a system that says nothing", scale: Scale{Rate: 1, Time: 1}, result: clientsSaw(250, Counts{Accepted: 1}, 500),
			change: func(e *evidence) { e.course = &course{whole: &span{}} },
			want: map[string]string{
				"service_levels.api_p99": "250 of 500 ms: 0.5", "workload.design_rate": "500 of 50000 /s: 0.01",
				"service_levels.queue_lag": "? of 30000 ms: ?", "deployment.queue_bytes": "? of 2e+09 B: ?", "providers.connections": "? of 100 : ?",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := over(api.Status{}, tt.system)
			if tt.change != nil {
				tt.change(e)
			}
			got := map[string]string{}
			for _, l := range limitsOf(loaded(t, tt.plan...), tt.scale, tt.result, e) {
				if _, twice := got[l.Name]; twice {
					t.Errorf("%s is there twice", l.Name)
				}
				got[l.Name] = fmt.Sprintf("%s of %.6g %s: %s", shown(l.Reached), l.Limit, l.Unit, shown(l.Share))
			}
			for name, want := range tt.want {
				if got[name] != want {
					t.Errorf("%s: %q, want %q", name, got[name], want)
				}
			}
		})
	}
}

func shown(v *float64) string {
	if v == nil {
		return "?"
	}
	return fmt.Sprintf("%.4g", *v)
}

// A plan's limits that are off are no limits.
func TestLimitsThatAreOffAreLeftOut(t *testing.T) {
	for _, l := range limitsOf(planner.Reference(), Scale{Rate: 1, Time: 1}, clientsSaw(1, Counts{}), over(api.Status{}, api.Status{
		Scaling: api.Scaling{Groups: []api.ScaledGroup{{Kind: "gateways", Name: "region-1", Max: 8}}},
	})) {
		for _, off := range []string{"gateway", "quota", "sender_rate", "per_user"} {
			if strings.Contains(l.Name, off) {
				t.Errorf("%s is a limit of a plan that does not have it", l.Name)
			}
		}
		if l.Share != nil && (math.IsNaN(*l.Share) || math.IsInf(*l.Share, 0)) {
			t.Errorf("%s is at %v of its limit", l.Name, *l.Share)
		}
	}
}

// Rates are not taken over parts of a second, in which a batch would make any.
func TestPeaksLeaveRatesOfMomentsOut(t *testing.T) {
	then := api.Status{Now: time.Unix(0, 0)}
	now := api.Status{Now: then.Now.Add(250 * time.Millisecond), Providers: []api.Provider{{Name: "fcm", Entries: 500}}}
	if p := peaksOf(&then, &now); len(p.sends) != 0 {
		t.Errorf("the rates are %v", p.sends)
	}
	now.Now = then.Now.Add(2 * time.Second)
	if p := peaksOf(&then, &now).merge(peaks{sends: map[string]float64{"fcm": 10, "apns": 1}}); p.sends["fcm"] != 250 || p.sends["apns"] != 1 {
		t.Errorf("the rates are %v", p.sends)
	}
}

// What all clients saw is measured again of shards that are put together.
func TestLimitsOfShardsPutTogether(t *testing.T) {
	whole := clientsSaw(400, Counts{Accepted: 1000}, 800, 900)
	whole.Limits = []Limit{{Name: "service_levels.api_p99", Limit: 500}, {Name: "workload.design_rate", Limit: 1000}, {Name: "providers.connections", Limit: 100}}
	before := whole.Limits
	whole.measureAgain()
	if shown(whole.Limits[0].Share) != "0.8" || shown(whole.Limits[1].Reached) != "900" || whole.Limits[2].Reached != nil {
		t.Errorf("the limits are %+v", whole.Limits)
	}
	if before[0].Reached != nil {
		t.Error("a shard's own were changed")
	}
}
