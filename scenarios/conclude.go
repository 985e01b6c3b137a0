package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// askTimeout bounds the questions at the end of a run; the bitmaps of a long one
// take a while.
const askTimeout = 30 * time.Second

// conclude asks the last questions, settles the account and judges.
func (r *Run) conclude(ctx context.Context, b Bench, started time.Time) (*Result, error) {
	now, err := load.ReadCPU()
	if err != nil {
		return nil, err
	}
	hash, err := r.options.Plan.Hash()
	if err != nil {
		return nil, err
	}
	o := &r.options
	result := &Result{
		Schema: Schema, Scenario: r.Scenario(), Profile: o.Profile,
		RateScale: o.Scale.Rate, TimeScale: o.Scale.Time,
		Plan:        PlanName{Name: o.Plan.Name, Hash: hash},
		Environment: here(o.Version),
		Started:     started.UTC(),
		Generator:   Generator{Run: r.name, Seed: o.Seed, Batch: o.Batch, Users: o.Users, Keys: o.Keys, Addresses: o.Addresses},
	}
	result.Environment.Target, result.Environment.Embedded = r.targetName(b), b.Embedded
	result.Shard = o.Part.Shard
	evidence := r.evidence(now)
	evidence.over = true
	books := r.books(ctx, b, evidence.observed)
	evidence.account = books.settle()
	result.Ledger = evidence.account
	result.compileLoad(evidence.load, o.Batch)
	result.Histograms = histogramsOf(evidence.load, r.generator.Distributions())
	if evidence.observed != nil {
		result.compileSystem(evidence.observed)
	}
	result.compileCourse(r.course)
	result.Cost = cost(result.Providers, o.Prices)
	result.compileCPU(evidence.cpu)
	result.Limits = limitsOf(o.Plan, o.Scale, result, evidence)
	result.Checks = r.judge(evidence)
	result.Verdict = overall(result.Checks)
	r.mu.Lock()
	r.final = evidence
	r.mu.Unlock()
	return result, nil
}

// evidence gathers what is known so far but for the account.
func (r *Run) evidence(now load.CPU) *evidence {
	r.mu.Lock()
	generator, watched, cpu := r.generator, r.observer, r.cpu
	r.mu.Unlock()
	e := &evidence{
		load: generator.Report(), batch: r.options.Batch, cpu: now.Since(cpu),
		course: r.course, marks: &r.marks,
	}
	e.machine, e.mock = machineOf(e.cpu), r.course.mocksBusy()
	if watched != nil {
		e.observed = watched.observation()
	}
	return e
}

// books asks everybody for their side of the account.
func (r *Run) books(ctx context.Context, b Bench, o *observation) *books {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	k := &books{accepted: r.generator.Accepted()}
	if o != nil {
		k.before, k.after = &o.first.Account, &o.last.Account
	}
	k.outcomes, k.noOutcomes = outcomesOf(ctx, b.System, o != nil, r.name)
	k.ledger, k.noLedger = ledgerOf(ctx, b.Ledger, r.name)
	if r.options.Part.Shard != nil {
		k.restrict(sequencesOf(r.schedule, r.options.Batch))
	}
	return k
}

func outcomesOf(ctx context.Context, system System, watched bool, run string) (map[string]*roaring.Bitmap, string) {
	if system == nil || !watched {
		return nil, noStatus
	}
	answer, err := system.RunOutcomes(ctx, run)
	var problem *api.Problem
	switch {
	case errors.As(err, &problem) && problem.Status == 404:
		return map[string]*roaring.Bitmap{}, "" // a system that was sent nothing knows no run
	case err != nil:
		return nil, fmt.Sprintf("the target does not tell the run's outcomes: %v", err)
	}
	return answer.Outcomes, ""
}
