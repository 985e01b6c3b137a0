package scenarios

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/scenarios/load"
)

// mergeLoad puts the clients' side of the shards together, and also gives it as
// the report that one generator would have given.
func (r *Result) mergeLoad(shards []*Result) (*load.Report, error) {
	report := &load.Report{}
	var full []load.Distributions
	for _, s := range shards {
		g := &s.Generator
		report.Late += g.Late
		report.LateHeld += g.LateHeld
		report.DroppedHeld += g.DroppedHeld
		report.Connections += g.Connections
		report.Elapsed = max(report.Elapsed, duration(g.Seconds))
		for i := range s.Stages {
			if i == len(report.Stages) {
				report.Stages = append(report.Stages, load.StageReport{Name: s.Stages[i].Name, From: duration(s.Stages[i].From)})
				full = append(full, load.NewDistributions())
			}
			if err := addStage(&report.Stages[i], full[i], s, i); err != nil {
				return nil, fmt.Errorf("shard %d of %d: %w", s.Shard.Index, s.Shard.Of, err)
			}
		}
	}
	whole := load.NewDistributions()
	for i := range report.Stages {
		stage := &report.Stages[i]
		stage.Response, stage.Service = full[i].Summary()
		whole.Merge(full[i])
		report.Total = plus(report.Total, stage.Counts)
	}
	report.Response, report.Service = whole.Summary()
	r.compileLoad(report, r.Generator.Batch)
	r.Histograms = histogramsOf(report, full)
	r.Generator.Answers, r.Generator.Firsts = mergeAnswers(shards)
	return report, nil
}

// addStage adds a shard's stage to the sum.
func addStage(sum *load.StageReport, full load.Distributions, s *Result, i int) error {
	stage, h := &s.Stages[i], &s.Histograms.Stages[i]
	if stage.Name != sum.Name || h.Name != sum.Name {
		return fmt.Errorf("stage %d is %q, with the histograms of %q, and not %q as with other shards", i+1, stage.Name, h.Name, sum.Name)
	}
	sum.To = max(sum.To, duration(stage.To))
	sum.Counts = plus(sum.Counts, requestsOf(stage.Requests))
	if h.Latency.Histogram == nil || h.Service.Histogram == nil || !full.Merge(load.Distributions{Response: h.Latency.Histogram, Service: h.Service.Histogram}) {
		return fmt.Errorf("stage %q has histograms of another range than loadtest writes", sum.Name)
	}
	return nil
}

// requestsOf reads counts of requests. Which kinds of errors there were is not
// known of a stage, and makes no difference to any check.
func requestsOf(c Counts) load.Counts {
	counts := load.Counts{Offered: c.Offered, Sent: c.Sent, Dropped: c.Dropped, Unsent: c.Unsent}
	counts.Kinds[load.Accepted], counts.Kinds[load.Refused], counts.Kinds[load.ServerError] = c.Accepted, c.Refused, c.Errors
	return counts
}

func plus(a, b load.Counts) load.Counts {
	a.Offered += b.Offered
	a.Sent += b.Sent
	a.Dropped += b.Dropped
	a.Unsent += b.Unsent
	for kind, n := range b.Kinds {
		a.Kinds[kind] += n
	}
	return a
}

// duration reads a number of seconds, to the nanosecond, as results have them.
func duration(seconds float64) time.Duration {
	return time.Duration(math.Round(seconds * float64(time.Second)))
}

// mergeAnswers counts the answers by kind, and of each kind that did not accept
// gives the first.
func mergeAnswers(shards []*Result) (counts map[string]uint64, firsts []Answer) {
	counts, firsts = map[string]uint64{}, []Answer{}
	for _, s := range shards {
		for kind, n := range s.Generator.Answers {
			counts[kind] += n
		}
		for _, a := range s.Generator.Firsts {
			at := slices.IndexFunc(firsts, func(f Answer) bool { return f.Kind == a.Kind })
			switch {
			case at < 0:
				firsts = append(firsts, a)
			case a.At < firsts[at].At:
				firsts[at] = a
			}
		}
	}
	slices.SortStableFunc(firsts, func(a, b Answer) int { return cmp.Compare(a.At, b.At) })
	return counts, firsts
}

// mergeResources adds up what the shards' own processes used. Machines are not
// added up: what counts is the one that was the busiest.
func (r *Result) mergeResources(shards []*Result) {
	r.Resources.ProcessCPUSeconds, r.Resources.CPUPerNotification, r.Resources.MachineBusy = 0, nil, nil
	for _, s := range shards {
		r.Resources.ProcessCPUSeconds += s.Resources.ProcessCPUSeconds
		r.Resources.MachineBusy = most(r.Resources.MachineBusy, s.Resources.MachineBusy)
		r.Resources.MocksBusy = most(r.Resources.MocksBusy, s.Resources.MocksBusy)
	}
	if r.Ledger.Accepted > 0 {
		each := r.Resources.ProcessCPUSeconds * 1e6 / float64(r.Ledger.Accepted)
		r.Resources.CPUPerNotification = &each
	}
}

// most is the greater of two numbers, either of which may not have been seen.
func most[T int64 | float64](a, b *T) *T {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
