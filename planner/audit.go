package planner

import (
	"slices"

	"github.com/notifyctl/notifyctl/planner/units"
)

// Severity says how bad a finding is.
type Severity uint8

// The severities, the worst first. An error is a plan that cannot work as it
// stands, a warning one that will surprise, info is worth knowing.
const (
	Error Severity = iota + 1
	Warning
	Info
)

// String gives the word that results use.
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Info:
		return "info"
	}
	panic("BUG: planner: unknown severity")
}

// MarshalText writes what [Severity.String] gives.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Finding is a contradiction in a plan: what it states, what follows from it,
// and what would mend it.
type Finding struct {
	Rule      string // the name of the rule that was broken
	Severity  Severity
	Component string
	Claim     string   // the id of the claim it is about, "" for none
	Stated    *float64 // what the plan says, nil where there is no one number
	Derived   *float64 // what follows, nil where there is no one number
	Unit      units.Unit
	Message   string // one sentence, with the numbers
	Remedy    string // one sentence
}

// An auditRule finds one kind of contradiction. It sees facts alone, so the
// same mistake is found in every plan.
type auditRule struct {
	name      string // lower case words with hyphens
	component string
	severity  Severity
	examine   func(f *facts) []Finding // name, component and severity may be left out of what it returns
}

// facts are what a rule may know of a plan: its words, its claims, and the
// values of its keys and figures.
type facts struct {
	*valuation
	plan     *Plan
	ceilings []Ceiling  // of the plan, the tightest first
	stated   []CostStep // what it states that its infrastructure costs
}

// auditRules lists every rule, in the order reports show them.
func auditRules() []auditRule {
	return slices.Concat(
		workloadRules(), gatewayRules(), serviceRules(), kafkaRules(),
		workerRules(), providerRules(),
		postgresRules(), cassandraRules(), redisRules(), preferenceRules(),
		serviceLevelRules(), growthRules(), costRules(),
	)
}

// audit lets every rule examine a plan, the worst findings first.
func audit(f *facts) []Finding {
	findings := []Finding{}
	for _, r := range auditRules() {
		for _, found := range r.examine(f) {
			found.Rule, found.Component = r.name, r.component
			if found.Severity == 0 {
				found.Severity = r.severity
			}
			findings = append(findings, found)
		}
	}
	findings = append(findings, f.contradictedClaims(findings)...)
	slices.SortStableFunc(findings, func(a, b Finding) int { return int(a.Severity) - int(b.Severity) })
	return findings
}

// claimTolerance is how far a claim may be off its figure: design documents
// round to a digit or two.
const claimTolerance = 0.1

// agree reports whether a stated value may be the one that follows, wherever
// in their ranges the two lie.
func agree(stated, is units.Range) bool {
	return stated.High >= is.Low*(1-claimTolerance) && stated.Low <= is.High*(1+claimTolerance)
}

// contradictedClaims finds the claims that are not what follows from the plan,
// but for those that a rule has explained already.
func (f *facts) contradictedClaims(explained []Finding) []Finding {
	var findings []Finding
	for _, c := range f.plan.Claims {
		at, derived := f.slots[figure(c.ID)]
		if !derived || slices.ContainsFunc(explained, func(x Finding) bool { return x.Claim == c.ID }) {
			continue
		}
		is := units.Range{Low: f.low[at], High: f.high[at]}
		if agree(c.Value, is) {
			continue
		}
		safe := f.model.figures[at-f.model.keys].Safe
		stated, value := safe.Of(c.Value), safe.Of(is)
		findings = append(findings, Finding{
			Rule: "claim", Severity: Warning, Component: component(c.ID), Claim: c.ID,
			Stated: &stated, Derived: &value, Unit: c.Unit,
			Message: c.ID + " is stated as " + units.Humanize(c.Unit, c.Value) + ", and follows as " + units.Humanize(c.Unit, is),
			Remedy:  "correct the claim, or the keys it follows from: notifyctl estimate --explain " + c.ID,
		})
	}
	return findings
}
