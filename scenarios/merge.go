package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Merge puts the results of all shards of one run together, and judges its checks
// by that. Counts add up, and so do accounts, since every shard's is about its own
// notifications; latencies are read off the shards' histograms together. What the
// system says of itself it said to all of them, and one of them tells it.
func Merge(results []*Result) (*Result, error) {
	if err := checkShards(results); err != nil {
		return nil, err
	}
	shards := slices.SortedFunc(slices.Values(results), func(a, b *Result) int { return cmp.Compare(a.Shard.Index, b.Shard.Index) })
	m := *witnessOf(shards)
	report, err := m.mergeLoad(shards)
	if err != nil {
		return nil, err
	}
	m.Ledger = mergeAccounts(shards)
	m.mergeResources(shards)
	m.Timeline, m.Marks = mergeTimelines(shards, m.Timeline), mergeMarks(shards, m.Marks)
	m.measureAgain()
	m.Command, m.Shard, m.Merged = nil, nil, len(shards)
	if m.Checks, err = rejudge(shards, report, m.Ledger); err != nil {
		return nil, err
	}
	m.Verdict = overall(m.Checks)
	for _, s := range shards {
		m.Started = earlier(m.Started, s.Started)
		if s.Verdict == Interrupted {
			m.Verdict = Interrupted
		}
	}
	return &m, nil
}

// witnessOf gives the first shard that the system told of itself, or the first.
func witnessOf(shards []*Result) *Result {
	for _, s := range shards {
		if s.Queue != nil {
			return s
		}
	}
	return shards[0]
}

// checkShards refuses results that are not of all the shards of one run.
func checkShards(results []*Result) error {
	if len(results) == 0 {
		return errors.New("no results; accepted are those of all shards of one run")
	}
	first := results[0]
	for n, r := range results {
		if r.Shard == nil {
			return fmt.Errorf("result %d is of a run that was not divided; accepted are those of loadtest --shard I/N", n+1)
		}
		if difference := otherRun(first, r); difference != "" {
			return fmt.Errorf("result %d is of another run than the first: %s", n+1, difference)
		}
		if r.Histograms == nil || len(r.Histograms.Stages) != len(r.Stages) {
			return fmt.Errorf("result %d has no histograms of its stages; it was not written by loadtest as it is", n+1)
		}
	}
	return checkComplete(results, first.Shard.Of)
}

// checkComplete refuses shards that are missing or there twice.
func checkComplete(results []*Result, of int) error {
	seen := map[int]int{}
	for n, r := range results {
		index := r.Shard.Index
		switch before := seen[index]; {
		case index < 1 || index > of:
			return fmt.Errorf("result %d is of shard %d of %d", n+1, index, of)
		case before > 0:
			return fmt.Errorf("results %d and %d are both of shard %d of %d", before, n+1, index, of)
		}
		seen[index] = n + 1
	}
	for index := 1; index <= of && index <= load.MaxShards; index++ {
		if seen[index] == 0 {
			return fmt.Errorf("the result of shard %d of %d is missing; only all together are the run", index, of)
		}
	}
	return nil
}

// otherRun says in what two results are not of one run, or is empty.
func otherRun(a, b *Result) string {
	differ := func(what string, one, other any) string {
		return fmt.Sprintf("its %s is %v, not %v", what, other, one)
	}
	switch {
	case a.Scenario != b.Scenario:
		return differ("scenario", a.Scenario, b.Scenario)
	case a.RateScale != b.RateScale:
		return differ("rate scale", a.RateScale, b.RateScale)
	case a.TimeScale != b.TimeScale:
		return differ("time scale", a.TimeScale, b.TimeScale)
	case a.Plan.Hash != b.Plan.Hash:
		return differ("plan's hash", a.Plan.Hash, b.Plan.Hash)
	case a.Generator.Seed != b.Generator.Seed:
		return differ("seed", a.Generator.Seed, b.Generator.Seed)
	case a.Generator.Batch != b.Generator.Batch:
		return differ("batch", a.Generator.Batch, b.Generator.Batch)
	case a.Shard.Of != b.Shard.Of:
		return differ("number of shards", a.Shard.Of, b.Shard.Of)
	case a.Generator.Run != b.Generator.Run:
		// Which is of all the above, and of the time of the start.
		return differ("run", a.Generator.Run, b.Generator.Run)
	}
	return ""
}
