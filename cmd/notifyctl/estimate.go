package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/reports"
)

// estimateOptions are the flags of estimate.
type estimateOptions struct {
	planOptions
	output  string
	explain string
}

// newEstimateCommand builds notifyctl estimate.
func newEstimateCommand(a *app) *cobra.Command {
	var opts estimateOptions
	cmd := &cobra.Command{
		Use:   "estimate",
		Short: "Derive what a plan needs",
		Long: `Derive every figure that follows from a plan: volume, rates, storage and
bandwidth. What the plan claims of a figure is shown beside it.

Every figure has an id; --explain shows its formula, the same with its numbers,
and everything below it down to the lines of the plan. Where the plan gives a
range, the figure is one too; in JSON and CSV its value is the end that is safe
to plan by. JSON and CSV are in base units: seconds, bytes, US dollars a month,
fractions of 1.`,
		Example: `  notifyctl estimate
  notifyctl estimate -f plan.yaml --set workload.users=20M
  notifyctl estimate --explain rate.peak
  notifyctl estimate -o json | jq '.figures[] | select(.id == "rate.design").value'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runEstimate(cmd.Context(), a, opts)
		},
	}
	opts.register(cmd.Flags())
	choiceVar(cmd, cmd.Flags(), &opts.output, "output", "o", "table", "format", "table", "json", "csv", "markdown")
	cmd.Flags().StringVar(&opts.explain, "explain", "", "show how the figure with this `id` came about")
	completeFlag(cmd, "explain", cobra.FixedCompletions(planner.FigureIDs(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// runEstimate derives the figures of a plan and writes them.
func runEstimate(_ context.Context, a *app, opts estimateOptions) error {
	plan, err := opts.load(a)
	if err != nil {
		return err
	}
	estimate, err := planner.NewEstimate(plan)
	if err != nil {
		return err
	}
	terminal := terminalOf(a.stdout, a.getenv)
	if opts.explain != "" {
		return explain(a, estimate, opts, terminal)
	}
	switch opts.output {
	case "json":
		return reports.EstimateJSON(a.stdout, estimate)
	case "csv":
		return reports.EstimateCSV(a.stdout, estimate)
	case "markdown":
		return reports.EstimateMarkdown(a.stdout, estimate)
	}
	return reports.EstimateTable(a.stdout, estimate, terminal)
}

// explain writes how one figure came about.
func explain(a *app, estimate *planner.Estimate, opts estimateOptions, terminal reports.Terminal) error {
	explanation, err := estimate.Explain(opts.explain)
	if err != nil {
		return err
	}
	switch opts.output {
	case "table":
		return reports.ExplanationText(a.stdout, explanation, terminal)
	case "json":
		return reports.ExplanationJSON(a.stdout, explanation)
	}
	return usagef("--explain is written as table or json, not as %s", opts.output)
}
