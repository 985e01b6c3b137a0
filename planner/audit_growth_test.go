package planner_test

import (
	"math"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

// What a plan's promises, its workload and its growth are found to contradict.
// The numbers of the reference are reckoned in the comments.
func TestWorkloadAndPromiseFindings(t *testing.T) {
	const none = planner.Severity(0)
	nothing := math.NaN()
	for _, tt := range []struct {
		name            string
		set             []string
		component, rule string
		severity        planner.Severity
		stated, derived float64
	}{
		// 50,000 / (1e9 / 86,400) = 4.32.
		{"the reference", nil, "workload", "design-rate-off-peak", planner.Warning, 3, 4.32},
		{"its true factor", []string{"workload.peak_factor=4.32"}, "workload", "design-rate-off-peak", none, 0, 0},
		{"within rounding", []string{"workload.design_rate=36K/s"}, "workload", "design-rate-off-peak", none, 0, 0},
		{"below the peak", []string{"workload.peak_factor=6"}, "workload", "design-rate-off-peak", planner.Error, 6, 4.32},
		{"a range that holds it", []string{"workload.peak_factor=3..5"}, "workload", "design-rate-off-peak", none, 0, 0},

		// 50,000/s x 30 s = 1.5M; 5,000 / 50,000/s = 0.1 s.
		{"the reference", nil, "service_levels", "queue-depth-against-lag", planner.Warning, 5000, 1.5e6},
		{"the design rate's depth", []string{"service_levels.queue_depth=1.5M"}, "service_levels", "queue-depth-against-lag", none, 0, 0},
		{"the average's depth", []string{"service_levels.queue_depth=350K"}, "service_levels", "queue-depth-against-lag", none, 0, 0},
		{"a lag to match", []string{"service_levels.queue_lag=200ms"}, "service_levels", "queue-depth-against-lag", none, 0, 0},
		{"too deep", []string{"service_levels.queue_depth=10M"}, "service_levels", "queue-depth-against-lag", planner.Warning, 10e6, 1.5e6},

		// 45,000/s x 120 s = 5.4M.
		{"the reference", nil, "service_levels", "spike-outruns-scale-up", planner.Error, 5000, 5.4e6},
		{"deep enough", []string{"service_levels.queue_depth=5.4M"}, "service_levels", "spike-outruns-scale-up", none, 0, 0},
		{"quick enough", []string{"service_levels.scale_up=100ms"}, "service_levels", "spike-outruns-scale-up", none, 0, 0},
		// Nothing waits for what runs already: 60 x 500, 30 x 500 in batches, 10 x 500.
		{"workers for it", []string{"workers.push={min: 60, rate: 500/s}", "workers.email.min=30", "workers.sms={min: 10, rate: 500/s}"}, "service_levels", "spike-outruns-scale-up", none, 0, 0},
		{"workers for it, but for one", []string{"workers.push={min: 59, rate: 500/s}", "workers.email.min=30", "workers.sms={min: 10, rate: 500/s}"}, "service_levels", "spike-outruns-scale-up", planner.Error, 5000, 5.4e6},
		{"no spike", []string{"workload.spike.from=50K/s"}, "service_levels", "spike-outruns-scale-up", none, 0, 0},

		// All 1,000 x 20 + 500 x 10 + 200 x 15 = 28,000/s, against 34,722/s; those
		// that always run 100 x 20 + 50 x 10 + 20 x 15 = 2,800/s, against 11,574/s.
		{"the reference", nil, "service_levels", "unbatched-workers-below-rate", planner.Warning, 28_000, 3e9 / 86_400},
		{"enough at the peak", []string{"workers.push.max=2000"}, "service_levels", "unbatched-workers-below-rate", planner.Info, 2800, 1e9 / 86_400},
		{"enough at all times", []string{"workers.push.max=2000", "workers.push.min=600"}, "service_levels", "unbatched-workers-below-rate", none, 0, 0},

		// 75 / 54 - 1 = 38.9 %, and 75 / 50 - 1 is the 50 % that is claimed.
		{"the reference", nil, "growth", "headroom-over-capacity", planner.Warning, 0.5, 75.0/54 - 1},
		{"its true headroom", []string{"claims.growth.headroom=39%"}, "growth", "headroom-over-capacity", none, 0, 0},
		{"another mistake", []string{"claims.growth.headroom=70%"}, "growth", "headroom-over-capacity", none, 0, 0},
		{"another mistake", []string{"claims.growth.headroom=70%"}, "growth", "claim", planner.Warning, 0.7, 75.0/54 - 1},

		{"the reference", nil, "growth", "current-peak-off-workload", none, 0, 0},
		{"another peak", []string{"growth.current_peak=20K/s"}, "growth", "current-peak-off-workload", planner.Warning, 20_000, 3e9 / 86_400},

		{"the reference", nil, "growth", "growth-step-too-late", none, 0, 0},
		{"late", []string{"growth.steps=[{at: 2027-10-01, capacity: 75K/s}]"}, "growth", "growth-step-too-late", planner.Error, nothing, nothing},
		{"on the day", []string{"growth.steps=[{at: 2027-09-15, capacity: 75K/s}]"}, "growth", "growth-step-too-late", none, 0, 0},

		// 36,000 x 1.5 x 1.5 = 81,000/s.
		{"the reference", nil, "growth", "growth-outruns-steps", none, 0, 0},
		{"no steps", []string{"growth.steps=[]"}, "growth", "growth-outruns-steps", planner.Warning, 50_000, 81_000},
		{"a year more", []string{"growth.years=3"}, "growth", "growth-outruns-steps", planner.Warning, 100_000, 121_500},
		{"no growth", []string{"growth.steps=[]", "growth.rate=0%"}, "growth", "growth-outruns-steps", none, 0, 0},
	} {
		t.Run(tt.rule+" of "+tt.name, func(t *testing.T) {
			checkFinding(t, estimate(t, tt.set...), tt.component, tt.rule, tt.severity, tt.stated, tt.derived)
		})
	}
}

// A ceiling that will break sooner than more can be had is found before it does,
// and only then.
func TestOverdueOrders(t *testing.T) {
	overdue := func(set ...string) (messages []string) {
		for _, f := range estimate(t, set...).Findings {
			if f.Rule == "order-overdue" && strings.HasPrefix(f.Message, "SMS senders") {
				messages = append(messages, f.Message)
			}
		}
		return messages
	}
	// 37 numbers are 3,700 segments/s; the 10 % of 36,000/s are 3,600 today, and
	// pass 3,700 in ln (37 / 36) / ln 1.5 = 0.0676 years: on the 24th day. The
	// carriers take up to 12 weeks.
	got := overdue("providers.sms.senders=37")
	if len(got) != 1 || !strings.Contains(got[0], "breaks on 2026-12-18, and more had to be ordered by 2026-09-25") {
		t.Errorf("found %q", got)
	}
	for _, set := range [][]string{
		{"providers.sms.senders=30"}, // broken already
		{"providers.sms.senders=60"}, // in time
		{"providers.sms.senders=37", "growth.rate=0%"},
		{"providers.sms.senders=37", "growth.lead_times.senders=20d"},
	} {
		if got := overdue(set...); got != nil {
			t.Errorf("%s: found %q", set, got)
		}
	}
}

// What a spike leaves drains by what all workers carry beyond what arrives:
// 850,000/s in batches, less 50,000/s, sends 5.4M in 6.75 s; one at a time
// 28,000/s never do.
func TestSpikeSaysHowLongItDrains(t *testing.T) {
	for _, f := range estimate(t).Findings {
		if f.Rule == "spike-outruns-scale-up" {
			for _, want := range []string{"45,000/s", "5,400,000", "drains in 6.75 s in batches", "never drains one at a time"} {
				if !strings.Contains(f.Message, want) {
					t.Errorf("%q does not say %q", f.Message, want)
				}
			}
		}
	}
}
