package scenarios

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// compileEndToEnd puts how long what was delivered took into a result, by queue.
func (r *Result) compileEndToEnd(o *observation) {
	r.EndToEnd = []EndToEnd{}
	for _, now := range o.last.EndToEnd {
		then := o.before(now)
		total := now.Total.Sub(then.Total)
		if total.Count() == 0 {
			continue
		}
		r.EndToEnd = append(r.EndToEnd, EndToEnd{
			Priority: now.Priority, Channel: now.Channel,
			Count: total.Count(), Latency: latenciesOf(total),
			Stages: stageShares(now.Stages, then.Stages), Histogram: total,
		})
	}
}

// stageShares divides the mean time over the stages.
func stageShares(now, then api.Stages) map[string]float64 {
	shares := map[string]float64{}
	for _, s := range stageTimes(stagesSince(now, then)) {
		shares[s.Stage] = s.Share
	}
	if len(shares) == 0 {
		return nil
	}
	return shares
}

// compilePriorities puts the same into a result, by priority.
func (r *Result) compilePriorities(o *observation) {
	r.Priorities = []PriorityEndToEnd{}
	for _, priority := range pipeline.Priorities() {
		var total api.Histogram
		var stages api.Stages
		for _, now := range o.last.EndToEnd {
			if now.Priority != priority.String() {
				continue
			}
			then := o.before(now)
			total = total.Merge(now.Total.Sub(then.Total))
			since := stagesSince(now.Stages, then.Stages)
			stages = api.Stages{
				Queue: stages.Queue.Merge(since.Queue), Batch: stages.Batch.Merge(since.Batch),
				Send: stages.Send.Merge(since.Send), Settle: stages.Settle.Merge(since.Settle),
			}
		}
		if total.Count() == 0 {
			continue
		}
		p := PriorityEndToEnd{Priority: priority.String(), Count: total.Count(), Latency: latenciesOf(total), Stages: stageTimes(stages)}
		longest := 0.0
		for _, s := range p.Stages {
			if s.Latency.P99 > longest {
				longest, p.Dominant = s.Latency.P99, s.Stage
			}
		}
		r.Priorities = append(r.Priorities, p)
	}
}

// stagesSince gives the times that came since an earlier answer.
func stagesSince(now, then api.Stages) api.Stages {
	return api.Stages{
		Queue: now.Queue.Sub(then.Queue), Batch: now.Batch.Sub(then.Batch),
		Send: now.Send.Sub(then.Send), Settle: now.Settle.Sub(then.Settle),
	}
}

// stageTimes gives the stages in their order, with each one's share of the mean
// time; none when no time was spent.
func stageTimes(s api.Stages) []StageTime {
	times := []StageTime{}
	var sum time.Duration
	for _, stage := range []struct {
		name string
		took api.Histogram
	}{{"queue", s.Queue}, {"batch", s.Batch}, {"send", s.Send}, {"settle", s.Settle}} {
		if stage.took.Count() == 0 {
			stage.took = api.Histogram{{0, 1}}
		}
		sum += stage.took.Mean()
		times = append(times, StageTime{Stage: stage.name, Share: float64(stage.took.Mean()), Latency: latenciesOf(stage.took)})
	}
	if sum == 0 {
		return []StageTime{}
	}
	for i := range times {
		times[i].Share /= float64(sum)
	}
	return times
}
