package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// drawScenario writes a scenario with stages, faults in them and checks of them.
func drawScenario(t *rapid.T) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nname: %s\nstages:\n", rapid.StringMatching(`[a-z][a-z0-9-]{0,20}[a-z]`).Draw(t, "name"))
	stages := rapid.SliceOfN(rapid.Int64Range(1, 30*86_400_000), 1, 6).Draw(t, "stages") // milliseconds
	for i, ms := range stages {
		from := rapid.IntRange(0, 50_000).Draw(t, "from")
		fmt.Fprintf(&b, "  - {name: s%d, from: %d/s, to: %d/s, for: %dms}\n", i, from, rapid.IntRange(1, 50_000).Draw(t, "to"), ms)
	}
	// One fault a stage and provider, so that none contradicts another.
	var faults []string
	for i, ms := range stages {
		for _, provider := range []string{"sendgrid", "fcm", "twilio"} {
			if !rapid.Bool().Draw(t, "fails") {
				continue
			}
			at := rapid.Int64Range(0, ms-1).Draw(t, "at")
			text := fmt.Sprintf("  - {during: s%d, provider: %s, fault: outage, at: %dms", i, provider, at)
			if rapid.Bool().Draw(t, "ends early") {
				text += fmt.Sprintf(", for: %dms", rapid.Int64Range(1, ms-at).Draw(t, "for"))
			}
			faults = append(faults, text+"}\n")
		}
	}
	if len(faults) > 0 {
		b.WriteString("faults:\n" + strings.Join(faults, ""))
	}
	b.WriteString("checks:\n")
	for i := range stages {
		fmt.Fprintf(&b, "  - {name: c%d, expect: latency.p99 < 500ms, during: s%d}\n", i, i)
	}
	return b.String()
}

// Every valid scenario is read, and at any scale its stages follow one another
// and its faults lie in theirs.
func TestFaultsLieInTheirStageAtAnyScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawScenario(t)
		s, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		scale := Scale{Rate: 1, Time: rapid.Float64Range(1e-6, 1000).Draw(t, "time")}
		type part struct{ from, until time.Duration }
		parts := map[string]part{}
		began := time.Duration(0)
		for i, stage := range s.Scaled(scale) {
			if stage.For < shortestStage || stage.Name != s.Stages[i].Name {
				t.Fatalf("stage %+v", stage)
			}
			parts[stage.Name] = part{began, began + stage.For}
			began += stage.For
		}
		planned := s.plannedFaults(scale)
		if len(planned) != len(s.Faults) {
			t.Fatalf("%d of %d faults are planned", len(planned), len(s.Faults))
		}
		for _, f := range planned {
			if p := parts[f.During]; f.from < p.from || f.until > p.until || f.from > f.until {
				t.Fatalf("%s from %v to %v, in a stage from %v to %v", f.text(), f.from, f.until, p.from, p.until)
			}
		}
		for _, f := range script(planned).Faults {
			if err := f.Validate(); err != nil || f.For <= 0 {
				t.Fatalf("%+v: %v", f, err)
			}
		}
	})
}

func TestFaultsAreScaledAsTheirStageIs(t *testing.T) {
	s := parse(t, eventful) // up takes 10 s and hold 60 s, scaled by 0.1: 2 s at least, and 6 s
	type span struct {
		text        string
		from, until time.Duration
	}
	var got []span
	for _, f := range s.plannedFaults(Scale{Rate: 1, Time: 0.1}) {
		got = append(got, span{f.text(), f.from, f.until})
	}
	want := []span{
		{"sendgrid: outage", 0, 2 * time.Second},
		{"fcm: status", 3 * time.Second, 5 * time.Second},
		{"twilio: slow", 3 * time.Second, 8 * time.Second},
		{"region-1/gateway-2: lost", 2 * time.Second, 5 * time.Second},
		{"region-1: lost", 5 * time.Second, 8 * time.Second},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// Faults of one provider that act beside others, or now and then, contradict
// none; what follows one that always shows cannot.
func TestContradictions(t *testing.T) {
	rate := 0.5
	outage := &mockproviders.Fault{Provider: "fcm", Kind: mockproviders.Outage}
	slow := &mockproviders.Fault{Provider: "fcm", Kind: mockproviders.Slow, Delay: 1}
	flaky := &mockproviders.Fault{Provider: "fcm", Kind: mockproviders.Status, Status: 500, Rate: &rate}
	some := &mockproviders.Fault{Provider: "fcm", Kind: mockproviders.Status, Status: 404, To: "gone-*"}
	for _, test := range []struct {
		first, then *mockproviders.Fault
		want        bool
	}{
		{outage, outage, true},
		{outage, flaky, true},
		{outage, some, true},
		{outage, slow, false},
		{slow, outage, false},
		{flaky, outage, false},
		{some, outage, false},
		{flaky, some, false},
		{outage, &mockproviders.Fault{Provider: "apns", Kind: mockproviders.Outage}, false},
	} {
		if got := (&Fault{Provider: test.first}).contradicts(&Fault{Provider: test.then}); got != test.want {
			t.Errorf("%+v then %+v: %v", test.first, test.then, got)
		}
	}
}
