package queueing_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/queueing"
)

// With one server the waits have closed forms: P(W > 0) = ρ, E(W) = ρs/(1-ρ).
func TestQueueOfOneServer(t *testing.T) {
	q, err := queueing.NewQueue(1, 8, .1)
	if err != nil {
		t.Fatal(err)
	}
	beyond, err := q.WaitsBeyond(.5)
	if err != nil {
		t.Fatal(err)
	}
	p99, err := q.WaitPercentile(.99)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"utilisation", q.Utilisation(), .8},
		{"P(W > 0)", q.Waits(), .8},
		{"mean wait", q.MeanWait(), .4},
		{"P(W > .5)", beyond, .8 * math.Exp(-1)},
		{"p99", p99, math.Log(80) / 2},
	} {
		if !near(tt.got, tt.want, 1e-12) {
			t.Errorf("%s is %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if p10, err := q.WaitPercentile(.1); err != nil || p10 != 0 {
		t.Errorf("p10 is %v (%v), want 0: a fifth does not wait", p10, err)
	}
}

func TestQueueRefuses(t *testing.T) {
	for _, tt := range []struct {
		servers       int
		rate, service float64
		unstable      bool
	}{
		{servers: 10, rate: 100, service: .1, unstable: true},
		{servers: 10, rate: 1e18, service: 1e12, unstable: true},
		{servers: 0, rate: 1, service: .1},
		{servers: -1, rate: 1, service: .1},
		{servers: 1, rate: -1, service: .1},
		{servers: 1, rate: math.NaN(), service: .1},
		{servers: 1, rate: math.Inf(1), service: .1},
		{servers: 1, rate: 1, service: 0},
		{servers: 1, rate: 1, service: math.NaN()},
	} {
		_, err := queueing.NewQueue(tt.servers, tt.rate, tt.service)
		if err == nil || errors.Is(err, queueing.ErrUnstable) != tt.unstable {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestQueueProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		servers := rapid.IntRange(1, 5000).Draw(t, "servers")
		service := rapid.Float64Range(1e-6, 1e3).Draw(t, "service")
		rate := float64(servers) / service * rapid.Float64Range(0, .9999).Draw(t, "utilisation")
		share := rapid.Float64Range(.01, .9999).Draw(t, "share")
		q, err := queueing.NewQueue(servers, rate, service)
		check(t, err)
		wait, err := q.WaitPercentile(share)
		check(t, err)
		beyond, err := q.WaitsBeyond(wait)
		check(t, err)
		switch {
		case !(q.MeanWait() >= 0) || math.IsInf(q.MeanWait(), 0) || !(wait >= 0) || math.IsInf(wait, 0):
			t.Fatalf("mean wait %v, percentile %v", q.MeanWait(), wait)
		case wait > 0 && !near(beyond, 1-share, 1e-9):
			t.Fatalf("%v wait beyond the percentile of %v", beyond, share)
		case wait == 0 && q.Waits() > 1-share:
			t.Fatalf("%v wait, and the percentile of %v is 0", q.Waits(), share)
		}
		longer, err := q.WaitPercentile(share + (1-share)/2)
		check(t, err)
		if longer < wait {
			t.Fatalf("a higher percentile is lower: %v, then %v", wait, longer)
		}
	})
}

// A queue that is played out, request by request: the next one is served by
// the server that is free first.
func TestQueueAgainstSimulation(t *testing.T) {
	const servers, rate, service, requests = 5, 4.0, 1.0, 400_000
	random := rand.New(rand.NewPCG(1, 2))
	var free [servers]float64
	var now, total, waited, beyond float64
	for range requests {
		now += random.ExpFloat64() / rate
		first := 0
		for i, at := range free {
			if at < free[first] {
				first = i
			}
		}
		wait := max(free[first]-now, 0)
		free[first] = now + wait + random.ExpFloat64()*service
		total += wait
		if wait > 0 {
			waited++
		}
		if wait > 2 {
			beyond++
		}
	}
	q, err := queueing.NewQueue(servers, rate, service)
	if err != nil {
		t.Fatal(err)
	}
	tail, err := q.WaitsBeyond(2)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"P(W > 0)", q.Waits(), waited / requests},
		{"mean wait", q.MeanWait(), total / requests},
		{"P(W > 2)", tail, beyond / requests},
	} {
		if !near(tt.got, tt.want, .03) {
			t.Errorf("%s is %v, simulated %v", tt.name, tt.got, tt.want)
		}
	}
}
