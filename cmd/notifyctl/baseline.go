package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// baselineOptions are the flags that compare with earlier runs.
type baselineOptions struct {
	baselines []string
	tolerance string

	earlier []*scenarios.Result // what they come to
	absent  []string            // those of the files that are not there
	within  float64
}

// register adds the flags.
func (o *baselineOptions) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.baselines, "baseline", nil, "compare with an earlier result in this `file`, or in the directory that --out wrote, and fail where it got worse; repeatable, for several runs of it")
	flags.StringVar(&o.tolerance, "tolerance", "", "how much worse is no regression, as a `fraction` (default 10%)")
}

// readBaselines reads the results that the flags name. One that is not there is
// no fault: the first run of a pipeline has none.
func (o *baselineOptions) readBaselines(a *app) error {
	if len(o.baselines) == 0 {
		if o.tolerance != "" {
			return usagef("--tolerance is of a --baseline; give one, too")
		}
		return nil
	}
	if err := o.readTolerance(); err != nil {
		return err
	}
	for _, path := range o.baselines {
		paths, err := resultsAt(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			o.absent = append(o.absent, path)
			continue
		case err != nil:
			return usagef("--baseline %s: %w", path, err)
		}
		for _, each := range paths {
			result, err := readResult(a, each)
			if err != nil {
				return fmt.Errorf("--baseline: %w", err)
			}
			o.earlier = append(o.earlier, result)
		}
	}
	return nil
}

// readTolerance reads a fraction as plans write it.
func (o *baselineOptions) readTolerance() error {
	o.within = baseline.DefaultTolerance
	if o.tolerance == "" {
		return nil
	}
	r, err := units.Parse(o.tolerance, units.Ratio)
	switch {
	case err != nil:
		return usagef("--tolerance: %w", err)
	case !r.Exact() || r.High > 1 && !strings.HasSuffix(strings.TrimSpace(o.tolerance), "%"):
		// Whoever writes 10 means 10 %, and would never see the comparison fail.
		return usagef("--tolerance: %q; accepted is one fraction, like 10%% or 0.1", o.tolerance)
	}
	o.within = r.High
	return nil
}

// resultsAt finds the results that a path stands for: a file, the one in a
// directory, or one for each of the scenarios that have their own below it.
func resultsAt(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	var found []string
	err = fs.WalkDir(os.DirFS(path), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.Count(name, "/") >= deepestResult:
			return fs.SkipDir
		case !entry.IsDir() && entry.Name() == reports.ResultFile:
			found = append(found, path+string(os.PathSeparator)+name)
		}
		return nil
	})
	if err == nil && found == nil {
		err = fs.ErrNotExist
	}
	return found, err
}

// deepestResult is how far below --out a result is written: SCENARIO/VARIANT.
const deepestResult = 2

// compare compares runs of one scenario with the earlier ones of it, nil where no
// baseline was asked for. Beside others, a scenario without earlier runs has no
// baseline; by itself it was given that of another one, which is refused.
func (o *baselineOptions) compare(runs []*scenarios.Result, several bool) *baseline.Comparison {
	if len(o.baselines) == 0 {
		return nil
	}
	var same []*scenarios.Result
	for _, r := range o.earlier {
		if r.Scenario == runs[0].Scenario {
			same = append(same, r)
		}
	}
	switch {
	case same != nil:
	case o.earlier == nil:
		return baseline.Missing(strings.Join(o.absent, ", ") + " is not there")
	case several:
		return baseline.Missing("none of the earlier results is of " + runs[0].Scenario)
	default:
		same = o.earlier
	}
	return baseline.Compare(same, runs, o.within)
}

// endOfComparison gives the end of the command for a comparison: a regression is
// a check that did not hold; where it was refused, what was asked for could not be
// judged.
func endOfComparison(c *baseline.Comparison) error {
	if c == nil {
		return nil
	}
	switch c.Outcome {
	case baseline.Regressed:
		return &checkError{fmt.Sprintf("%d of %d metrics got worse than the baseline", c.Moved(baseline.Worse), len(c.Changes))}
	case baseline.Refused:
		return fmt.Errorf("%w: the baseline is not of the same: %s", errInconclusive, c.Why)
	case baseline.NoBaseline, baseline.Unchanged, baseline.Improved:
	}
	return nil
}
