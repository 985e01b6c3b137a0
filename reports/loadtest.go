package reports

import (
	"fmt"
	"io"
	"math"
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
	report.faults()
	report.cost()
	report.limits()
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
	w.line("%s   %s   %s, %s   seed %d", w.terminal.Text(r.Scenario), w.terminal.Text(Scales(r)),
		w.terminal.Text(System(&r.Environment)), counted(r.Environment.CPUs, "core"), r.Generator.Seed)
	w.line("")
}

// checks writes the checks with leaders to what was measured, which line up.
func (w *loadTest) checks() {
	name, value := 0, 0
	for _, c := range w.result.Checks {
		name = max(name, utf8.RuneCountInString(w.terminal.Text(CheckTitle(c))))
		value = max(value, utf8.RuneCountInString(Measured(c)))
	}
	w.line("  CHECKS")
	for _, c := range w.result.Checks {
		label := w.terminal.Text(CheckTitle(c))
		dots := strings.Repeat(".", name-utf8.RuneCountInString(label)+3)
		line := fmt.Sprintf("    %s  %s %s %-*s   %s", w.terminal.Mark(c.Verdict), label, w.terminal.Dim(dots), value, Measured(c), Limit(c))
		if c.Verdict == scenarios.NotObserved {
			line = fmt.Sprintf("    %s  %s %s not observed", w.terminal.Mark(c.Verdict), label, w.terminal.Dim(dots))
		}
		w.line("%s", strings.TrimRight(line, " "))
		if notes := CheckNotes(c); notes != "" {
			w.line("          %s", w.terminal.Dim(w.terminal.Text(notes)))
		}
	}
	w.line("")
}

func (w *loadTest) verdict(files []string) {
	w.line("")
	line := w.terminal.Verdict(w.result.Verdict) + "   " + CheckCounts(w.result.Checks) + "   " + Seconds(w.result.Generator.Seconds)
	for _, f := range files {
		line += "   " + w.terminal.Text(f)
	}
	w.line("%s", line)
}
