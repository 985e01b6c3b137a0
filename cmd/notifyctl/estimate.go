package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/reports"
)

// estimateOptions are the flags of estimate.
type estimateOptions struct {
	planOptions
	output  string
	explain string
	check   bool
	samples int
	seed    uint64
	diff    string
	// maxIncrease is a fraction as a plan writes it, "" for no limit.
	maxIncrease string
	seedGiven   bool
}

// newEstimateCommand builds notifyctl estimate.
func newEstimateCommand(a *app) *cobra.Command {
	var opts estimateOptions
	cmd := &cobra.Command{
		Use:   "estimate",
		Short: "Derive what a plan needs and costs, and what contradicts itself",
		Long: `Derive everything that follows from a plan: what has to be carried, what each
part needs and at what demand it breaks, what a month costs, what growth and
outages do, and where the plan contradicts itself.

Every number is a figure with an id; --explain shows its formula, the same with
its numbers, and everything below it down to the lines of the plan and the
prices' sources. Where the plan gives a range, the figure is one too; in JSON
and CSV its value is the end that is safe to plan by. JSON and CSV are in base
units: seconds, bytes, US dollars a month, fractions of 1.

--samples draws the plan's ranges at random, and says how likely a figure is and
which input moves it. --diff compares with another plan, the old one. --check
makes the exit code the verdict: 99 if a limit of the plan does not hold, or if
what was found is an error.`,
		Example: `  notifyctl estimate
  notifyctl estimate -f plan.yaml --set workload.users=20M
  notifyctl estimate --explain kafka.disk.per_broker
  notifyctl estimate -f plan.yaml --check
  notifyctl estimate --set workload.users=80M..120M --samples 10000 --seed 7
  notifyctl estimate -f new.yaml --diff old.yaml --max-increase 10%
  notifyctl estimate -o json | jq '.figures[] | select(.id == "rate.design").value'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.seedGiven = cmd.Flags().Changed("seed")
			return runEstimate(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	opts.register(flags)
	choiceVar(cmd, flags, &opts.output, "output", "o", "table", "format", "table", "json", "csv", "markdown")
	flags.StringVar(&opts.explain, "explain", "", "show how the figure with this `id` came about")
	completeFlag(cmd, "explain", cobra.FixedCompletions(planner.FigureIDs(), cobra.ShellCompDirectiveNoFileComp))
	flags.BoolVar(&opts.check, "check", false, "exit with 99 if a limit does not hold or an error was found")
	flags.IntVar(&opts.samples, "samples", 0, "draw the plan's ranges `n` times")
	flags.Uint64Var(&opts.seed, "seed", 1, "of the samples: the same `number` draws the same")
	flags.StringVar(&opts.diff, "diff", "", "compare with the old plan in this `file`")
	flags.StringVar(&opts.maxIncrease, "max-increase", "", "with --diff: exit with 99 if cost.total rises by more than this `fraction`, like 10%")
	return cmd
}

// runEstimate derives the figures of a plan and writes them.
func runEstimate(_ context.Context, a *app, opts estimateOptions) error {
	if err := opts.combination(); err != nil {
		return err
	}
	estimate, err := opts.estimate(a)
	if err != nil {
		return err
	}
	terminal := terminalOf(a.stdout, a.getenv)
	if opts.diff != "" {
		return diffEstimates(a, opts, estimate, terminal)
	}
	sampling, err := sample(a, opts, estimate)
	if err != nil {
		return err
	}
	if opts.explain != "" {
		return explain(a, opts, estimate, sampling, terminal)
	}
	if err := writeEstimate(a, opts, estimate, sampling, terminal); err != nil || !opts.check {
		return err
	}
	return checkEstimate(estimate)
}

// combination refuses flags that do not go together.
func (o *estimateOptions) combination() error {
	switch {
	case o.samples < 0 || o.samples > planner.MaxSamples:
		return usagef("--samples: %d; accepted is from 1 to %d, or 0 for none", o.samples, planner.MaxSamples)
	case o.seedGiven && o.samples == 0:
		return usagef("--seed is that of the samples; give --samples, too")
	case o.maxIncrease != "" && o.diff == "":
		return usagef("--max-increase is by how much a plan may cost more than another; give --diff, too")
	case o.diff != "" && o.explain != "":
		return usagef("--diff and --explain: accepted is one of the two")
	case o.diff != "" && o.samples > 0:
		return usagef("--diff and --samples: accepted is one of the two")
	case o.explain != "" && o.check:
		return usagef("--explain and --check: accepted is one of the two")
	case o.diff == "-" && o.file == "-":
		return usagef("--file and --diff: standard input can be one of the two plans, not both")
	case o.explain != "" && o.output != "table" && o.output != "json":
		return usagef("--explain is written as table or json, not as %s", o.output)
	}
	return nil
}

// estimate derives the figures of the plan that the flags ask for.
func (o *planOptions) estimate(a *app) (*planner.Estimate, error) {
	plan, err := o.load(a)
	if err != nil {
		return nil, err
	}
	return planner.NewEstimate(plan)
}

// sample draws the plan's ranges, if that is asked for. A plan without any has
// nothing to draw, which is said and no failure.
func sample(a *app, opts estimateOptions, estimate *planner.Estimate) (*planner.Sampling, error) {
	if opts.samples == 0 {
		return nil, nil
	}
	sampling, err := estimate.Sample(opts.samples, opts.seed)
	if err != nil {
		return nil, err
	}
	if len(sampling.Drawn) == 0 {
		_, err = fmt.Fprintln(a.stderr, "notifyctl: the plan has no ranges, so there is nothing to draw; a range is written like 500/s..1000/s")
	}
	return sampling, err
}

// writeEstimate writes everything that was derived.
func writeEstimate(a *app, opts estimateOptions, e *planner.Estimate, s *planner.Sampling, t reports.Terminal) error {
	switch opts.output {
	case "json":
		return reports.EstimateJSON(a.stdout, e, s)
	case "csv":
		return reports.EstimateCSV(a.stdout, e, s)
	case "markdown":
		return reports.EstimateMarkdown(a.stdout, e, s)
	}
	return reports.EstimateTable(a.stdout, e, s, t)
}

// explain writes how one figure came about.
func explain(a *app, opts estimateOptions, e *planner.Estimate, s *planner.Sampling, t reports.Terminal) error {
	explanation, err := e.Explain(opts.explain)
	if err != nil {
		return err
	}
	if opts.output == "json" {
		return reports.ExplanationJSON(a.stdout, explanation, s)
	}
	return reports.ExplanationText(a.stdout, e, explanation, s, t)
}
