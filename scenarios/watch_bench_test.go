package scenarios

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// fullHistogram is one with as many buckets as a busy queue has.
func fullHistogram(n int64) api.Histogram {
	h := make(api.Histogram, 250)
	for i := range h {
		h[i] = api.Bucket{int64(i+1) * 1000, n * int64(1+i%7)}
	}
	return h
}

// fullStatus is what a system with nine busy queues says after so many seconds.
func fullStatus(n int64) *api.Status {
	s := &api.Status{Now: time.Unix(n, 0), Account: api.Account{Accepted: n * 12_000, Delivered: n * 12_000}}
	for _, channel := range pipeline.Channels() {
		s.Workers = append(s.Workers, api.Workers{Channel: channel.String(), Running: 100, Busy: 70, Entries: n * 4000})
		s.Scaling.Groups = append(s.Scaling.Groups, api.ScaledGroup{Kind: "workers", Name: channel.String(), Max: 1000, Desired: 100, Running: 100})
		for _, priority := range pipeline.Priorities() {
			s.Queues = append(s.Queues, api.Queue{Channel: channel.String(), Priority: priority.String(), Waiting: 100})
			h := fullHistogram(n)
			s.EndToEnd = append(s.EndToEnd, api.EndToEnd{
				Channel: channel.String(), Priority: priority.String(), Total: h,
				Stages: api.Stages{Queue: h, Batch: h, Send: h, Settle: h},
			})
		}
	}
	s.Scaling.Policy, s.Scaling.EveryMS = "arrivals", 15_000
	for _, p := range catalog.Providers() {
		s.Providers = append(s.Providers, api.Provider{Name: p.Name, Channel: p.Channel, Breaker: "closed", Latency: fullHistogram(n)})
	}
	s.API.Latency = fullHistogram(n)
	return s
}

// watchedCourse is the course of a day that is checked by windows.
func watchedCourse(b *testing.B) *course {
	b.Helper()
	var checks []Expectation
	for i, metric := range []string{"latency.p99", "errors", "end_to_end.high.p99", "queue.lag", "cpu"} {
		checks = append(checks, Expectation{Name: fmt.Sprint(i), Metric: metric, Op: "<", Limit: 500, Over: time.Minute})
	}
	list, err := expectedOf(checks, nil, 1)
	if err != nil {
		b.Fatal(err)
	}
	return newCourse([]Stage{{Name: "hold", For: 24 * time.Hour}}, list, scalingTargetsOf(planner.Reference(), nil, 100, 1), 100, 1, &marks{})
}

// BenchmarkSecond is what a second of watching costs: reading the system's answer
// and taking it into the course of the run. At 20 ms it would be 2 % of a core.
func BenchmarkSecond(b *testing.B) {
	c := watchedCourse(b)
	var answers [][]byte
	for n := range int64(10) {
		text, err := json.Marshal(fullStatus(n + 1))
		if err != nil {
			b.Fatal(err)
		}
		answers = append(answers, text)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		var status api.Status
		if err := json.Unmarshal(answers[n%len(answers)], &status); err != nil {
			b.Fatal(err)
		}
		i := ofSecond(n, 120, time.Millisecond)
		i.clients.response, i.clients.service = fullHistogram(1), fullHistogram(1)
		c.add(i, &status)
		n++
	}
}

// BenchmarkTimeline is what a display pays for the course of a long run, ten times
// a second.
func BenchmarkTimeline(b *testing.B) {
	c := watchedCourse(b)
	then := fullStatus(1)
	c.begin(then)
	for n := range mostPoints {
		c.add(ofSecond(n, 120, time.Millisecond), fullStatus(2))
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(c.timeline().Points) != mostPoints {
			b.Fatal("points are missing")
		}
	}
}
