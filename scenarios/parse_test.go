package scenarios

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
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

// eventful is a scenario with everything but variants.
const eventful = `version: 1
name: eventful
about: a bit of everything
stages:
  - {name: up, from: 0, to: 1K/s, for: 10s}
  - {name: hold, rate: 1K/s, for: 1m}
mix:
  channels: {push: 60%, email: 40%}
  priorities: {high: 0.5, low: 0.5}
  categories: {transactional: 100%}
  user_skew: 1.1
profiles:
  smoke: {rate: 0.1, time: 0.05}
  ci: {rate: 0.2, time: 0.1}
drain: 30s
plan:
  deployment.workers.push: 10
  deployment.gateway_rate: 33K/s
  workers.policy: steps
faults:
  - {during: up, provider: sendgrid, fault: outage}
  - {during: hold, at: 10s, for: 20s, provider: fcm, fault: status, status: 503, retry_after: 1s, rate: 30%}
  - {during: hold, at: 10s, provider: twilio, fault: slow, delay: 2s}
  - {during: hold, for: 30s, region: region-1/gateway-2, fault: lost}
  - {during: hold, at: 30s, region: region-1, fault: lost}
checks:
  - {name: fast, expect: latency.p99 < 500ms, during: hold, over: 10s}
  - {name: quiet drain, expect: queue.depth < 10K, during: drain, from: ci}
  - {name: few errors, expect: errors < 1000 ppm}
`

// experiment compares two variants.
const experiment = `version: 1
name: experiment
stages:
  - {name: hold, rate: 1K/s, for: 10s}
variants:
  - {name: small, plan: {deployment.workers.push: 2}, rate: 10%}
  - {name: large, plan: {deployment.workers.push: 20}}
checks:
  - {name: fast, expect: latency.p99 < 500ms}
  - {name: twice as fast, expect: latency.p50 <= 0.5, ratio: {of: large, to: small}}
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

func TestParseReadsFaultsPlanAndWindows(t *testing.T) {
	s := parse(t, eventful)
	want := []PlanValue{{"deployment.workers.push", "10"}, {"deployment.gateway_rate", "33K/s"}, {"workers.policy", "steps"}}
	if !slices.Equal(s.Plan, want) {
		t.Errorf("plan %v", s.Plan)
	}
	if f := s.Faults[0]; f.During != "up" || f.At != 0 || f.For != 0 || *f.Provider != (mockproviders.Fault{Provider: "sendgrid", Kind: mockproviders.Outage}) {
		t.Errorf("fault %+v", f)
	}
	if f := s.Faults[1]; f.At != 10*time.Second || f.For != 20*time.Second || f.Provider.Status != 503 || f.Provider.RetryAfter != mockproviders.Duration(time.Second) || *f.Provider.Rate != 0.3 {
		t.Errorf("fault %+v, %+v", f, f.Provider)
	}
	if f := s.Faults[3]; f.Region != "region-1/gateway-2" || f.Provider != nil || f.For != 30*time.Second {
		t.Errorf("fault %+v", f)
	}
	if c := s.Checks[0]; c.During != "hold" || c.Over != 10*time.Second || s.Checks[1].During != Drain || s.Checks[1].From != CI || s.Checks[2].Limit != 1000 {
		t.Errorf("checks %+v", s.Checks)
	}
}

func TestParseReadsVariants(t *testing.T) {
	s := parse(t, experiment)
	if len(s.Variants) != 2 || s.Variants[0].Rate != 0.1 || s.Variants[1].Rate != 1 || s.Variants[0].Plan[0] != (PlanValue{"deployment.workers.push", "2"}) {
		t.Errorf("variants %+v", s.Variants)
	}
	if c := s.Checks[1]; c.Ratio != (Ratio{Of: "large", To: "small"}) || c.Limit != 0.5 {
		t.Errorf("check %+v", c)
	}
}

func TestParseNamesFaultsOfEventsAndVariants(t *testing.T) {
	const hold, fcm = "rate: 1K/s, for: 1m}", "at: 10s, for: 20s, provider: fcm, fault: status, status: 503, retry_after: 1s, rate: 30%}"
	for _, test := range []struct{ text, change, into, want string }{
		{eventful, "name: eventful", "name: ../eventful", `x.yaml:2:7: name: "../eventful"; accepted are letters, digits`},
		{eventful, hold, "rate: 1K/s, for: 1m, at: 5s}", `x.yaml:6:43: stages[1].at: stages follow one another`},
		{eventful, "name: up,", "name: drain,", `x.yaml:5:5: stages[0]: a stage "drain"`},

		{eventful, "deployment.workers.push: 10", "deployment.wokers.push: 10", `x.yaml:17:3: plan.deployment.wokers: unknown key; did you mean workers?`},
		{eventful, "deployment.workers.push: 10", "deployment.workers.push: ten", `x.yaml:17:28: plan.deployment.workers.push: "ten" is not a number`},
		{eventful, "deployment.workers.push: 10", "deployment.workers.push: 99999", `x.yaml:17:28: plan.deployment.workers.push: 99.999K; accepted is up to 10K`},
		{eventful, "deployment.workers.push: 10", "deployment: {workers: {push: 10}}", `x.yaml:17:15: plan.deployment: a mapping; accepted is a value under its whole path`},
		{eventful, "deployment.gateway_rate: 33K/s", "deployment.gateway_rate: 1..2K/s", `x.yaml:18:28: plan.deployment.gateway_rate: "1..2K/s" is a range`},
		{eventful, "workers.policy: steps", "workers.policy: leaps", `x.yaml:19:19: plan.workers.policy:`},
		{eventful, "workers.policy: steps", "deployment.workers.push: 11", `x.yaml:19:3: plan.deployment.workers.push: the key is given twice, first on line 17`},

		{eventful, "during: up, provider", "during: upp, provider", `x.yaml:21:14: faults[0].during: no stage is called "upp"; did you mean up?`},
		{eventful, "during: up, provider", "during: drain, provider", `faults[0].during: no stage is called "drain"; accepted are up, hold`},
		{eventful, "provider: sendgrid", "provider: sendgird", `x.yaml:21:28: faults[0].provider: "sendgird"; did you mean sendgrid?`},
		{eventful, "provider: sendgrid, ", "", `x.yaml:21:5: faults[0]: neither provider nor region; accepted are provider: fcm, apns, sendgrid`},
		{eventful, "provider: sendgrid, ", "provider: sendgrid, region: region-1, ", `faults[0]: both provider and region`},
		{eventful, "fault: outage", "fault: fire", `faults[0]: fault "fire" is not known; accepted are outage, status`},
		{eventful, "fault: outage", "flaut: outage", `x.yaml:21:38: faults[0].flaut: unknown key; did you mean fault?`},
		{eventful, "status: 503, ", "", `faults[1]: status is 0; accepted is 400 to 599`},
		{eventful, "delay: 2s", "delay: 2s, status: 500", `faults[2]: status goes with fault "status"`},
		{eventful, "for: 20s", "for: 51s", `x.yaml:22:34: faults[1].for: the fault ends 1s after its stage hold, which takes 1m0s; accepted is up to 50s`},
		{eventful, "at: 10s, for: 20s", "at: 1m", `x.yaml:22:24: faults[1].at: 1m0s; the stage hold is over after 1m0s`},
		{eventful, fcm, fcm + "\n  - {during: hold, provider: fcm, fault: outage}\n  - {during: hold, at: 50s, provider: fcm, fault: hang}", `x.yaml:24:5: faults[3]: fcm: hang; the stage hold already has it as fcm: outage at that time`},
		{eventful, "for: 30s, region: region-1/gateway-2", "for: 31s, region: region-1/gateway-2", `x.yaml:25:5: faults[4]: region-1: lost; the stage hold already has it as region-1/gateway-2: lost`},
		{eventful, "region: region-1, fault: lost", "region: region-1, fault: outage", `faults[4]: accepted for a region are fault: lost`},

		{eventful, "during: hold, over", "during: hodl, over", `x.yaml:27:55: checks[0].during: no stage is called "hodl"; did you mean hold?`},
		{eventful, "from: ci", "from: cl", `x.yaml:28:73: checks[1].from: "cl"; did you mean ci?`},
		{eventful, "over: 10s", "over: 2m", `x.yaml:27:67: checks[0].over: 2m0s; the stage hold takes 1m0s`},
		{eventful, "latency.p99 < 500ms, during: hold", "latency.p99 < 500ms, during: drain", `x.yaml:27:26: checks[0].expect: latency.p99 is of requests, and none is sent during the drain`},
		{eventful, "latency.p99 < 500ms, during: hold", "lost = 0, during: hold", `checks[0].expect: lost is of the account, which is settled by id once the run is over`},
		{eventful, "errors < 1000 ppm", "errors < 1000 ppb", `unknown unit "ppb"`},

		{experiment, "name: large,", "name: small,", `x.yaml:7:5: variants[1]: a second variant "small"`},
		{experiment, "name: large,", "name: a/b,", `x.yaml:7:12: variants[1].name: "a/b"; accepted are letters`},
		{experiment, "rate: 10%", "rate: 110%", `x.yaml:6:61: variants[0].rate: accepted is a share`},
		{experiment, "plan: {deployment.workers.push: 2}", "plan: {deployment.workers.psh: 2}", `x.yaml:6:50: variants[0].plan.deployment.workers.psh: unknown key; did you mean push?`},
		{experiment, "  - {name: large, plan: {deployment.workers.push: 20}}\n", "", `x.yaml:6:3: variants: an experiment of less than 2 variants`},
		{experiment, "of: large", "of: lagre", `checks[1].ratio: no variant is called "lagre"; did you mean large?`},
		{experiment, "of: large", "of: small", `checks[1].ratio: a variant over itself`},
		{experiment, "latency.p50 <= 0.5", "latency.p50 <= 50ms", `checks[1].expect: 50ms is a duration; accepted is a number`},
		{experiment, ", ratio: {of: large, to: small}", "", `variants: no check has a ratio; accepted is at least one that compares two variants`},
		{small, "500ms}", "5, ratio: {of: a, to: b}}", `checks[0].ratio: the scenario has no variants to compare`},
	} {
		text := strings.Replace(test.text, test.change, test.into, 1)
		_, err := Parse("x.yaml", []byte(text))
		if text == test.text || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("with %q:\n got %v\nwant %s", test.into, err, test.want)
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
	f.Add([]byte(eventful))
	f.Add([]byte(experiment))
	f.Add([]byte("faults: [{during: hold, at: 1e18, fault: lost, region: a}]"))
	f.Add([]byte("plan: {claims.x: 1, deployment.workers.push: 1e18, deployment.gateway_rate: 1e18}"))
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
		Assignments(s.Plan, 1000)
		s.plannedFaults(Scale{1, 0.01})
	})
}
