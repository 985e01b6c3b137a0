package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

// limitOptions are the flags of a search for the most that holds.
type limitOptions struct {
	findLimit bool
	upTo      string
	plateau   time.Duration // 0: by the profile
}

const (
	// limitPrecision is how near the last good and the first bad rate come to each
	// other.
	limitPrecision = 0.05
	// limitUpTo is how far a search goes beyond the scenario's own rate, unless
	// --up-to says it.
	limitUpTo = 100
	// capacityFile is what is found, beside a directory for each step.
	capacityFile = "capacity.json"
)

// shortestPlateau is the least that a step lasts: less shows nothing.
const shortestPlateau = 2 * time.Second

// step is how long a step of the search lasts.
func (o *loadtestOptions) step() time.Duration {
	if o.plateau != 0 {
		return o.plateau
	}
	switch o.profile {
	case scenarios.Full:
		return 2 * time.Minute
	case scenarios.CI:
		return 30 * time.Second
	}
	return 10 * time.Second
}

// register adds the flags.
func (o *limitOptions) register(flags *pflag.FlagSet) {
	flags.BoolVar(&o.findLimit, "find-limit", false, "look for the most that holds the scenario's checks: double the rate until one does not hold, then go between")
	flags.StringVar(&o.upTo, "up-to", "", "with --find-limit, the highest `rate` to try, as in 50K/s (default: 100 times the scenario's)")
	flags.DurationVar(&o.plateau, "plateau", 0, "with --find-limit, how long each step lasts (default: 10s, by profile ci 30s, full 2m)")
}

// checkLimit refuses flags that do not go with each other.
func (o *loadtestOptions) checkLimit() error {
	switch {
	case !o.findLimit && o.upTo != "":
		return usagef("--up-to goes with --find-limit")
	case !o.findLimit && o.plateau != 0:
		return usagef("--plateau goes with --find-limit")
	case o.plateau != 0 && o.plateau < shortestPlateau:
		return usagef("--plateau %v: accepted are %v and more", o.plateau, shortestPlateau)
	case !o.findLimit:
		return nil
	case o.startAt != "":
		return usagef("--find-limit runs one step after the other, and --start-at is for one run")
	case len(o.scenarios) > 1 || len(o.scenarios) == 1 && o.scenarios[0] == "all":
		return usagef("--find-limit is for one scenario at a time")
	}
	return nil
}

// limitSearch is a search for the most that holds a scenario's checks. Each step is
// a run of its own, on a system of its own, or on one that has ended all of the
// step before.
type limitSearch struct {
	*loadtestOptions
	app      *app
	plan     planner.Document
	place    place // where the steps are run
	scenario *scenarios.Scenario
	scale    scenarios.Scale
	steps    int
	result   scenarios.CapacityResult
}

// findCapacity looks for the limit, and reports it.
func (o *loadtestOptions) findCapacity(ctx context.Context, a *app, plan planner.Document) error {
	l := &limitSearch{loadtestOptions: o, app: a, plan: plan}
	search, err := l.prepare()
	if err != nil {
		return err
	}
	if l.place, err = o.place(ctx, a); err != nil {
		return err
	}
	if o.dryRun {
		return l.describe(search)
	}
	if err := o.checkOut(); err != nil {
		return err
	}
	o.plain = true // a screen for each step would come and go
	l.result.Started = a.now().UTC()
	found, err := scenarios.FindCapacity(ctx, search, l.try)
	if err != nil {
		return err
	}
	l.result.Capacity = *found
	return l.conclude()
}

// prepare finds out what is searched, and where.
func (l *limitSearch) prepare() (search scenarios.CapacitySearch, err error) {
	name := "steady"
	if len(l.scenarios) > 0 {
		name = l.scenarios[0]
	}
	if l.scenario, err = scenarioOf(l.app, name); err != nil {
		return search, err
	}
	if len(l.scenario.Variants) > 0 {
		return search, usagef("%s is an experiment, of which there is no limit to find", l.scenario.Name)
	}
	if l.scale, err = l.scaleOf(l.scenario); err != nil {
		return search, err
	}
	for _, stage := range l.scenario.Stages {
		search.Start = max(search.Start, stage.From*l.scale.Rate, stage.To*l.scale.Rate)
	}
	search.UpTo, search.Precision = limitUpTo*search.Start, limitPrecision
	if l.upTo != "" {
		upTo, err := units.Parse(l.upTo, units.PerSecond)
		if err != nil || !upTo.Exact() {
			return search, usagef("--up-to %s: accepted is one rate, as in 50K/s", l.upTo)
		}
		search.UpTo = upTo.High
		search.Start = min(search.Start, search.UpTo)
	}
	if err := search.Check(); err != nil {
		return search, usagef("--find-limit: %w", err)
	}
	// A plateau that cannot be made is told of before anything is started.
	if _, err = l.run(l.app, l.scenarioAt(search.Start), nil, nil, l.scale, l.plan); err != nil {
		return search, err
	}
	l.result = scenarios.CapacityResult{
		Schema: scenarios.Schema, Scenario: l.scenario.Name, Profile: l.profile,
		Batch: l.batch, Seed: l.seed, Plateau: l.step().Seconds(), LeftOut: l.result.LeftOut,
	}
	return search, nil
}

// scenarioAt is the scenario of a step.
func (l *limitSearch) scenarioAt(rate float64) (s *scenarios.Scenario) {
	length := time.Duration(float64(l.step()) / l.scale.Time)
	s, l.result.LeftOut = l.scenario.Plateau(rate/l.scale.Rate, length)
	return s
}

// try runs a step.
func (l *limitSearch) try(ctx context.Context, rate float64) (*scenarios.Result, error) {
	l.steps++
	l.app.log.Info("a step of the search begins", "step", l.steps, "rate", rate)
	run, err := l.run(l.app, l.scenarioAt(rate), nil, nil, l.scale, l.plan)
	if err != nil {
		return nil, err
	}
	result, err := l.watch(ctx, l.app, run, func(ctx context.Context, a *app) (*scenarios.Result, error) {
		return l.place.do(ctx, a, run, l.loadtestOptions)
	})
	if result == nil {
		return nil, err
	}
	l.result.Plan, l.result.Environment = result.Plan, result.Environment
	if l.out != "" {
		path := filepath.Join(l.out, fmt.Sprintf("step-%d", l.steps), reports.ResultFile)
		err = errors.Join(err, reports.WriteFile(path, func(w io.Writer) error { return reports.ResultJSON(w, result) }))
	}
	return result, err
}

// describe says what would be done.
func (l *limitSearch) describe(search scenarios.CapacitySearch) error {
	return write(l.app, fmt.Appendf(nil, "%s against %s: the most that holds, from %.6g/s on and up to %.6g/s, in steps of %v\n",
		l.scenario.Name, l.place, search.Start, search.UpTo, l.step()))
}

// conclude writes what was found.
func (l *limitSearch) conclude() error {
	var files []string
	var failed error
	if l.out != "" {
		path := filepath.Join(l.out, capacityFile)
		failed = reports.WriteFile(path, func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			encoder.SetIndent("", "  ")
			return encoder.Encode(&l.result)
		})
		files = append(files, path)
	}
	failed = errors.Join(failed, reports.Capacity(l.app.stdout, &l.result, terminalOf(l.app.stdout, l.app.getenv), files...))
	return errors.Join(endOfSearch(&l.result.Capacity), failed)
}

// endOfSearch gives the end of the command: a limit that was found is what was
// asked for, and so is that there is none up to where it was looked for.
func endOfSearch(c *scenarios.Capacity) error {
	switch {
	case c.Interrupted:
		return errInterrupted
	case c.Unclear != nil && (c.Failed == nil || *c.Unclear < *c.Failed):
		return errInconclusive
	case c.Held == nil:
		return errCheckFailed
	}
	return nil
}
