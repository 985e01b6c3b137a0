package scenarios

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/scenariotest"
)

// disturbed is a scenario of ten seconds, of which SendGrid is out for three and
// the only region lost for two.
const disturbed = `version: 1
name: disturbed
stages:
  - {name: hold, rate: 1K/s, for: 10s}
faults:
  - {during: hold, at: 2s, for: 3s, provider: sendgrid, fault: outage}
  - {during: hold, at: 6s, for: 2s, region: region-1, fault: lost}
checks:
  - {name: accepted, expect: delivered >= 1}
`

// disturbances notes what is done to providers and regions, and when.
type disturbances struct {
	began   time.Time
	mu      sync.Mutex
	notes   []string
	faults  mockproviders.Script
	refuses error // what losing a region answers
	puts    error // what setting faults answers
}

func (d *disturbances) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes = append(d.notes, fmt.Sprintf("%v ", time.Since(d.began).Round(time.Second))+fmt.Sprintf(format, args...))
}

func (d *disturbances) Faults(context.Context) (mockproviders.Script, error) { return d.faults, nil }

func (d *disturbances) SetFaults(_ context.Context, script mockproviders.Script) error {
	for _, f := range script.Faults {
		d.note("set %s %s at %v for %v", f.Provider, f.Kind, time.Duration(f.At), time.Duration(f.For))
	}
	return d.puts
}

func (d *disturbances) ClearFaults(ctx context.Context) error {
	d.note("clear")
	return ctx.Err()
}

func (d *disturbances) Lose(name string) error {
	d.note("lose %s", name)
	return d.refuses
}

func (d *disturbances) Restore(name string) error {
	d.note("restore %s", name)
	return nil
}

// inOneRegion is a system with one gateway in one region.
func inOneRegion() *scenariotest.System {
	return &scenariotest.System{Takes: 100 * time.Millisecond, Status: func(_ time.Duration, status *api.Status) {
		status.Regions = []api.Region{{Name: "region-1", Gateways: []api.Gateway{{Name: "region-1/gateway-1"}}}}
	}}
}

// disturb runs the scenario on a bench that notes what is done to it.
func disturb(ctx context.Context, t *testing.T, d *disturbances) (*Result, string, error) {
	t.Helper()
	bench := benchOf(t, inOneRegion())
	var said strings.Builder
	bench.Log = slog.New(slog.NewTextHandler(&said, nil))
	bench.Mocks, bench.Regions = d, d
	d.began = time.Now()
	result, err := runOf(t, parse(t, disturbed), Full, 100).Do(ctx, bench)
	return result, said.String(), err
}

func TestFaultsHappenInTheirTimeAndAreTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disturbances{}
		result, _, err := disturb(t.Context(), t, d)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"0s set sendgrid outage at 2s for 3s", "6s lose region-1", "8s restore region-1", "10s clear"}
		if !slices.Equal(d.notes, want) {
			t.Errorf("%q, want %q", d.notes, want)
		}
		var marks []string
		for _, m := range result.Marks {
			if m.Kind == FaultMark {
				marks = append(marks, fmt.Sprintf("%.0f to %.0f: %s", m.At, *m.Until, m.Text))
			}
		}
		if want := []string{"2 to 5: sendgrid: outage", "6 to 8: region-1: lost"}; !slices.Equal(marks, want) {
			t.Errorf("marks %q, want %q", marks, want)
		}
	})
}

func TestFaultsAreTakenBackWhenTheRunIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		d := &disturbances{}
		result, _, err := disturb(ctx, t, d)
		if err != nil || result.Verdict != Interrupted {
			t.Fatalf("%+v, %v", result, err)
		}
		if want := []string{"0s set sendgrid outage at 2s for 3s", "6s lose region-1", "7s restore region-1"}; !slices.Equal(d.notes[:3], want) || !strings.HasSuffix(d.notes[3], " clear") {
			t.Errorf("%q, want %q", d.notes, want)
		}
	})
}

// A run whose faults did not happen says nothing of how a system takes them.
func TestAFaultThatCannotBeDoneLeavesTheRunInconclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disturbances{refuses: errors.New("no")}
		result, said, err := disturb(t.Context(), t, d)
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict != Inconclusive || !strings.Contains(said, "region-1 was to be lost: no") {
			t.Errorf("%s, said %q", result.Verdict, said)
		}
		if slices.Contains(d.notes, "8s restore region-1") {
			t.Errorf("%q: what was not lost was restored", d.notes)
		}
	})
}

func TestFaultsThatCannotBeSetKeepTheRunFromBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			d     *disturbances
			want  string
			notes []string
		}{
			{&disturbances{faults: mockproviders.Script{Faults: []mockproviders.Fault{{Kind: mockproviders.Outage}}}}, "already show 1 of their own", nil},
			{&disturbances{puts: errors.New("503")}, "cannot be set: 503", []string{"0s set sendgrid outage at 2s for 3s", "0s clear"}},
		} {
			result, _, err := disturb(t.Context(), t, test.d)
			if result != nil || err == nil || !strings.Contains(err.Error(), test.want) || !slices.Equal(test.d.notes, test.notes) {
				t.Errorf("%v, %v, notes %q", result, err, test.d.notes)
			}
		}
	})
}

func TestARegionThatIsNotThereIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bench := benchOf(t, inOneRegion())
		bench.Regions = &disturbances{}
		s := parse(t, strings.Replace(strings.Replace(disturbed, "region: region-1,", "region: region-9,", 1), "  - {during: hold, at: 2s, for: 3s, provider: sendgrid, fault: outage}\n", "", 1))
		_, err := runOf(t, s, Full, 100).Do(t.Context(), bench)
		if err == nil || !strings.Contains(err.Error(), "loses region-9, and the system has none of that name; it has region-1, region-1/gateway-1") {
			t.Error(err)
		}
	})
}
