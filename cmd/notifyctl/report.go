package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/reports/page"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// reportOptions are the flags and arguments of report.
type reportOptions struct {
	baselineOptions
	results []string // the one that is rendered, and further runs of the same
	format  string
	out     string
}

// The formats of a report.
const (
	formatTable    = "table"
	formatMarkdown = "markdown"
	formatHTML     = "html"
	formatJUnit    = "junit"
	formatCSV      = "csv"
)

// newReportCommand builds notifyctl report.
func newReportCommand(a *app) *cobra.Command {
	var opts reportOptions
	cmd := &cobra.Command{
		Use:   "report RESULT...",
		Short: "Render the result of a load test again, and compare it with earlier ones",
		Long: `Render a result.json that loadtest --out wrote in any of the formats. All of
them are readings of that one file, and show the same numbers. RESULT is the
file, the directory that holds it, or - for standard input.

With --baseline it is compared with earlier runs of the same: the same scenario,
plan and rate on a machine of the same class, or the comparison is refused. A
difference counts where all of its 95 % interval is beyond the tolerance; of
several runs a side (RESULT... and several --baseline) the interval comes from
how much they differ, of one run each from how much the difference varies over
the run. The first RESULT is the one that is rendered.

Exit codes: 0 it was rendered, whatever the run's verdict, and nothing got worse
than the baseline; 99 something did; 111 the baseline is of something else; 104
the file is no result, or damaged; 1 the report cannot be written.`,
		Example: `  notifyctl report out/result.json
  notifyctl report out --format html --out report.html
  notifyctl report monday tuesday --baseline last-week/1 --baseline last-week/2`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs a result, like out/result.json", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.results = args
			return runReport(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	opts.register(flags)
	choiceVar(cmd, flags, &opts.format, "format", "", formatTable, "what to write", formatTable, formatMarkdown, formatHTML, formatJUnit, formatCSV)
	flags.StringVar(&opts.out, "out", "", "write to this `file` instead of standard output")
	cmd.AddCommand(newReportMergeCommand(a))
	return cmd
}

// runReport renders a result.
func runReport(_ context.Context, a *app, opts reportOptions) error {
	if len(opts.results) > 1 && len(opts.baselines) == 0 {
		return usagef("%d results: one is rendered; more are compared with a --baseline", len(opts.results))
	}
	if err := opts.readBaselines(a); err != nil {
		return err
	}
	runs := make([]*scenarios.Result, len(opts.results))
	for i, path := range opts.results {
		var err error
		if runs[i], err = readResult(a, path); err != nil {
			return err
		}
	}
	comparison := opts.compare(runs, false)
	terminal := terminalOf(a.stdout, a.getenv)
	to := func(w io.Writer) error { return render(w, opts.format, runs[0], comparison, terminal) }
	if opts.out == "" {
		return errors.Join(to(a.stdout), endOfComparison(comparison))
	}
	terminal.Color = false
	return errors.Join(reports.WriteFile(opts.out, to), endOfComparison(comparison))
}

// render writes a result in a format, with what moved where it was compared.
func render(w io.Writer, format string, r *scenarios.Result, c *baseline.Comparison, t reports.Terminal) error {
	switch format {
	case formatTable:
		err := reports.LoadTest(w, r, t)
		if err == nil && c != nil {
			err = reports.ComparisonTable(w, c, t)
		}
		return err
	case formatMarkdown:
		return reports.LoadTestMarkdown(w, r, c)
	case formatHTML:
		return page.Write(w, r, c)
	case formatJUnit:
		return reports.LoadTestJUnit(w, r, c)
	case formatCSV:
		return reports.TimelineCSV(w, r)
	}
	panic("BUG: unknown format " + format)
}

// readResult reads the result of a run from a file, the directory that holds
// it, or standard input.
func readResult(a *app, path string) (result *scenarios.Result, err error) {
	if path == "-" {
		result, err = reports.ReadResult(a.stdin)
		if err != nil {
			return nil, usagef("<stdin>: %w", err)
		}
		return result, nil
	}
	f, err := openResult(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	result, err = reports.ReadResult(f)
	if err != nil {
		return nil, usagef("%s: %w", f.Name(), err)
	}
	return result, nil
}

// openResult opens a result, or the one that a directory holds.
func openResult(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, reports.ResultFile)
	}
	f, err := os.Open(path)
	var pathError *fs.PathError
	switch {
	case errors.As(err, &pathError):
		return nil, usagef("%s: %w; accepted is a result.json that loadtest --out wrote", path, pathError.Err)
	case err != nil:
		return nil, usagef("%s: %w", path, err)
	}
	return f, nil
}
