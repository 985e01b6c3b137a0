package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/reports/page"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// outOptions are the flags that say where a load test's results go, and what
// they are compared with.
type outOptions struct {
	baselineOptions
	out   string
	flags []string // the flags of the command line that have no secret in them, for the results
}

// register adds the flags.
func (o *outOptions) register(flags *pflag.FlagSet) {
	o.baselineOptions.register(flags)
	flags.StringVar(&o.out, "out", "", "write result.json, report.html, summary.md, junit.xml and timeseries.csv to this `directory`")
}

// The files that --out writes beside the result.
const (
	pageFile     = "report.html"
	summaryFile  = "summary.md"
	junitFile    = "junit.xml"
	timelineFile = "timeseries.csv"
)

// probeBytes is about what the files of a run take.
const probeBytes = 1 << 20

// checkOut finds out before a run whether its results can be written: that the
// directory can be made, and has room.
func (o *outOptions) checkOut() error {
	if o.out == "" {
		return nil
	}
	probe := filepath.Join(o.out, ".notifyctl-probe")
	err := reports.WriteFile(probe, func(w io.Writer) error {
		_, err := w.Write(make([]byte, probeBytes))
		return err
	})
	if err == nil {
		err = os.Remove(probe)
	}
	if err != nil {
		return fmt.Errorf("--out %s: the results could not be written there: %w", o.out, err)
	}
	return nil
}

// conclude writes what came of a run: the files, then the end of the test and
// what moved to standard output, also where the files could not be written.
func (o *outOptions) conclude(a *app, scenario string, r *scenarios.Result, several bool) error {
	comparison := o.compare([]*scenarios.Result{r}, several)
	var files []string
	var failed error
	if o.out != "" {
		dir := o.out
		if several {
			dir = filepath.Join(dir, filepath.FromSlash(scenario))
		}
		files, failed = writeReports(a, dir, r, comparison)
	}
	terminal := terminalOf(a.stdout, a.getenv)
	failed = errors.Join(failed, reports.LoadTest(a.stdout, r, terminal, files...))
	if comparison != nil {
		failed = errors.Join(failed, reports.ComparisonTable(a.stdout, comparison, terminal))
	}
	return errors.Join(endOf(r.Verdict), endOfComparison(comparison), failed)
}

// writeReports writes every form of a result to a directory, and gives the one
// that a person opens. One that cannot be written does not keep the others from
// being.
func writeReports(a *app, dir string, r *scenarios.Result, c *baseline.Comparison) (files []string, failed error) {
	for _, each := range []struct {
		name    string
		content func(io.Writer) error
	}{
		{reports.ResultFile, func(w io.Writer) error { return reports.ResultJSON(w, r) }},
		{timelineFile, func(w io.Writer) error { return reports.TimelineCSV(w, r) }},
		{summaryFile, func(w io.Writer) error { return reports.LoadTestMarkdown(w, r, c) }},
		{junitFile, func(w io.Writer) error { return reports.LoadTestJUnit(w, r, c) }},
		{pageFile, func(w io.Writer) error { return page.Write(w, r, c) }},
	} {
		path := filepath.Join(dir, each.name)
		if err := reports.WriteFile(path, each.content); err != nil {
			failed = errors.Join(failed, fmt.Errorf("--out %s: %w", dir, err))
			continue
		}
		if each.name == pageFile {
			files = append(files, path)
		}
	}
	return files, errors.Join(failed, appendSummary(a, r, c))
}

// mostSummary is how much GitHub takes as the summary of a step; of a longer one
// it shows nothing.
const mostSummary = 1 << 20

// appendSummary adds the summary to that of the step of a GitHub workflow that
// the program runs in, if it runs in one.
func appendSummary(a *app, r *scenarios.Result, c *baseline.Comparison) (err error) {
	path, _ := a.getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	var text strings.Builder
	if err := reports.LoadTestMarkdown(&text, r, c); err != nil {
		return err
	}
	text.WriteString("\n")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("the step's summary: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("the step's summary: %w", err)
	}
	if info.Size()+int64(text.Len()) > mostSummary {
		a.log.Warn("the step's summary is full; summary.md has what is missing there", "file", path)
		return nil
	}
	if _, err := io.WriteString(f, text.String()); err != nil {
		return fmt.Errorf("the step's summary: %w", err)
	}
	return nil
}

// rememberFlags keeps the flags that were given, by the command line or the
// environment, as they would be given again.
func (o *outOptions) rememberFlags(cmd *cobra.Command) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			v = withoutSecrets(f.Name, v)
			if f.Value.Type() == "bool" {
				o.flags = append(o.flags, "--"+f.Name+"="+v)
				continue
			}
			o.flags = append(o.flags, "--"+f.Name, v)
		}
	})
}

// command is the command line that makes the run of a scenario again. One of a
// file has the name that it was given by.
func (o *outOptions) command(scenario string, given []string) []string {
	words := []string{"notifyctl", "loadtest"}
	own, _, _ := strings.Cut(scenario, "/") // of an experiment's variant
	if slices.Contains(scenarios.Names(), own) && len(given) != 1 {
		given = []string{own}
	}
	return append(append(words, given...), o.flags...)
}

// withoutSecrets replaces what may be one in the value of a flag: passwords of
// addresses and connection strings, and what headers say.
func withoutSecrets(flag, value string) string {
	const hidden = "xxxxx"
	if flag == "header" {
		name, text, _ := strings.Cut(value, ":")
		if text = strings.TrimSpace(text); !strings.HasPrefix(text, "$") && !strings.HasPrefix(text, "@") {
			text = hidden
		}
		return name + ": " + text
	}
	for _, password := range []string{`(://[^:/@,\s]*):[^,\s]*@`, `((?:^|[,\s])[^:/@,\s]+):[^/,\s][^,\s]*@`} { // with a scheme, and without
		value = regexp.MustCompile(password).ReplaceAllString(value, "${1}:"+hidden+"@")
	}
	return regexp.MustCompile(`(?i)((?:password|passwd|secret|token|key|sig|signature)=)[^&\s,]+`).ReplaceAllString(value, "${1}"+hidden)
}
