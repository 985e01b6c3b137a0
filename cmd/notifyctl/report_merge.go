package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/scenarios"
)

// newReportMergeCommand builds notifyctl report merge.
func newReportMergeCommand(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge RESULT...",
		Short: "Put the results of a load test's shards together",
		Long: `Put together the results of all shards of one run (loadtest --shard I/N), in any
order, and judge the scenario's checks by that: counts and accounts add up, and
percentiles are those of all requests. What the system says of itself is one
shard's, since it said it to all of them. RESULT is a file or the directory that
holds it.

Results of different runs, or not all of one, are refused.

Exit codes: those of loadtest; 104 the results are not all shards of one run.`,
		Example: `  notifyctl report merge shard-1 shard-2 shard-3 shard-4 --out whole`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s takes the results of all shards, and was given none", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return runReportMerge(a, args, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write result.json and the reports to this `directory`")
	return cmd
}

// runReportMerge puts results together.
func runReportMerge(a *app, paths []string, out string) error {
	shards := make([]*scenarios.Result, len(paths))
	for i, path := range paths {
		var err error
		if shards[i], err = readResult(a, path); err != nil {
			return err
		}
	}
	result, err := scenarios.Merge(shards)
	if err != nil {
		return &usageError{err}
	}
	written := outOptions{out: out}
	return written.conclude(a, result.Scenario, result, false)
}
