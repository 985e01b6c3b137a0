package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

// validateOptions are the flags and arguments of validate.
type validateOptions struct {
	planOptions
	files []string
}

// newValidateCommand builds notifyctl validate.
func newValidateCommand(a *app) *cobra.Command {
	var opts validateOptions
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check plans and scenarios, and say what they are",
		Long: `Check files and say what each of them is. Every fault is named with its line,
its column, what was found and what is accepted; all files are checked before
the command fails.`,
		Example: `  notifyctl validate plan.yaml
  notifyctl validate plans/*.yaml
  notifyctl init - | notifyctl validate -`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs a file, like plan.yaml", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.files = args
			return runValidate(cmd.Context(), a, opts)
		},
	}
	opts.registerSet(cmd.Flags())
	return cmd
}

// runValidate checks every file.
func runValidate(_ context.Context, a *app, opts validateOptions) error {
	var failed error
	for _, file := range opts.files {
		summary, err := validateFile(a, file, opts.set)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if err := write(a, []byte(reports.Clean(summary)+"\n")); err != nil {
			return err
		}
	}
	return failed
}

// validateFile checks one file and says what it is.
func validateFile(a *app, path string, set []string) (summary string, err error) {
	name, text, err := readDocument(a, path)
	if err != nil {
		return "", err
	}
	keys, err := yamldoc.TopLevelKeys(name, text)
	if err != nil {
		return "", err
	}
	what, err := recognise(keys).validate(planner.Document{
		Name: name, Text: text, Assignments: set, Today: planner.DateOf(a.now()),
		ReadFile: func(name string) ([]byte, error) { return readBeside(path, name) },
	})
	if err != nil {
		return "", err
	}
	return name + ": " + what, nil
}

// A kind is one kind of file that validate knows.
type kind struct {
	keys     []string // what only this kind has at its top level
	validate func(planner.Document) (what string, err error)
}

// kinds lists the kinds of files; the first one is taken for a file that none
// recognises.
func kinds() []kind {
	return []kind{
		{keys: planOnlyKeys(), validate: validatePlan},
		{keys: scenarios.Keys(), validate: validateScenario},
	}
}

// planOnlyKeys are the top-level keys of a plan that a scenario has not: both
// have a version and a name.
func planOnlyKeys() []string {
	return slices.DeleteFunc(planner.Sections(), func(key string) bool { return key == "version" || key == "name" })
}

// recognise tells what a file is by its top-level keys.
func recognise(keys []string) kind {
	all := kinds()
	best, most := all[0], 0
	for _, k := range all {
		known := make(map[string]bool, len(k.keys))
		for _, key := range k.keys {
			known[key] = true
		}
		count := 0
		for _, key := range keys {
			if known[key] {
				count++
			}
		}
		if count > most {
			best, most = k, count
		}
	}
	return best
}

// validatePlan checks a plan and sums it up.
func validatePlan(d planner.Document) (string, error) {
	p, err := planner.Load(d)
	if err != nil {
		return "", err
	}
	if _, err := planner.NewEstimate(p); err != nil {
		return "", err
	}
	return "plan " + p.Name + ": " + reports.PlanSummary(p), nil
}

// validateScenario checks a scenario and sums it up. What is set on the command
// line is of plans.
func validateScenario(d planner.Document) (string, error) {
	s, err := scenarios.Parse(d.Name, d.Text)
	if err != nil {
		return "", err
	}
	return "scenario " + s.Name + ": " + reports.ScenarioSummary(s), nil
}
