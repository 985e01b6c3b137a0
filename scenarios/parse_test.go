package scenarios

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

const small = `version: 1
name: small
stages:
  - {name: up, from: 0, to: 1K/s, for: 10s}
  - {name: hold, rate: 1K/s, for: 1m}
checks:
  - {name: fast, expect: latency.p99 < 500ms}
`

func parse(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Parse("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParse(t *testing.T) {
	s := parse(t, small)
	want := []Stage{{"up", 0, 1000, 10 * time.Second}, {"hold", 1000, 1000, time.Minute}}
	if len(s.Stages) != 2 || s.Stages[0] != want[0] || s.Stages[1] != want[1] {
		t.Errorf("stages %+v", s.Stages)
	}
	if s.Checks[0] != (Expectation{Name: "fast", Metric: "latency.p99", Op: "<", Limit: 500}) || s.Drain != time.Minute || s.Profiles[Smoke] != (Scale{1, 1}) {
		t.Errorf("scenario %+v", s)
	}
	if parse(t, small+"drain: 90s\n").Drain != 90*time.Second {
		t.Error("drain is not read")
	}
}

func TestParseNamesEveryFault(t *testing.T) {
	for _, test := range []struct{ change, into, want string }{
		{"version: 1", "version: 2", `x.yaml:1:10: version: "2"; accepted is 1`},
		{"name: small\n", "", `x.yaml:1:8: name: missing`},
		{"name: small", "nmae: small", `x.yaml:2:1: nmae: unknown key; did you mean name?`},
		{"rate: 1K/s, for: 1m", "rate: fast, for: 1m", `x.yaml:5:24: stages[1].rate: "fast"`},
		{"rate: 1K/s, for: 1m", "rate: 1..2K/s, for: 1m", `stages[1].rate: "1..2K/s" is a range; accepted is one value`},
		{"rate: 1K/s, for: 1m", "rate: 1K/s, for: 0s", `stages[1].for: 0s; accepted is above 0`},
		{"rate: 1K/s, for: 1m", "for: 1m", `stages[1]: accepted is either rate, or both from and to`},
		{"rate: 1K/s, for: 1m", "rate: 1K/s, to: 2K/s, for: 1m", `stages[1]: accepted is either rate`},
		{"rate: 1K/s, for: 1m", "rate: 1G/s, for: 1m", `x.yaml:5:`},
		{"name: hold", "name: up", `stages[1]: a second stage "up"`},
		{"  - {name: up, from: 0, to: 1K/s, for: 10s}\n  - {name: hold, rate: 1K/s, for: 1m}", "  []", `x.yaml:4:3: stages: 0 entries; accepted are 1 to 64`},
		{"latency.p99 <", "latency.p999 <", `x.yaml:7:26: checks[0].expect: unknown metric "latency.p999"; did you mean latency.p99?`},
		{"latency.p99 < 500ms", "weather = 1", `unknown metric "weather"; accepted are latency.p50`},
		{"latency.p99 < 500ms", "latency.p99 << 500ms", `checks[0].expect:`},
		{"latency.p99 < 500ms", "latency.p99 < 500 apples", `checks[0].expect:`},
		{"latency.p99 < 500ms", "latency.p99", `accepted is a metric, a comparison (<= >= < > =) and a limit`},
		{"checks:", "mix: {channels: {push: 50%, email: 60%}}\nchecks:", `x.yaml:6:17: mix.channels: shares add up to 110 %, not 100 %`},
		{"checks:", "mix: {channels: {fax: 100%}}\nchecks:", `mix.channels.fax: unknown key; accepted are push, email, sms`},
		{"checks:", "profiles: {smoke: {rate: 2, time: 1}}\nchecks:", `profiles.smoke: accepted are factors above 0 and up to 1`},
		{"checks:", "profiles: {full: {rate: 1, time: 1}}\nchecks:", `profiles.full: unknown key`},
		{"checks:", "drain:\nchecks:", `x.yaml:6:1: drain: no value`},
		{"checks:", "drain: 2h\nchecks:", `drain: 2h0m0s; accepted is above 0 and up to 1h0m0s`},
		{small, "", `the document is empty`},
		{small, "- 1", `accepted is a mapping`},
		{small, small + "---\n" + small, `second document`},
		{small, "name: &a x\nabout: *a", `anchor`},
	} {
		text := strings.Replace(small, test.change, test.into, 1)
		_, err := Parse("x.yaml", []byte(text))
		var invalid *yamldoc.InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "x.yaml") {
			t.Errorf("with %q: got %v, want %s", test.into, err, test.want)
		}
	}
}

func TestParseGoesOnAfterAFault(t *testing.T) {
	_, err := Parse("x.yaml", []byte("version: 3\nname: ''\nstages: 7\nmix: []\nchecks: {}\nmore: 1\n"))
	var invalid *yamldoc.InvalidError
	if !errors.As(err, &invalid) || len(invalid.Faults) != 6 {
		t.Errorf("got %v", err)
	}
}

// TestDocumentedScenario keeps the documentation's example right.
func TestDocumentedScenario(t *testing.T) {
	text, err := os.ReadFile("../docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```yaml\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatal("no example")
	}
	parse(t, block)
	for _, m := range metrics() {
		if family, _, _ := strings.Cut(m.name, "."); !strings.Contains(string(text), "`"+family) {
			t.Errorf("the metric %s is not documented", m.name)
		}
	}
}

func TestEveryScenarioIsSound(t *testing.T) {
	for _, name := range Names() {
		s := named(t, name)
		if s.Name != name || s.About == "" {
			t.Errorf("%s is called %q, %q", name, s.Name, s.About)
		}
		for _, profile := range Profiles() {
			if _, err := s.Scale(profile); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := Named("nothing"); err == nil {
		t.Error("an unknown scenario was found")
	}
}

func TestScaledKeepsStagesLongEnough(t *testing.T) {
	for _, stage := range parse(t, small).Scaled(Scale{Rate: 0.1, Time: 0.05}) {
		if stage.To != 100 || stage.For < 2*time.Second || stage.For > 3*time.Second {
			t.Errorf("stage %+v", stage)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("stages: [{name: a, rate: 1e400, for: 1m}]"))
	f.Add([]byte("checks:\n - expect: a = 1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("x", text)
		if err != nil {
			return
		}
		// What is read can be run, or is refused by the schedule.
		if _, err := schedule(s.Scaled(Scale{1, 1}), 100); err != nil && len(s.Stages) == 0 {
			t.Errorf("a scenario without stages was read: %v", err)
		}
	})
}
