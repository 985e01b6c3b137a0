package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios"
)

// Scales says how much of the scenario was run.
func Scales(r *scenarios.Result) string {
	text := fmt.Sprintf("%s: rate x %s, time x %s", r.Profile, factor(r.RateScale), factor(r.TimeScale))
	if r.Shard != nil {
		text += fmt.Sprintf(", shard %d of %d", r.Shard.Index, r.Shard.Of)
	}
	return text
}

// System says what was loaded: an address, or for what ran in the generator's
// process the engines beyond it, if there were any.
func System(e *scenarios.Environment) string {
	if !e.Embedded {
		return e.Target
	}
	var served []string
	for _, engines := range e.Engines {
		served = append(served, strings.Split(engines, ", ")...)
	}
	var beyond []string
	for _, engine := range []string{"kafka", "redis", "postgres", "cassandra", "bucket"} {
		if slices.Contains(served, engine) {
			beyond = append(beyond, engine)
		}
	}
	if beyond == nil {
		return "embedded"
	}
	return "over " + strings.Join(beyond, ", ")
}

// Why says in one sentence why the run's verdict is what it is: by the first
// check that decided it.
func Why(r *scenarios.Result) string {
	switch r.Verdict {
	case scenarios.Interrupted:
		return fmt.Sprintf("It was interrupted after %s of load; the numbers are of what was done until then.", Seconds(r.Generator.Seconds))
	case scenarios.Fail:
		return decided(r.Checks, scenarios.Fail, func(c scenarios.Check) string {
			return fmt.Sprintf("%s was %s, and is to be %s", CheckTitle(c), Measured(c), Expected(c))
		}, "failed")
	case scenarios.Inconclusive:
		if !slices.ContainsFunc(r.Checks, func(c scenarios.Check) bool { return c.Verdict == scenarios.Inconclusive }) {
			return "None of the checks could be observed."
		}
		return decided(r.Checks, scenarios.Inconclusive, func(c scenarios.Check) string {
			return fmt.Sprintf("%s cannot be told: %s", CheckTitle(c), CheckNotes(c))
		}, "cannot be told")
	case scenarios.Pass, scenarios.NotObserved:
	}
	passed := verdicts(r.Checks)[scenarios.Pass]
	if unseen := len(r.Checks) - passed; unseen > 0 {
		return fmt.Sprintf("%s of %d hold; nobody could observe %s.", counted(passed, "check"), len(r.Checks), theOthers(unseen))
	}
	return fmt.Sprintf("All of the %s hold.", counted(passed, "check"))
}

func theOthers(n int) string {
	if n == 1 {
		return "the other one"
	}
	return fmt.Sprintf("the other %d", n)
}

// decided writes of the checks with a verdict the first one in full.
func decided(checks []scenarios.Check, v scenarios.Verdict, say func(scenarios.Check) string, did string) string {
	text, more := "", 0
	for _, c := range checks {
		switch {
		case c.Verdict != v:
		case text == "":
			text = say(c)
		default:
			more++
		}
	}
	if text == "" { // a verdict that is older than the checks beside it
		return fmt.Sprintf("None of the %s says why.", counted(len(checks), "check"))
	}
	if more > 0 {
		text += fmt.Sprintf("; %d more of the %d checks %s", more, len(checks), did)
	}
	return text + "."
}

// verdicts counts the checks by what came of them.
func verdicts(checks []scenarios.Check) map[scenarios.Verdict]int {
	counts := map[scenarios.Verdict]int{}
	for _, c := range checks {
		counts[c.Verdict]++
	}
	return counts
}

// CheckCounts says how many checks there were, and how many did not pass.
func CheckCounts(checks []scenarios.Check) string {
	counts := verdicts(checks)
	parts := []string{counted(len(checks), "check")}
	for _, v := range []scenarios.Verdict{scenarios.Fail, scenarios.Inconclusive, scenarios.NotObserved} {
		if n := counts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, map[scenarios.Verdict]string{
				scenarios.Fail: "failed", scenarios.Inconclusive: "inconclusive", scenarios.NotObserved: "not observed",
			}[v]))
		}
	}
	return strings.Join(parts, ", ")
}

// Term is a part of the account: a number, nil when it was not seen, and what it
// is of.
type Term struct {
	N    *int64
	Name string
}

// Ends are what the accepted notifications came to: together with what is in
// flight and what is lost, all of them.
func Ends(l *scenarios.Account) []Term {
	return []Term{
		{l.Delivered, "delivered"}, {l.Suppressed, "suppressed"}, {l.Expired, "expired"}, {l.RateDropped, "rate-dropped"}, {l.Dead, "dead"},
	}
}

// Doubts are the numbers of the account that should be 0.
func Doubts(l *scenarios.Account) []Term {
	return []Term{
		{l.InFlight, "in flight"}, {l.Lost, "lost"}, {l.Duplicates, "duplicates"}, {l.Ambiguous, "ambiguous"}, {l.Takeovers, "takeovers"},
	}
}

// Equation writes the account as an equation: an end that none came to is left
// out of it.
func Equation(l *scenarios.Account) string {
	var terms []string
	for _, t := range Ends(l) {
		if t.N != nil && (*t.N > 0 || t.Name == "delivered") {
			terms = append(terms, Count(*t.N)+" "+t.Name)
		}
	}
	equation := Count(l.Accepted) + " accepted"
	if len(terms) > 0 {
		equation += " = " + strings.Join(terms, " + ")
	}
	return equation
}

// remainder writes the numbers of the account that should be 0.
func remainder(l *scenarios.Account) string {
	var parts []string
	for _, t := range Doubts(l) {
		parts = append(parts, t.Name+" "+Seen(t.N))
	}
	return strings.Join(parts, ", ")
}

// Total adds the stages up.
func Total(r *scenarios.Result) (notifications, requests scenarios.Counts) {
	add := func(sum *scenarios.Counts, c scenarios.Counts) {
		sum.Offered += c.Offered
		sum.Sent += c.Sent
		sum.Dropped += c.Dropped
		sum.Unsent += c.Unsent
		sum.Accepted += c.Accepted
		sum.Refused += c.Refused
		sum.Errors += c.Errors
	}
	for _, s := range r.Stages {
		add(&notifications, s.Counts)
		add(&requests, s.Requests)
	}
	return notifications, requests
}

// Failures says what came of the requests that were not accepted, or nothing.
func Failures(g *scenarios.Generator) string {
	var parts []string
	for kind, n := range g.Answers {
		if kind != "accepted" && n > 0 {
			parts = append(parts, Count(int64(min(n, math.MaxInt64)))+" "+strings.ReplaceAll(kind, "_", " "))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// Lateness says why the latency from the schedule is more than twice that from
// the send, or nothing when it is not. Below 10 ms it is how exact timers are.
func Lateness(g *scenarios.Generator) string {
	switch {
	case g.Latency == nil || g.Service == nil || g.Latency.P99 <= max(2*g.Service.P99, 10):
		return ""
	case g.LateHeld*2 > g.Late:
		return "they differ: requests had to wait until the target answered earlier ones"
	}
	return "they differ: the generator sent requests late"
}

// StageWords says what notifications wait for in a stage of their way.
func StageWords(stage string) string {
	switch stage {
	case "queue":
		return "in the queue"
	case "batch":
		return "for their batch"
	case "send":
		return "for the provider"
	case "settle":
		return "to be recorded"
	}
	return stage
}

// StageOrder lists the stages of a notification's way.
func StageOrder() []string { return []string{"queue", "batch", "send", "settle"} }

// Dominant says where the slow notifications wait: the stage that dominates, and
// which priorities it does so for unless it is all of them.
func Dominant(list []scenarios.PriorityEndToEnd) string {
	var stages []string
	of := map[string][]string{}
	for _, p := range list {
		if p.Dominant == "" {
			continue
		}
		if of[p.Dominant] == nil {
			stages = append(stages, p.Dominant)
		}
		of[p.Dominant] = append(of[p.Dominant], p.Priority)
	}
	switch len(stages) {
	case 0:
		return ""
	case 1:
		return "the slow ones wait " + StageWords(stages[0])
	}
	parts := make([]string, len(stages))
	for i, stage := range stages {
		parts[i] = strings.Join(of[stage], " and ") + " " + StageWords(stage)
	}
	return "the slow ones wait: " + strings.Join(parts, ", ")
}

// nearLimit is the share of a limit from which on a run has tested it.
const nearLimit = 0.9

// LimitsTested counts the limits of the plan that the run came near, and those
// that nobody saw.
func LimitsTested(limits []scenarios.Limit) (near, unseen int) {
	for _, l := range limits {
		switch {
		case l.Share == nil || l.Reached == nil:
			unseen++
		case IsNear(l):
			near++
		}
	}
	return near, unseen
}

// IsNear says whether the run came near a limit.
func IsNear(l scenarios.Limit) bool {
	return l.Share != nil && l.Reached != nil && *l.Share >= nearLimit
}

// CostLine says what a notification cost, and its channels' part in that, or
// nothing.
func CostLine(cost map[string]float64) string {
	one, ok := cost[scenarios.CostPerNotification]
	if !ok {
		return ""
	}
	var parts []string
	for _, channel := range channelOrder() {
		if v, ok := cost[scenarios.CostOfOne(channel)]; ok {
			parts = append(parts, channel+" "+amount(v))
		}
	}
	text := Dollars(one) + " a notification"
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

// channelOrder lists the channels as all reports do.
func channelOrder() []string { return []string{"push", "email", "sms"} }
