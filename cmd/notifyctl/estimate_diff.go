package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/reports"
)

// diffEstimates compares with the old plan, whose own values no --set overrides.
func diffEstimates(a *app, opts estimateOptions, after *planner.Estimate, t reports.Terminal) error {
	most, err := parseIncrease(opts.maxIncrease)
	if err != nil {
		return err
	}
	old := planOptions{file: opts.diff}
	before, err := old.estimate(a)
	if err != nil {
		return err
	}
	diff := reports.Diff{Before: before, After: after, Changes: planner.Compare(before, after)}
	if err := writeDiff(a, opts, diff, t); err != nil {
		return err
	}
	var failed []error
	if most != nil {
		failed = append(failed, increase(before, after, *most))
	}
	if opts.check {
		failed = append(failed, checkEstimate(after))
	}
	return errors.Join(failed...)
}

// writeDiff writes what two plans do not agree on.
func writeDiff(a *app, opts estimateOptions, d reports.Diff, t reports.Terminal) error {
	switch opts.output {
	case "json":
		return reports.DiffJSON(a.stdout, d)
	case "csv":
		return reports.DiffCSV(a.stdout, d)
	case "markdown":
		return reports.DiffMarkdown(a.stdout, d)
	}
	return reports.DiffTable(a.stdout, d, t)
}

// parseIncrease reads the most that the cost may rise by, nil for no limit.
func parseIncrease(text string) (*float64, error) {
	if text == "" {
		return nil, nil
	}
	r, err := units.Parse(text, units.Ratio)
	switch {
	case err != nil:
		return nil, usagef("--max-increase: %w", err)
	case !r.Exact():
		return nil, usagef("--max-increase: %s is a range; accepted is one value, like 10%%", text)
	case r.High > 1 && !strings.HasSuffix(strings.TrimSpace(text), "%"):
		// Whoever writes 10 means 10 %, and would never see the check fail.
		return nil, usagef("--max-increase: %s is %s; accepted is a fraction, like 10%% or 0.1", text, units.Humanize(units.Ratio, r))
	}
	return &r.High, nil
}

// increase fails if a plan costs more than another by over a fraction.
func increase(before, after *planner.Estimate, most float64) error {
	const (
		total    = "cost.total"
		rounding = 1e-12 // of the arithmetic, which is no increase
	)
	old, _ := before.Figure(total)
	is, _ := after.Figure(total)
	was, now := old.Value(), is.Value()
	if now <= was*(1+most)*(1+rounding) {
		return nil
	}
	by := "from nothing"
	if part, ok := (planner.Change{Old: &was, New: &now}).Relative(); ok {
		by = "by " + units.Humanize(units.Ratio, units.Exactly(part))
	}
	month := func(v float64) string { return units.Humanize(units.DollarsPerMonth, units.Exactly(v)) }
	return &checkError{fmt.Sprintf("%s rises %s, from %s to %s a month; accepted is %s",
		total, by, month(was), month(now), units.Humanize(units.Ratio, units.Exactly(most)))}
}
