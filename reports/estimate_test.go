package reports

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/notifyctl/notifyctl/planner"
)

// estimateOf derives the figures of the reference plan with some values
// overridden.
func estimateOf(t *testing.T, assignments ...string) *planner.Estimate {
	t.Helper()
	p, err := planner.Load(planner.Document{Assignments: assignments})
	if err != nil {
		t.Fatal(err)
	}
	e, err := planner.NewEstimate(p)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ranged is a plan with everything that an estimate can show.
func ranged() []string {
	return []string{
		"name=größer", "workload.users=80M..120M", "workload.peak_factor=2..4", "claims.rate.peak=30K/s..40K/s",
		"limits=[rate.peak <= 30K/s, storage.per_day < 1PB, cost.total <= $5M/month]",
	}
}

func TestEstimateTable(t *testing.T) {
	for _, tt := range []struct {
		name     string
		set      []string
		samples  int
		terminal Terminal
	}{
		{"reference", nil, 0, Terminal{Width: 80}},
		{"narrow", ranged(), 1000, Terminal{Width: 50}},
		{"wide", ranged(), 1000, Terminal{Width: 160, UTF8: true, Color: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			golden.RequireEqual(t, table(t, estimateOf(t, tt.set...), tt.samples, tt.terminal))
		})
	}
}

// table renders an estimate with as many samples as are asked for.
func table(t *testing.T, e *planner.Estimate, samples int, terminal Terminal) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := EstimateTable(&out, e, sampled(t, e, samples), terminal); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sampled draws the ranges of an estimate; no samples is no sampling.
func sampled(t *testing.T, e *planner.Estimate, samples int) *planner.Sampling {
	t.Helper()
	if samples == 0 {
		return nil
	}
	s, err := e.Sample(samples, 7)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The table fits 80 columns, and without colour or UTF-8 it is plain ASCII.
func TestEstimateTableFits(t *testing.T) {
	huge := []string{"workload.users=1e15", "workload.size=1EB", "workload.design_rate=1e14..1e15/s"}
	for _, set := range [][]string{nil, ranged(), huge} {
		out := table(t, estimateOf(t, set...), 100, Terminal{Width: 80})
		for line := range strings.Lines(string(out)) {
			line = strings.TrimSuffix(line, "\n")
			if ansi.StringWidth(line) > 80 {
				t.Errorf("%d columns: %s", ansi.StringWidth(line), line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("not plain ASCII: %q", line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("spaces at the end: %q", line)
			}
		}
	}
}

// What colour adds can be taken away without losing a word.
func TestColorOnlyCarriesMeaning(t *testing.T) {
	e := estimateOf(t, ranged()...)
	plain := table(t, e, 100, Terminal{Width: 80})
	colored := table(t, e, 100, Terminal{Width: 80, Color: true})
	if !bytes.Contains(colored, []byte("\x1b[")) || ansi.Strip(string(colored)) != string(plain) {
		t.Errorf("in colour:\n%s\nplain:\n%s", colored, plain)
	}
}

// The first lines are the answer: the verdict, what gives way first, the bill.
func TestEstimateTableStartsWithTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		set  []string
		want string
	}{
		{nil, "FAIL  "},
		{[]string{"limits=[rate.peak <= 1/s]"}, "1 limit broken"},
	} {
		lines := strings.SplitN(string(table(t, estimateOf(t, tt.set...), 0, Terminal{})), "\n", 3)
		answer := lines[1]
		for _, want := range []string{tt.want, "first to break: ", "a month"} {
			if !strings.Contains(answer, want) {
				t.Errorf("%v: the second line is %q, want it to say %q", tt.set, answer, want)
			}
		}
	}
}

func TestExplanationText(t *testing.T) {
	e := estimateOf(t, "workload.peak_factor=4", "workload.users=80M..120M")
	x, err := e.Explain("bandwidth.average")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := ExplanationText(&out, e, x, sampled(t, e, 1000), Terminal{Width: 80}); err != nil {
		t.Fatal(err)
	}
	golden.RequireEqual(t, out.Bytes())
}

// Markup in what a plan says is text in Markdown.
func TestEstimateMarkdownEscapes(t *testing.T) {
	var out bytes.Buffer
	if err := EstimateMarkdown(&out, estimateOf(t, append(ranged(), "name='a|b <i>'")...), nil); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), `## a\|b &lt;i>`) {
		t.Errorf("the heading is %.40q", out.String())
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("it has colour")
	}
}

// Every row of a table in Markdown has as many cells as its head.
func TestEstimateMarkdownTables(t *testing.T) {
	e := estimateOf(t, ranged()...)
	var out bytes.Buffer
	if err := EstimateMarkdown(&out, e, sampled(t, e, 100)); err != nil {
		t.Fatal(err)
	}
	cells := func(line string) int { return strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") }
	head := 0
	for line := range strings.Lines(out.String()) {
		switch {
		case !strings.HasPrefix(line, "|"):
			head = 0
		case head == 0:
			head = cells(line)
		case cells(line) != head:
			t.Errorf("%d cells under %d: %s", cells(line), head, line)
		}
	}
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"=1+2": "'=1+2", "+1": "'+1", "-1": "'-1", "@a": "'@a", "a=1": "a=1", "": "",
		"\x1b]0;x\x07=1": "]0;x=1", "\t=1": "'=1",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain text": "plain text", "größer ✓": "größer ✓", "a\x1b[31mb": "a[31mb", "a\r\nb": "ab",
		"a\u202eb": "ab", "a\u009bb": "ab", "a\xffb": "a\ufffdb",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// A report that cannot be written is an error, in every format.
func TestEstimateSaysWhenItCannotBeWritten(t *testing.T) {
	e := estimateOf(t)
	x, err := e.Explain("rate.peak")
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"table":            func(w io.Writer) error { return EstimateTable(w, e, nil, Terminal{}) },
		"json":             func(w io.Writer) error { return EstimateJSON(w, e, nil) },
		"csv":              func(w io.Writer) error { return EstimateCSV(w, e, nil) },
		"markdown":         func(w io.Writer) error { return EstimateMarkdown(w, e, nil) },
		"explanation":      func(w io.Writer) error { return ExplanationText(w, e, x, nil, Terminal{}) },
		"explanation json": func(w io.Writer) error { return ExplanationJSON(w, x, nil) },
		"diff":             func(w io.Writer) error { return DiffTable(w, Diff{Before: e, After: e}, Terminal{}) },
		"diff json":        func(w io.Writer) error { return DiffJSON(w, Diff{Before: e, After: e}) },
		"diff csv":         func(w io.Writer) error { return DiffCSV(w, Diff{Before: e, After: e}) },
		"diff markdown":    func(w io.Writer) error { return DiffMarkdown(w, Diff{Before: e, After: e}) },
	} {
		if err := write(fullDisk{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
