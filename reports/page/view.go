package page

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// view is what the template shows, written out.
type view struct {
	Title     string
	Verdict   verdict
	Why       string
	Run       string // what was run on what
	When      string
	Counts    string
	Checks    []check
	Baseline  *comparison
	Course    *course
	Account   account
	Way       *way
	Facts     []fact // the figures of the whole run
	Providers []provider
	Caches    []cache
	Limits    []limit
	Tested    string
	Cost      string
	Setup     []fact
	Command   string
}

// verdict is a word with a sign, and the class that colours it.
type verdict struct {
	Class, Sign, Word string
}

// check is a row of the checks.
type check struct {
	Verdict  verdict
	Title    string
	Subject  string
	Measured string
	Limit    string
	Notes    string
	Bar      *bar
}

// bar shows how near something came to a limit, which stands at four fifths of
// it.
type bar struct {
	Width float64 // per cent
	Text  string
	Over  bool
}

// limitAt is where the limit stands on a bar.
const limitAt = 80.0

// fact is a thing with its name.
type fact struct{ Name, Text string }

// account is the account as an equation.
type account struct {
	Accepted string
	Terms    []fact
	Doubts   []doubt
	Sum      string // whether it adds up
	Balanced bool
}

// doubt is a number that should be 0.
type doubt struct {
	Name, Text string
	Bad        bool
}

// provider is a row of the providers.
type provider struct {
	Name, Channel, Calls, Entries, Sent, Permanent, Throttled, Transient, Ambiguous, P50, P99 string
}

// cache is a row of the caches.
type cache struct{ Name, Hits, Misses, Ratio, Entries string }

// limit is a row of the plan's limits.
type limit struct {
	Name, Limit, Reached string
	Bar                  *bar
	Near                 bool
}

// viewOf writes a result out.
func viewOf(r *scenarios.Result, c *baseline.Comparison) *view {
	v := &view{
		Title: reports.Clean(r.Scenario), Verdict: verdictOf(r.Verdict), Why: reports.Clean(reports.Why(r)),
		Run:    fmt.Sprintf("%s; %s on %d CPUs", reports.Clean(reports.Scales(r)), reports.Clean(reports.System(&r.Environment)), r.Environment.CPUs),
		When:   fmt.Sprintf("%s, for %s", r.Started.UTC().Format("2 January 2006, 15:04 UTC"), reports.Seconds(r.Generator.Seconds)),
		Counts: reports.CheckCounts(r.Checks), Course: courseOf(r), Account: accountOf(&r.Ledger), Way: wayOf(r),
		Facts: factsOf(r), Cost: reports.CostLine(r.Cost), Setup: setupOf(r), Command: reports.CommandLine(r.Command),
	}
	for _, each := range r.Checks {
		v.Checks = append(v.Checks, checkOf(each))
	}
	if c != nil {
		v.Baseline = comparisonOf(c)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Providers)) {
		v.Providers = append(v.Providers, providerOf(name, r.Providers[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Caches)) {
		each := r.Caches[name]
		ratio := "?"
		if each.HitRatio != nil {
			ratio = reports.Quantity(*each.HitRatio*100, "%")
		}
		v.Caches = append(v.Caches, cache{reports.Clean(name), reports.Count(each.Hits), reports.Count(each.Misses), ratio, reports.Count(each.Entries)})
	}
	for _, each := range r.Limits {
		v.Limits = append(v.Limits, limitOf(each))
	}
	if near, unseen := reports.LimitsTested(r.Limits); len(r.Limits) > 0 {
		v.Tested = fmt.Sprintf("The run came within 90 %% of %d of the plan's %d.", near, len(r.Limits))
		if unseen > 0 {
			v.Tested += fmt.Sprintf(" Of %d nobody saw how near it came.", unseen)
		}
	}
	return v
}

func verdictOf(v scenarios.Verdict) verdict {
	switch v {
	case scenarios.Pass:
		return verdict{"good", "✓", "pass"}
	case scenarios.Fail:
		return verdict{"bad", "✗", "fail"}
	case scenarios.Inconclusive:
		return verdict{"doubtful", "?", "inconclusive"}
	case scenarios.Interrupted:
		return verdict{"doubtful", "?", "interrupted"}
	case scenarios.NotObserved:
	}
	return verdict{"unseen", "–", "not observed"}
}

func checkOf(c scenarios.Check) check {
	row := check{
		Verdict: verdictOf(c.Verdict), Title: reports.Clean(reports.CheckTitle(c)), Subject: reports.Clean(c.Subject),
		Measured: reports.Measured(c), Limit: reports.Expected(c), Notes: reports.Clean(reports.CheckNotes(c)), Bar: barOf(reports.Nearness(c)),
	}
	if c.Verdict == scenarios.NotObserved {
		row.Measured, row.Bar = "not observed", nil
	}
	return row
}

// barOf draws a share of a limit, nil as none.
func barOf(share *float64) *bar {
	if share == nil {
		return nil
	}
	return &bar{
		Width: round(math.Min(*share*limitAt, 100)), Over: *share > 1,
		Text: reports.Percent(*share),
	}
}

func accountOf(l *scenarios.Account) account {
	a := account{Accepted: reports.Count(l.Accepted)}
	sum, unseen := int64(0), ""
	add := func(t reports.Term) {
		if t.N == nil {
			unseen = t.Name
			return
		}
		sum += *t.N
	}
	for _, t := range reports.Ends(l) {
		a.Terms = append(a.Terms, fact{t.Name, reports.Seen(t.N)})
		add(t)
	}
	for _, t := range reports.Doubts(l) {
		switch t.Name {
		case "in flight", "lost":
			a.Terms = append(a.Terms, fact{t.Name, reports.Seen(t.N)})
			add(t)
		default:
			a.Doubts = append(a.Doubts, doubt{t.Name, reports.Seen(t.N), t.N != nil && *t.N > 0})
		}
	}
	if l.Delivered == nil && l.Arrived != nil {
		a.Doubts = append(a.Doubts, doubt{Name: "arrived at the providers", Text: reports.Count(*l.Arrived)})
	}
	a.Doubts = append(a.Doubts, doubt{"unacknowledged", reports.Seen(l.Unacknowledged), l.Unacknowledged != nil && *l.Unacknowledged > 0})
	switch {
	case unseen != "":
		a.Sum = "It cannot be added up: " + unseen + " was not seen."
	case sum == l.Accepted:
		a.Sum, a.Balanced = "It adds up.", true
	default:
		a.Sum = fmt.Sprintf("It is off by %s.", reports.Count(l.Accepted-sum))
	}
	return a
}

// factsOf are the figures of the whole run.
func factsOf(r *scenarios.Result) []fact {
	n, requests := reports.Total(r)
	seconds := max(r.Generator.Seconds, 1e-9)
	facts := []fact{
		{"offered", reports.Rate(float64(n.Offered) / seconds)},
		{"accepted", reports.Rate(float64(n.Accepted) / seconds)},
	}
	if l := r.Generator.Latency; l != nil {
		facts = append(facts, fact{"latency p99", reports.Milliseconds(l.P99)})
	}
	if l := r.Generator.Service; l != nil {
		facts = append(facts, fact{"p99 from the send", reports.Milliseconds(l.P99)})
	}
	facts = append(facts, fact{"dropped, refused, errors", fmt.Sprintf("%s, %s, %s", whole(n.Dropped), whole(n.Refused), whole(n.Errors))})
	if r.Queue != nil {
		facts = append(facts, fact{"deepest queue", reports.Count(r.Queue.Deepest)})
	}
	if cpu := r.Resources.CPUPerNotification; cpu != nil {
		facts = append(facts, fact{"CPU a notification", fmt.Sprintf("%.1f us", *cpu)})
	}
	if s := r.Resources.System; s != nil && s.RSSBytes != nil {
		facts = append(facts, fact{"memory at the end", reports.Bytes(float64(*s.RSSBytes))})
	}
	return append(facts, fact{"requests", fmt.Sprintf("%s of %d", whole(requests.Sent), r.Generator.Batch)})
}

func whole(n uint64) string { return reports.Quantity(float64(n), "") }

func providerOf(name string, p scenarios.Provider) provider {
	row := provider{
		Name: reports.Clean(name), Channel: reports.Clean(p.Channel), Calls: reports.Count(p.Calls), Entries: reports.Count(p.Entries),
		Sent: reports.Count(p.Sent), Permanent: reports.Count(p.Permanent), Throttled: reports.Count(p.Throttled),
		Transient: reports.Count(p.Transient), Ambiguous: reports.Count(p.Ambiguous), P50: "?", P99: "?",
	}
	if p.Latency != nil {
		row.P50, row.P99 = reports.Milliseconds(p.Latency.P50), reports.Milliseconds(p.Latency.P99)
	}
	return row
}

func limitOf(l scenarios.Limit) limit {
	row := limit{Name: reports.Clean(l.Name), Limit: reports.Quantity(l.Limit, l.Unit), Reached: "?", Bar: barOf(l.Share), Near: reports.IsNear(l)}
	if l.Reached != nil {
		row.Reached = reports.Quantity(*l.Reached, l.Unit)
	}
	return row
}

// setupOf is where and by what the run was made.
func setupOf(r *scenarios.Result) []fact {
	e, g := &r.Environment, &r.Generator
	machine := fmt.Sprintf("%d CPUs", e.CPUs)
	if e.CPU != "" {
		machine += ", " + e.CPU
	}
	if e.Memory != nil {
		machine += ", " + reports.Bytes(float64(*e.Memory)) + " of memory"
	}
	facts := []fact{
		{"plan", r.Plan.Name + ", " + r.Plan.Hash},
		{"machine", machine + ", " + e.OS + "/" + e.Arch},
		{"program", e.Version},
		{"target", targetOf(e)},
	}
	var engines []string
	for _, part := range slices.Sorted(maps.Keys(e.Engines)) {
		engines = append(engines, part+" on "+e.Engines[part])
	}
	if engines != nil {
		facts = append(facts, fact{"engines", strings.Join(engines, ", ")})
	}
	facts = append(facts,
		fact{"load", fmt.Sprintf("%d notifications a request to %s users, keys: %s, %d connections at most, seed %d", g.Batch, reports.Count(int64(g.Users)), g.Keys, g.Connections, g.Seed)},
		fact{"schedule", fmt.Sprintf("%s sent, %s requests late, %s of them held up by the target", reports.Quantity(g.Achieved*100, "%"), whole(g.Late), whole(g.LateHeld))},
		fact{"run", fmt.Sprintf("%s, began %s", g.Run, r.Started.UTC().Format(time.RFC3339))})
	for i := range facts {
		facts[i] = fact{reports.Clean(facts[i].Name), reports.Clean(facts[i].Text)}
	}
	return facts
}

func targetOf(e *scenarios.Environment) string {
	if e.Embedded {
		return e.Target + ", in the generator's process"
	}
	return e.Target
}

// comparison is what moved against a baseline.
type comparison struct {
	Class, Word, Why string
	Rows             []change
}

// change is a row of it.
type change struct {
	Class, Metric, Before, After, By, Interval, Word string
}

func comparisonOf(c *baseline.Comparison) *comparison {
	v := &comparison{Word: reports.OutcomeWord(c.Outcome), Why: reports.Clean(reports.ComparisonSentence(c)), Class: map[baseline.Outcome]string{
		baseline.NoBaseline: "unseen", baseline.Refused: "doubtful", baseline.Unchanged: "good", baseline.Improved: "good", baseline.Regressed: "bad",
	}[c.Outcome]}
	for _, each := range c.Changes {
		v.Rows = append(v.Rows, change{
			Class: map[baseline.Verdict]string{baseline.Worse: "bad", baseline.Better: "good"}[each.Verdict], Metric: reports.Clean(each.Metric),
			Before: reports.Quantity(each.Before, each.Unit), After: reports.Quantity(each.After, each.Unit),
			By: reports.Moved(each), Interval: reports.Interval(each), Word: reports.VerdictWord(each.Verdict),
		})
	}
	return v
}
