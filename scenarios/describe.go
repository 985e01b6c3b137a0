package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Describe says what the run will do, a line a part.
func (r *Run) Describe() []string {
	o := &r.options
	lines := []string{fmt.Sprintf("profile %s: rate x %.3g, time x %.3g", o.Profile, o.Scale.Rate, o.Scale.Time)}
	if values := o.brought(); len(values) > 0 {
		lines = append(lines, "plan: "+strings.Join(values, ", "))
	}
	for _, s := range r.stages {
		rate := fmt.Sprintf("%.6g/s", s.To)
		if s.From != s.To {
			rate = fmt.Sprintf("%.6g/s to %.6g/s", s.From, s.To)
		}
		lines = append(lines, fmt.Sprintf("stage %s: %s for %v", s.Name, rate, s.For))
	}
	lines = append(lines, r.describeFaults()...)
	slots := r.schedule.Slots()
	lines = append(lines, fmt.Sprintf("%d notifications to %d users, in %d requests of %d, keys %s, seed %d",
		slots*uint64(o.Batch), o.Users, slots, o.Batch, o.Keys, o.Seed))
	for i := range o.Scenario.Checks {
		lines = append(lines, o.Scenario.Checks[i].describe())
	}
	return lines
}

// brought gives what the scenario and its variant bring of the plan.
func (o *Options) brought() []string {
	values := Assignments(o.Scenario.Plan, o.Scale.Rate)
	if o.Variant != nil {
		values = append(values, Assignments(o.Variant.Plan, o.Scale.Rate)...)
	}
	return values
}

// describe says what a check expects.
func (e *Expectation) describe() string {
	limit := strconv.FormatFloat(e.Limit, 'g', -1, 64)
	if m, err := findMetric(e.Metric); err == nil && m.unit != "" && e.Ratio == (Ratio{}) {
		limit += " " + m.unit
	}
	text := fmt.Sprintf("check %s: %s %s %s", e.Name, e.Metric, e.Op, limit)
	if e.Ratio != (Ratio{}) {
		text += fmt.Sprintf(" times, of %s over %s", e.Ratio.Of, e.Ratio.To)
	}
	if e.During != "" {
		text += ", during " + e.During
	}
	if e.From != "" {
		text += ", from profile " + e.From + " on"
	}
	if e.Over > 0 {
		text += fmt.Sprintf(", over every %v", e.Over)
	}
	return text
}

// describeFaults says what goes wrong and when, a line each.
func (r *Run) describeFaults() []string {
	faults := r.options.Scenario.plannedFaults(r.options.Scale)
	slices.SortStableFunc(faults, func(a, b plannedFault) int { return cmp.Compare(a.from, b.from) })
	lines := make([]string, len(faults))
	for i, f := range faults {
		lines[i] = fmt.Sprintf("fault %s: from %v to %v, in stage %s", f.text(), f.from.Round(time.Millisecond), f.until.Round(time.Millisecond), f.During)
	}
	return lines
}
