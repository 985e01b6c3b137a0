// Package reportstest makes results of load tests by hand, with something of
// everything in them, for the tests of what renders and compares results.
package reportstest

import (
	"math"
	"time"

	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Of gives the address of a value.
func Of[T any](v T) *T { return &v }

// The course of the run: it holds 1,000 a second, jumps to 10,000 for a minute
// and a half, and falls back. A provider is away meanwhile.
const (
	spikeAt, spikeEnds = 30.0, 120.0
	loadEnds, drained  = 150.0, 162.0
	faultAt, faultEnds = 60.0, 80.0
	fullCrew           = 52.0 // seconds until as many workers run as are wanted
)

// Result is a run of a spike that failed one check, with something of
// everything. Each call makes a new one.
func Result() *scenarios.Result {
	latency := &scenarios.Latencies{P50: 1.94, P90: 3.41, P95: 4.02, P99: 612.4, Max: 1402}
	service := &scenarios.Latencies{P50: 1.21, P90: 2.13, P95: 2.24, P99: 5.84, Max: 1001}
	r := &scenarios.Result{
		Schema: scenarios.Schema, Scenario: "spike", Profile: scenarios.CI, RateScale: 0.2, TimeScale: 0.25,
		Command: []string{"notifyctl", "loadtest", "spike", "--profile", "ci", "--seed", "7", "--set", "workload.users=10M"},
		Plan:    scenarios.PlanName{Name: "reference", Hash: "9f2c41d07ab3"},
		Environment: scenarios.Environment{
			CPUs: 2, CPU: "AMD EPYC", Memory: Of(uint64(8_330_000_000)), Go: "go1.26.1", OS: "linux", Arch: "amd64", Version: "notifyctl v1.4.0",
			Target: "http://127.0.0.1:8080", Embedded: true,
			Engines: map[string]string{"history": "pebble", "intake": "pebble", "preferences": "sqlite"},
		},
		Started: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		Generator: scenarios.Generator{
			Run: "runmabc", Seed: 7, Batch: 100, Users: 100_000, Keys: load.KeyPerRequest, Connections: 60, Seconds: loadEnds, Achieved: 1,
			Late: 40, LateHeld: 39, Answers: map[string]uint64{"accepted": 9588, "refused": 10, "timeout": 2},
			Latency: latency, Service: service,
		},
		Stages: []scenarios.StageResult{
			stage("before", 0, spikeAt, 300, 0, 0, latency, service),
			stage("spike", spikeAt, spikeEnds, 9000, 10, 2, latency, service),
			stage("after", spikeEnds, loadEnds, 300, 0, 0, latency, service),
		},
		EndToEnd:   endToEnd(),
		Priorities: priorities(),
		Checks:     checks(),
		Ledger: scenarios.Account{
			Accepted: 958_800, Delivered: Of(int64(958_610)), Suppressed: Of(int64(180)), Expired: Of(int64(0)), RateDropped: Of(int64(0)),
			Dead: Of(int64(10)), InFlight: Of(int64(0)), Lost: Of(int64(0)), Duplicates: Of(int64(0)),
			Ambiguous: Of(int64(4)), Takeovers: Of(int64(0)), Unacknowledged: Of(int64(100)),
		},
		Workers: map[string]scenarios.Workers{
			"push": {Desired: 20, Running: 20, Batches: 4000, Entries: 575_000}, "email": {Desired: 12, Running: 12, Batches: 2000, Entries: 287_000},
			"sms": {Desired: 2, Running: 2, Batches: 1000, Entries: 96_000},
		},
		Queue:     &scenarios.Queue{Deepest: 41_208},
		Providers: providers(),
		Caches: map[string]scenarios.Cache{
			"preferences.l1": {Hits: 380_000, Misses: 578_800, HitRatio: Of(0.396), Entries: 10_000},
			"templates":      {Hits: 958_000, Misses: 800, HitRatio: Of(0.99917), Entries: 40},
		},
		Resources: scenarios.Resources{
			CPUPerNotification: Of(31.44), ProcessCPUSeconds: 30.1, MachineBusy: Of(0.41),
			System: &scenarios.SystemResources{CPUSeconds: 28.2, HeapBytes: 84_000_000, RSSBytes: Of(int64(182_400_000)), Goroutines: 212, GCPauseSeconds: 0.012},
		},
		Cost: map[string]float64{
			"total": 11_600, "per_notification": 0.0121, "infrastructure_per_notification": 0.00000161,
			"push": 0, "push_per_notification": 0, "email": 28.7, "email_per_notification": 0.0001, "sms": 11_571.3, "sms_per_notification": 0.118,
		},
		Limits: []scenarios.Limit{
			{Name: "deployment.queue_bytes", Limit: 1e9, Reached: Of(8.24e7), Unit: "bytes", Share: Of(0.0824)},
			{Name: "providers.connections", Limit: 100, Reached: Of(93.0), Share: Of(0.93)},
			{Name: "service_levels.queue_depth", Limit: 5000, Reached: Of(41_208.0), Share: Of(8.2416)},
			{Name: "workers.sms.max", Limit: 200, Unit: ""},
		},
		Timeline: timeline(),
		Marks:    marks(),
		Verdict:  scenarios.Fail,
	}
	return r
}

func stage(name string, from, to float64, requests, refused, errors uint64, latency, service *scenarios.Latencies) scenarios.StageResult {
	of := func(n uint64) scenarios.Counts {
		return scenarios.Counts{Offered: requests * n, Sent: requests * n, Accepted: (requests - refused - errors) * n, Refused: refused * n, Errors: errors * n}
	}
	return scenarios.StageResult{Name: name, From: from, To: to, Counts: of(100), Requests: of(1), Latency: latency, ServiceLatency: service}
}

func endToEnd() []scenarios.EndToEnd {
	var list []scenarios.EndToEnd
	for i, channel := range []string{"push", "email", "sms"} {
		for j, priority := range []string{"high", "normal", "low"} {
			p50 := 120 * float64(1+2*j) * (1 + 0.2*float64(i))
			list = append(list, scenarios.EndToEnd{
				Priority: priority, Channel: channel, Count: int64(60_000 * (3 - i)),
				Latency: &scenarios.Latencies{P50: p50, P90: 2 * p50, P95: 2.2 * p50, P99: 2.6 * p50, Max: 4 * p50},
				Stages:  map[string]float64{"queue": 0.12, "batch": 0.2 + 0.2*float64(j), "send": 0.62 - 0.2*float64(j), "settle": 0.06},
			})
		}
	}
	return list
}

// priorities are those of all channels together; the slow ones wait for their
// batch, but for those of high priority.
func priorities() []scenarios.PriorityEndToEnd {
	var list []scenarios.PriorityEndToEnd
	for i, priority := range []string{"high", "normal", "low"} {
		p99 := []float64{262, 441, 1310}[i]
		batch := []float64{0.05, 0.45, 0.75}[i]
		of := func(share float64) *scenarios.Latencies {
			return &scenarios.Latencies{P50: share * p99 / 2, P90: share * p99 * 0.8, P95: share * p99 * 0.9, P99: share * p99, Max: share * p99 * 1.3}
		}
		p := scenarios.PriorityEndToEnd{Priority: priority, Count: 319_500, Latency: of(1), Dominant: "batch"}
		if i == 0 {
			p.Dominant = "send"
		}
		for _, s := range []struct {
			name  string
			share float64
		}{{"queue", 0.04}, {"batch", batch}, {"send", 0.9 - batch}, {"settle", 0.06}} {
			p.Stages = append(p.Stages, scenarios.StageTime{Stage: s.name, Share: s.share, Latency: of(s.share)})
		}
		list = append(list, p)
	}
	return list
}

func checks() []scenarios.Check {
	return []scenarios.Check{
		{Name: "api p99", Subject: "latency.p99", Op: "<", Limit: 500, Measured: Of(612.4), Unit: "ms", During: "spike", Over: 30, At: Of(90.0), Verdict: scenarios.Fail},
		{Name: "errors", Subject: "errors", Op: "<", Limit: 1500, Measured: Of(1250.1), Unit: "ppm", Verdict: scenarios.Pass},
		{Name: "load sent", Subject: "achieved", Op: ">=", Limit: 99, Measured: Of(98.996), Unit: "%", Verdict: scenarios.Inconclusive, Why: "only 98.9 % of the load was sent"},
		{Name: "lost", Subject: "lost", Op: "=", Limit: 0, Measured: Of(0.0), Verdict: scenarios.Pass},
		{Name: "duplicates", Subject: "duplicates", Op: "=", Limit: 0, Measured: Of(0.0), Verdict: scenarios.Pass},
		{Name: "heap", Subject: "slope.heap", Op: "<", Limit: 5, Measured: Of(0.31), Unit: "%", During: "spike", Low: Of(-0.42), High: Of(1.04), Verdict: scenarios.Pass},
		{Name: "workers up", Subject: "scaling.time", Op: "<", Limit: 30, Measured: Of(21.0), Unit: "s", Verdict: scenarios.Pass},
		{Name: "gateway <scale>-up", Subject: "scaling.asked", Op: ">=", Limit: 1, Verdict: scenarios.NotObserved, Why: "nothing asked for it\x1b[31m"},
	}
}

func providers() map[string]scenarios.Provider {
	latency := &scenarios.Latencies{P50: 201, P90: 210, P95: 215, P99: 240, Max: 260}
	return map[string]scenarios.Provider{
		"fcm":      {Channel: "push", Calls: 1150, Entries: 575_000, Sent: 574_990, Permanent: 10, Latency: latency},
		"sendgrid": {Channel: "email", Calls: 320, Entries: 250_000, Sent: 247_000, Transient: 2996, Ambiguous: 4, Latency: latency},
		"ses":      {Channel: "email", Calls: 80, Entries: 40_000, Sent: 40_000, Latency: latency},
		"twilio":   {Channel: "sms", Calls: 960, Entries: 96_000, Sent: 96_000},
	}
}

func marks() []scenarios.Mark {
	return []scenarios.Mark{
		{At: 0, Until: Of(spikeAt), Kind: scenarios.StageMark, Text: "before"},
		{At: spikeAt, Until: Of(spikeEnds), Kind: scenarios.StageMark, Text: "spike"},
		{At: 31, Kind: scenarios.ScalingMark, Text: "push wants 20 workers, has 6"},
		{At: 33, Kind: scenarios.ScalingMark, Text: "email wants 12 workers, has 4"},
		{At: fullCrew, Kind: scenarios.ScalingMark, Text: "push has 20 workers"},
		{At: faultAt, Until: Of(faultEnds), Kind: scenarios.FaultMark, Text: "sendgrid: outage"},
		{At: 62, Kind: scenarios.BreakerMark, Text: "sendgrid's breaker opened"},
		{At: 91, Kind: scenarios.BreakerMark, Text: "sendgrid's breaker closed"},
		{At: 97, Kind: scenarios.SystemMark, Text: "the system does not answer"},
		{At: 100, Kind: scenarios.SystemMark, Text: "the system answers again"},
		{At: spikeEnds, Until: Of(loadEnds), Kind: scenarios.StageMark, Text: "after"},
		{At: loadEnds, Until: Of(drained), Kind: scenarios.StageMark, Text: "drain"},
	}
}

// timeline makes a point a second. For three of them the system did not answer.
func timeline() *scenarios.Timeline {
	t := &scenarios.Timeline{Every: 1}
	queue := 0.0
	for at := 1.0; at <= drained; at++ {
		spiking := at > spikeAt && at <= spikeEnds
		rate := 1000.0
		switch {
		case spiking:
			rate = 10_000
		case at > loadEnds:
			rate = 0
		}
		wobble := 1 + 0.06*math.Sin(at*1.7) + 0.04*math.Sin(at*0.31)
		capacity := 6000.0
		if at > fullCrew {
			capacity = 11_500
		}
		queue = math.Max(0, queue+rate-capacity)
		p := scenarios.Point{At: at, Offered: rate, Sent: rate, Accepted: rate}
		if rate > 0 {
			p99 := 6 * wobble
			if spiking && at < 75 {
				from := (at - 45) / 9 // of the worst moment
				p99 = (40 + 900*math.Exp(-from*from)) * wobble
			}
			p.Latency = &scenarios.Latencies{P50: 1.9 * wobble, P90: 3.4 * wobble, P95: 4 * wobble, P99: p99, Max: 2.1 * p99}
			p.ServiceP99 = Of(5.8 * wobble)
			p.Machine = Of(0.2 + rate/50_000)
		}
		if spiking && at > 44 && at <= 46 {
			p.Accepted, p.Refused = rate-500, 500
		}
		if at < 97 || at > 99 {
			p.System = systemAt(at, rate, queue, wobble)
		}
		t.Points = append(t.Points, p)
	}
	return t
}

func systemAt(at, rate, queue, wobble float64) *scenarios.SystemPoint {
	desired, running := int64(6), int64(6)
	if at >= 31 && at < 140 {
		desired = 20
	}
	if at >= fullCrew && at < 141 {
		running = 20
	}
	breaker := "closed"
	if at > 62 && at < 91 {
		breaker = "open"
	}
	return &scenarios.SystemPoint{
		Delivered: rate * 0.98, Queue: int64(queue), OldestMS: int64(queue / 10),
		EndToEndP99: map[string]float64{"high": 262 * wobble, "normal": 441 * wobble, "low": 1310 * wobble},
		Pools: map[string]scenarios.PoolPoint{
			"push": {Desired: desired, Running: running}, "email": {Desired: desired/2 + 2, Running: running/2 + 2}, "sms": {Desired: 2, Running: 2},
		},
		Breakers:  map[string]string{"sendgrid": breaker, "fcm": "closed"},
		HitRatios: map[string]float64{"preferences.l1": 0.4},
		HeapBytes: int64(80_000_000 * wobble), RSSBytes: Of(int64(182_000_000)), Goroutines: 212, CPU: 0.1 + rate/20_000, Connections: 34,
	}
}
