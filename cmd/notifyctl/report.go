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
	"github.com/notifyctl/notifyctl/scenarios"
)

// reportOptions are the flags and arguments of report.
type reportOptions struct {
	result string
	format string
	out    string
}

// The formats of a report.
const (
	formatTable = "table"
	formatCSV   = "csv"
)

// newReportCommand builds notifyctl report.
func newReportCommand(a *app) *cobra.Command {
	var opts reportOptions
	cmd := &cobra.Command{
		Use:   "report RESULT",
		Short: "Render the result of a load test again",
		Long: `Render a result.json that loadtest --out wrote in any of the formats. All of
them are readings of that one file, and show the same numbers. RESULT is the
file, the directory that holds it, or - for standard input.

Exit codes: 0 it was rendered, whatever the run's verdict; 104 the file is no
result, or damaged; 1 the report cannot be written.`,
		Example: `  notifyctl report out/result.json
  notifyctl report out --format csv --out course.csv`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%s takes one result, like out/result.json, and was given %d", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.result = args[0]
			return runReport(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	choiceVar(cmd, flags, &opts.format, "format", "", formatTable, "what to write", formatTable, formatCSV)
	flags.StringVar(&opts.out, "out", "", "write to this `file` instead of standard output")
	return cmd
}

// runReport renders a result.
func runReport(_ context.Context, a *app, opts reportOptions) error {
	result, err := readResult(a, opts.result)
	if err != nil {
		return err
	}
	terminal := terminalOf(a.stdout, a.getenv)
	if opts.out == "" {
		return render(a.stdout, opts.format, result, terminal)
	}
	terminal.Color = false
	return reports.WriteFile(opts.out, func(w io.Writer) error { return render(w, opts.format, result, terminal) })
}

// render writes a result in a format.
func render(w io.Writer, format string, r *scenarios.Result, t reports.Terminal) error {
	switch format {
	case formatTable:
		return reports.LoadTest(w, r, t)
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
