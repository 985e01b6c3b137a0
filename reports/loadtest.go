package reports

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/scenarios"
)

// ScenarioSummary says in a few words what a scenario is about.
func ScenarioSummary(s *scenarios.Scenario) string {
	var length time.Duration
	var peak float64
	for _, stage := range s.Stages {
		length += stage.For
		peak = max(peak, stage.From, stage.To)
	}
	return fmt.Sprintf("%s, %s, up to %s/s, %s", counted(len(s.Stages), "stage"), units.Format(units.Seconds, units.Exactly(length.Seconds())),
		Count(int64(math.Round(peak))), counted(len(s.Checks), "check"))
}

// LoadTest renders the end of a load test for people: the checks first, then
// the account and the figures behind them, and the verdict last, where the eye
// is when the command returns. Programs read result.json instead. The files
// are those that were written, and may be none.
func LoadTest(w io.Writer, r *scenarios.Result, t Terminal, files ...string) error {
	report := &loadTest{terminal: t, result: r}
	report.header()
	report.checks()
	report.account()
	report.rate()
	report.answers()
	report.latency()
	report.endToEnd()
	report.process()
	report.verdict(files)
	if _, err := io.WriteString(w, report.String()); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// loadTest writes the parts of the report.
type loadTest struct {
	strings.Builder
	terminal Terminal
	result   *scenarios.Result
}

func (w *loadTest) line(format string, args ...any) {
	w.WriteString(fmt.Sprintf(format, args...) + "\n")
}

// row writes a line with a label, or without one to go on below it.
func (w *loadTest) row(label, format string, args ...any) {
	w.line("  %-12s "+format, append([]any{label}, args...)...)
}

func (w *loadTest) header() {
	r := w.result
	w.line("%s   %s: rate x %s, time x %s   %s, %s   seed %d", w.terminal.Text(r.Scenario), w.terminal.Text(r.Profile),
		factor(r.RateScale), factor(r.TimeScale), w.terminal.Text(system(&r.Environment)), counted(r.Environment.CPUs, "core"), r.Generator.Seed)
	w.line("")
}

// system says what was loaded: an address, or for what ran in the generator's
// process the engines beyond it, if there were any.
func system(e *scenarios.Environment) string {
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

func (w *loadTest) checks() {
	name, value := 0, 0
	for _, c := range w.result.Checks {
		name = max(name, utf8.RuneCountInString(w.terminal.Text(c.Name)))
		value = max(value, len(Measured(c)))
	}
	w.line("  CHECKS")
	for _, c := range w.result.Checks {
		label := w.terminal.Text(c.Name)
		dots := strings.Repeat(".", name-utf8.RuneCountInString(label)+3)
		line := fmt.Sprintf("    %s  %s %s %-*s   %s", w.terminal.Mark(c.Verdict), label, w.terminal.Dim(dots), value, Measured(c), Limit(c))
		if c.Verdict == scenarios.NotObserved {
			line = fmt.Sprintf("    %s  %s %s not observed", w.terminal.Mark(c.Verdict), label, w.terminal.Dim(dots))
		}
		w.line("%s", strings.TrimRight(line, " "))
		if c.Why != "" {
			w.line("          %s", w.terminal.Dim(w.terminal.Text(c.Why)))
		}
	}
	w.line("")
}

// account writes the account as an equation: what does not appear in it is 0.
func (w *loadTest) account() {
	l := w.result.Ledger
	terms := []string{}
	for _, term := range []struct {
		n    *int64
		name string
	}{
		{l.Delivered, "delivered"},
		{l.Suppressed, "suppressed"},
		{l.Expired, "expired"},
		{l.RateDropped, "rate-dropped"},
		{l.Dead, "dead"},
	} {
		if term.n != nil && (*term.n > 0 || term.name == "delivered") {
			terms = append(terms, Count(*term.n)+" "+term.name)
		}
	}
	equation := Count(l.Accepted) + " accepted"
	if len(terms) > 0 {
		equation += " = " + strings.Join(terms, " + ")
	}
	w.row("ACCOUNT", "%s", equation)
	w.row("", "in flight %s, lost %s, duplicates %s, ambiguous %s, takeovers %s",
		seen(l.InFlight), seen(l.Lost), seen(l.Duplicates), seen(l.Ambiguous), seen(l.Takeovers))
	if l.Unacknowledged != nil && *l.Unacknowledged > 0 {
		w.row("", "%s more went through without having been acknowledged", Count(*l.Unacknowledged))
	}
}

// total adds the stages up.
func total(r *scenarios.Result) (notifications, requests scenarios.Counts) {
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

func (w *loadTest) rate() {
	n, requests := total(w.result)
	seconds := max(w.result.Generator.Seconds, 1e-9)
	perSecond := func(n uint64) string { return Count(int64(math.Round(float64(n)/seconds))) + "/s" }
	w.row("RATE", "offered %s, sent %s, dropped %s, refused %s", perSecond(n.Offered), perSecond(n.Sent),
		Count(int64(n.Dropped)), Count(int64(n.Refused)))
	w.row("", "%s requests of %d over %d connections at most", Count(int64(requests.Sent)), w.result.Generator.Batch, w.result.Generator.Connections)
	if n.Unsent > 0 {
		w.row("", "%s were due and not sent when the run was ended", Count(int64(n.Unsent)))
	}
}

// answers writes what came of the requests, when it was not all well.
func (w *loadTest) answers() {
	var parts []string
	for kind, n := range w.result.Generator.Answers {
		if kind != "accepted" {
			parts = append(parts, fmt.Sprintf("%s %s", Count(int64(n)), strings.ReplaceAll(w.terminal.Text(kind), "_", " ")))
		}
	}
	if len(parts) > 0 {
		slices.Sort(parts)
		w.row("ERRORS", "%s (requests)", strings.Join(parts, ", "))
	}
}

func (w *loadTest) latency() {
	fromSchedule, fromSend := w.result.Generator.Latency, w.result.Generator.Service
	if fromSchedule == nil || fromSend == nil {
		return
	}
	w.row("LATENCY", "p50 %s   p90 %s   p99 %s   max %s from the schedule", Milliseconds(fromSchedule.P50),
		Milliseconds(fromSchedule.P90), Milliseconds(fromSchedule.P99), Milliseconds(fromSchedule.Max))
	w.row("", "p99 %s from the send", Milliseconds(fromSend.P99))
	// Below 10 ms it is how exact timers are.
	if fromSchedule.P99 > max(2*fromSend.P99, 10) {
		w.row("", "%s", w.terminal.Dim("they differ: "+w.lateness()))
	}
}

// lateness says why requests were sent late.
func (w *loadTest) lateness() string {
	if g := w.result.Generator; g.LateHeld*2 > g.Late {
		return "requests had to wait until the target answered earlier ones"
	}
	return "the generator sent requests late"
}

// endToEnd writes each priority's p99, of its slowest channel: percentiles of
// different channels cannot be put together.
func (w *loadTest) endToEnd() {
	worst := map[string]float64{}
	shares, sum := map[string]float64{}, 0.0
	for _, e := range w.result.EndToEnd {
		if e.Latency == nil {
			continue
		}
		worst[e.Priority] = max(worst[e.Priority], e.Latency.P99)
		for stage, share := range e.Stages {
			shares[stage] += share * float64(e.Count)
			sum += share * float64(e.Count)
		}
	}
	var parts []string
	for _, priority := range []string{"high", "normal", "low"} {
		if p99, ok := worst[priority]; ok {
			parts = append(parts, priority+" "+Milliseconds(p99))
		}
	}
	if len(parts) == 0 {
		return
	}
	w.row("END TO END", "%s (p99 of the slowest channel)", strings.Join(parts, "   "))
	longest, most := "", 0.0
	for _, stage := range []struct{ name, words string }{
		{"queue", "waiting in the queue"}, {"batch", "waiting for its batch"}, {"send", "with the provider"}, {"settle", "being recorded"},
	} {
		if shares[stage.name] > most {
			longest, most = stage.words, shares[stage.name]
		}
	}
	if sum > 0 {
		w.row("", "most of it %s (%.0f %%)", longest, most/sum*100)
	}
}

func (w *loadTest) process() {
	r := w.result.Resources
	if r.CPUPerNotification == nil {
		return
	}
	line := fmt.Sprintf("%.1f us of CPU a notification", *r.CPUPerNotification)
	if !w.result.Environment.Embedded {
		line += " (the generator's)"
	}
	if r.System != nil && r.System.RSSBytes != nil {
		line += fmt.Sprintf(", the system holds %s MB", Count(*r.System.RSSBytes/1_000_000))
	}
	w.row("PROCESS", "%s", line)
}

func (w *loadTest) verdict(files []string) {
	counts := map[scenarios.Verdict]int{}
	for _, c := range w.result.Checks {
		counts[c.Verdict]++
	}
	parts := []string{counted(len(w.result.Checks), "check")}
	for _, v := range []scenarios.Verdict{scenarios.Fail, scenarios.Inconclusive, scenarios.NotObserved} {
		if n := counts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, map[scenarios.Verdict]string{
				scenarios.Fail: "failed", scenarios.Inconclusive: "inconclusive", scenarios.NotObserved: "not observed",
			}[v]))
		}
	}
	w.line("")
	line := w.terminal.Verdict(w.result.Verdict) + "   " + strings.Join(parts, ", ") + "   " +
		time.Duration(w.result.Generator.Seconds*float64(time.Second)).Round(time.Second).String()
	for _, f := range files {
		line += "   " + w.terminal.Text(f)
	}
	w.line("%s", line)
}

// Measured writes what a check measured, with its unit.
func Measured(c scenarios.Check) string {
	if c.Measured == nil {
		return "?"
	}
	text := quantity(*c.Measured, c.Unit)
	if c.Why == "at least that" {
		return "at least " + text
	}
	return text
}

// Limit writes what a check expects, as in "< 500 ms". That a count is to be 0
// goes without saying.
func Limit(c scenarios.Check) string {
	if c.Op == "=" && c.Limit == 0 && c.Measured != nil && *c.Measured == 0 {
		return ""
	}
	return c.Op + " " + quantity(c.Limit, c.Unit)
}

func quantity(v float64, unit string) string {
	switch unit {
	case "ms":
		return Milliseconds(v)
	case "":
		return Count(int64(v))
	case "%":
		// Cut, not rounded: 98.99 is not 99.
		return fmt.Sprintf("%g %%", math.Floor(v*100)/100)
	}
	return Count(int64(math.Round(v))) + " " + unit
}

// Count writes a number of things with its thousands apart.
func Count(n int64) string {
	digits := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Milliseconds writes a latency in three digits or so.
func Milliseconds(ms float64) string {
	switch {
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 99_995:
		return fmt.Sprintf("%.3g s", ms/1000)
	}
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Second).String()
}

// seen writes a number that may not have been seen.
func seen(n *int64) string {
	if n == nil {
		return "?"
	}
	return Count(*n)
}

// factor writes a scale, as short as it can be.
func factor(f float64) string { return fmt.Sprintf("%.3g", f) }

// counted writes a number and its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
