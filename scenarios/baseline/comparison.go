package baseline

import (
	"fmt"
	"math"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios"
)

// Outcome is what came of a comparison.
type Outcome string

// The outcomes.
const (
	// NoBaseline: there was nothing to compare with.
	NoBaseline Outcome = "no_baseline"
	// Refused: the runs are not of the same, so that a difference says nothing.
	Refused Outcome = "refused"
	// Unchanged: nothing moved beyond the noise and the tolerance.
	Unchanged Outcome = "unchanged"
	// Improved: something did, and nothing to the worse.
	Improved Outcome = "improved"
	// Regressed: something did, to the worse.
	Regressed Outcome = "regressed"
)

// Verdict is what came of one metric.
type Verdict string

// The verdicts.
const (
	Same   Verdict = "same"   // within the tolerance
	Noise  Verdict = "noise"  // beyond it, but not surely
	Better Verdict = "better" // surely beyond it
	Worse  Verdict = "worse"
)

// DefaultTolerance is how much a metric may get worse by, as a share of what it
// was.
const DefaultTolerance = 0.1

// Comparison is how runs differ from earlier ones.
type Comparison struct {
	Outcome   Outcome
	Why       string // of what was refused, and of no baseline
	Before    int    // runs
	After     int
	Tolerance float64
	Changes   []Change
}

// Change is how one metric moved. Of several runs a value is their mean, the
// geometric one where changes are relative.
type Change struct {
	Metric        string
	Unit          string // as checks have it
	Before, After float64
	// Absolute says that By, Low and High are in the metric's unit; else they are
	// shares of what it was.
	Absolute bool
	By       float64
	// Low and High are the 95 % interval of By; nil where nothing says how much
	// the metric varies by itself.
	Low, High *float64
	Verdict   Verdict
}

// Missing is the comparison of runs for which there is no baseline.
func Missing(why string) *Comparison { return &Comparison{Outcome: NoBaseline, Why: why} }

// Compare compares runs with earlier ones of the same. Without any of one of the
// sides there is nothing to compare.
func Compare(before, after []*scenarios.Result, tolerance float64) *Comparison {
	c := &Comparison{Before: len(before), After: len(after), Tolerance: tolerance}
	if len(before) == 0 || len(after) == 0 {
		return Missing("no earlier run was given")
	}
	if why := mismatch(before, after); len(why) > 0 {
		c.Outcome, c.Why = Refused, strings.Join(why, "; ")
		return c
	}
	c.Outcome = Unchanged
	for _, m := range metrics() {
		change, ok := m.compare(before, after, tolerance)
		if !ok {
			continue
		}
		c.Changes = append(c.Changes, change)
		switch {
		case change.Verdict == Worse:
			c.Outcome = Regressed
		case change.Verdict == Better && c.Outcome == Unchanged:
			c.Outcome = Improved
		}
	}
	return c
}

// Moved counts the changes with a verdict.
func (c *Comparison) Moved(v Verdict) int {
	n := 0
	for _, change := range c.Changes {
		if change.Verdict == v {
			n++
		}
	}
	return n
}

// mismatch says in what the runs are not of the same: all must be as the first
// one is.
func mismatch(before, after []*scenarios.Result) []string {
	first := before[0]
	for _, r := range append(append([]*scenarios.Result{}, before[1:]...), after...) {
		if why := differences(first, r); len(why) > 0 {
			return why
		}
	}
	return nil
}

// differences says in what two runs are not of the same.
func differences(a, b *scenarios.Result) []string {
	var why []string
	differ := func(what string, was, is any) {
		if was != is {
			why = append(why, fmt.Sprintf("%s is %v, and was %v", what, is, was))
		}
	}
	differ("the scenario", a.Scenario, b.Scenario)
	differ("the plan", a.Plan.Name+" "+a.Plan.Hash, b.Plan.Name+" "+b.Plan.Hash)
	differ("the rate scale", a.RateScale, b.RateScale)
	differ("the time scale", a.TimeScale, b.TimeScale)
	differ("the shard", shardOf(a), shardOf(b))
	differ("the batch", a.Generator.Batch, b.Generator.Batch)
	differ("the number of users", a.Generator.Users, b.Generator.Users)
	differ("the idempotency keys' place", a.Generator.Keys, b.Generator.Keys)
	if len(why) == 0 && !sameLoad(a.Stages, b.Stages) {
		why = append(why, "the load is another: a stage's length or rate differs, or one of the runs was ended early")
	}
	return append(why, machineDifferences(&a.Environment, &b.Environment)...)
}

func shardOf(r *scenarios.Result) string {
	if r.Shard == nil {
		return "the whole"
	}
	return fmt.Sprintf("%d of %d", r.Shard.Index, r.Shard.Of)
}

// sameLoad says whether stages have the same names, lengths and rates, but for
// what an ending takes.
func sameLoad(a, b []scenarios.StageResult) bool {
	const slack = 0.01
	near := func(x, y float64) bool { return math.Abs(x-y) <= slack*max(math.Abs(x), math.Abs(y)) }
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || !near(a[i].To-a[i].From, b[i].To-b[i].From) || !near(float64(a[i].Offered), float64(b[i].Offered)) {
			return false
		}
		if a[i].Unsent > 0 || b[i].Unsent > 0 {
			return false
		}
	}
	return true
}

// machineDifferences says in what two machines are not of one class, and the
// systems on them not of one kind.
func machineDifferences(a, b *scenarios.Environment) []string {
	var why []string
	differ := func(what string, was, is any) {
		if was != is {
			why = append(why, fmt.Sprintf("%s is %v, and was %v", what, is, was))
		}
	}
	differ("the machine's number of CPUs", a.CPUs, b.CPUs)
	differ("the machine's CPU", a.CPU, b.CPU)
	differ("the platform", a.OS+"/"+a.Arch, b.OS+"/"+b.Arch)
	if a.Memory != nil && b.Memory != nil && !sameMemory(*a.Memory, *b.Memory) {
		why = append(why, fmt.Sprintf("the machine's memory is %.3g GB, and was %.3g GB", float64(*b.Memory)/1e9, float64(*a.Memory)/1e9))
	}
	if a.Embedded != b.Embedded {
		why = append(why, "one of the systems ran in the generator's process, and the other did not")
	}
	differ("what the system stands on", engines(a), engines(b))
	return why
}

// sameMemory says whether two machines have about as much memory: what a system
// tells of it differs by what its kernel keeps for itself.
func sameMemory(a, b uint64) bool {
	const slack = 0.1
	return math.Abs(float64(a)-float64(b)) <= slack*max(float64(a), float64(b))
}
