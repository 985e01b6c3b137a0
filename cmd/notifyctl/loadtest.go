package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// loadtestOptions are the flags and arguments of loadtest.
type loadtestOptions struct {
	planOptions
	keyOptions
	engineOptions
	foreignOptions
	shardOptions
	limitOptions
	addressOptions
	profileOptions
	outOptions
	require    []string
	batchGiven bool // rather than the default
	scenarios  []string
	profile    string
	rateScale  *float64 // nil: the profile's
	timeScale  *float64
	batch      int
	users      int
	keys       string
	seed       uint64
	target     string
	mock       string
	external   []string
	plain      bool
	quiet      bool
	list       bool
	dryRun     bool
	schema     bool
}

// newLoadtestCommand builds notifyctl loadtest.
func newLoadtestCommand(a *app) *cobra.Command {
	var opts loadtestOptions
	cmd := &cobra.Command{
		Use:   "loadtest [SCENARIO...]",
		Short: "Load a notification system, and say whether it holds",
		Long: `Run scenarios against a notification system and judge what must hold: latency
as clients see it, errors, and the account by id, from what was answered 202 to
what reached a provider. SCENARIO is one that comes with the program (see
--list), all of them, or a file; the default is steady.

Without --target the whole system and its mock providers are started in this
process and stopped at the end; --data and the engines' flags say what it stands
on, as those of serve do. With it, a running server is loaded; --mock
names the mock providers that it sends to, whose ledger tells what is lost or
was sent twice. Only addresses of this machine are loaded, unless
--allow-external names the host. Where the server has API keys, it takes one
with the scopes send, send_to and read.

A --target with a path is any other system, and is called as it is: --header,
--body (a template) and --accept say how. What such a system would have to tell
of itself is not observed; the mock providers may be its own.

--shard 2/8 --start-at TIME sends a part of the load, so that several machines
load one target together; report merge puts their results together. --find-limit
looks for the most that holds.

On a terminal a live screen shows how it goes: ? says what its keys do, q leaves
it and lets the test go on, x ends the test, whose result is then of what was
done. Elsewhere, and with --plain, a status line a second says it.

Latency counts from when a request was due by the schedule, so that a stalled
system cannot hide behind requests that were not sent. A check that nobody
could observe is never a pass.

Exit codes: 0 all checks passed; 99 one did not hold; 111 inconclusive; 105
interrupted, with the result so far; 104 bad flags, plan or scenario; 1 the
target does not answer.`,
		Example: `  notifyctl loadtest
  notifyctl loadtest steady --profile ci --out out
  notifyctl loadtest --rate-scale 1 --time-scale 0.0167
  notifyctl loadtest --kafka 127.0.0.1:9092 --redis 127.0.0.1:6379 --cassandra 127.0.0.1 \
       --postgres postgres://127.0.0.1/shard0 --postgres postgres://127.0.0.1/shard1
  notifyctl loadtest --schema >scenario.schema.json     # for your editor
  notifyctl loadtest --target http://127.0.0.1:8080 --mock http://127.0.0.1:8090
  notifyctl loadtest --target http://127.0.0.1:9000/api/send --header 'Authorization: Bearer $TOKEN' \
       --body body.json --accept 'status==202 && json.queued==true'
  notifyctl loadtest --target http://127.0.0.1:8080 --shard 1/4 --start-at 2026-11-24T10:00:00Z --out shard-1
  notifyctl loadtest --find-limit --up-to 50K/s`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.scenarios = args
			opts.batchGiven = cmd.Flags().Changed("batch")
			opts.rememberFlags(cmd)
			return runLoadtest(cmd.Context(), a, opts)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return append(scenarios.Names(), "all"), cobra.ShellCompDirectiveDefault
		},
	}
	opts.register(cmd)
	return cmd
}

// register adds the flags.
func (o *loadtestOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	o.planOptions.register(flags)
	o.keyOptions.register(flags)
	o.engineOptions.register(flags)
	o.foreignOptions.register(flags)
	o.shardOptions.register(flags)
	o.limitOptions.register(flags)
	o.outOptions.register(flags)
	o.addressOptions.register(cmd)
	o.profileOptions.register(flags)
	choiceVar(cmd, flags, &o.profile, "profile", "", scenarios.Smoke, "how much of the scenario to run", scenarios.Profiles()...)
	flags.Var(optionalFloat{&o.rateScale}, "rate-scale", "`factor` on the rates, 1 being the scenario's own (default: the profile's)")
	flags.Var(optionalFloat{&o.timeScale}, "time-scale", "`factor` on the lengths of the stages (default: the profile's)")
	flags.IntVar(&o.batch, "batch", 100, "`notifications` a request, 1 to 1000")
	o.users = 100_000
	flags.Var(wholeNumber{&o.users}, "users", "`number` of users that are written to, as in 5M")
	choiceVar(cmd, flags, &o.keys, "keys", "", string(load.KeyPerRequest), "where idempotency keys go",
		string(load.KeyPerRequest), string(load.KeyPerEntry), string(load.NoKeys))
	flags.Uint64Var(&o.seed, "seed", 1, "`number` that the traffic follows from")
	flags.StringVar(&o.target, "target", "", "`URL` of a running server to load (default: one is started)")
	flags.StringVar(&o.mock, "mock", "", "`URL` of the mock providers that the target sends to")
	flags.StringArrayVar(&o.require, "require", nil, "let the check of this `name` fail if nobody could see what it is about; repeatable")
	flags.StringArrayVar(&o.external, "allow-external", nil, "load this `host` although it is not this machine; repeatable")
	flags.BoolVar(&o.plain, "plain", false, "a status line a second instead of the live screen")
	flags.BoolVar(&o.quiet, "quiet", false, "neither, only the result")
	flags.BoolVar(&o.list, "list", false, "list the scenarios")
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what would be done")
	flags.BoolVar(&o.schema, "schema", false, "print the JSON Schema of scenario files instead")
}

// runLoadtest runs the scenarios one after the other. All that can be wrong
// with the command line is found before the first is started.
func runLoadtest(ctx context.Context, a *app, opts loadtestOptions) error {
	switch {
	case opts.list:
		return listScenarios(a)
	case opts.schema:
		schema, err := scenarios.FileSchema()
		if err != nil {
			return err
		}
		return write(a, schema)
	}
	if err := errors.Join(opts.readForeign(a), opts.readShard(a), opts.checkLimit(), opts.checkAddresses(), opts.checkProfiles(), opts.readBaselines(a)); err != nil {
		return err
	}
	plan, err := opts.document(a)
	if err != nil {
		return err
	}
	if opts.findLimit {
		return opts.findCapacity(ctx, a, plan)
	}
	runs, err := opts.prepare(a, plan)
	if err != nil {
		return err
	}
	if err := opts.checkStart(len(runs)); err != nil {
		return err
	}
	place, err := opts.place(ctx, a)
	if err != nil {
		return err
	}
	if err := place.refuseFaults(runs); err != nil {
		return err
	}
	if opts.dryRun {
		return describeRuns(a, runs, place)
	}
	if err := opts.checkOut(); err != nil {
		return err
	}
	stopProfiles, err := startProfiles(ctx, a.log, opts.pprof, nil)
	if err != nil {
		return err
	}
	var ends error
	for _, run := range runs {
		end := opts.one(ctx, a, run, place, len(runs) > 1)
		ends = errors.Join(ends, end)
		if ctx.Err() != nil || errors.Is(end, errInterrupted) {
			break
		}
	}
	return errors.Join(ends, stopProfiles())
}

// prepare reads the scenarios and checks them together with the flags.
func (o *loadtestOptions) prepare(a *app, plan planner.Document) ([]*scenarios.Run, error) {
	names := o.scenarios
	if len(names) == 0 {
		names = []string{"steady"}
	}
	var runs []*scenarios.Run
	for _, name := range names {
		if name == "all" {
			all := *o
			all.scenarios = scenarios.Standard()
			more, err := all.prepare(a, plan)
			if err != nil {
				return nil, err
			}
			runs = append(runs, more...)
			continue
		}
		scenario, err := scenarioOf(a, name)
		if err != nil {
			return nil, err
		}
		more, err := o.runsOf(a, scenario, plan)
		if err != nil {
			return nil, err
		}
		runs = append(runs, more...)
	}
	return runs, nil
}

// scaleOf gives the profile's scale of a scenario, or what the flags say.
func (o *loadtestOptions) scaleOf(s *scenarios.Scenario) (scenarios.Scale, error) {
	scale, err := s.Scale(o.profile)
	if err != nil {
		return scale, &usageError{err}
	}
	if o.rateScale != nil {
		scale.Rate = *o.rateScale
	}
	if o.timeScale != nil {
		scale.Time = *o.timeScale
	}
	return scale, nil
}

// runsOf makes the run of a scenario, or one for each variant of an experiment.
func (o *loadtestOptions) runsOf(a *app, s *scenarios.Scenario, plan planner.Document) ([]*scenarios.Run, error) {
	scale, err := o.scaleOf(s)
	if err != nil {
		return nil, err
	}
	if len(s.Variants) == 0 {
		run, err := o.run(a, s, nil, nil, scale, plan)
		return []*scenarios.Run{run}, err
	}
	if o.target != "" {
		return nil, usagef("%s is an experiment, which runs each of its variants on a system of its own: leave --target out", s.Name)
	}
	var runs []*scenarios.Run
	for i := range s.Variants {
		run, err := o.run(a, s, &s.Variants[i], runs, scale, plan)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func (o *loadtestOptions) run(a *app, s *scenarios.Scenario, v *scenarios.Variant, earlier []*scenarios.Run, scale scenarios.Scale, document planner.Document) (*scenarios.Run, error) {
	plan, err := o.planOf(a, document, s, v, scale)
	if err != nil {
		return nil, err
	}
	_, prices, err := promises(plan)
	if err != nil {
		return nil, err
	}
	run, err := scenarios.NewRun(scenarios.Options{
		Scenario: s, Variant: v, Earlier: earlier, Profile: o.profile, Scale: scale, Plan: plan,
		Batch: o.batch, Users: o.users, Keys: load.Keys(o.keys), Seed: o.seed,
		Addresses: load.Addresses(o.addresses),
		Part:      o.part, Foreign: o.spoken, Require: o.require,
		Prices: &prices, Version: buildVersion().String(),
	})
	if err != nil {
		return nil, &usageError{err}
	}
	return run, nil
}

// scenarioOf finds a scenario by its name, or reads it from a file: whatever
// has a dot or a slash in it is one.
func scenarioOf(a *app, name string) (*scenarios.Scenario, error) {
	if name == "-" || strings.ContainsAny(name, `./\`) {
		file, text, err := readDocument(a, name)
		if err != nil {
			return nil, err
		}
		return scenarios.Parse(file, text)
	}
	scenario, err := scenarios.Named(name)
	if err != nil {
		return nil, &usageError{err}
	}
	return scenario, nil
}

// one runs one scenario, writes its result and says how it ended.
func (o *loadtestOptions) one(ctx context.Context, a *app, run *scenarios.Run, place place, several bool) error {
	result, failed := o.watch(ctx, a, run, func(ctx context.Context, a *app) (*scenarios.Result, error) {
		return place.do(ctx, a, run, o)
	})
	if result == nil {
		return failed
	}
	// There is a result, even if the system could not be stopped in order.
	result.Command = o.command(run.Scenario(), o.scenarios)
	return errors.Join(o.conclude(a, run.Scenario(), result, several), failed)
}

// endOf gives the end of the command for a verdict.
func endOf(v scenarios.Verdict) error {
	switch v {
	case scenarios.Pass:
		return nil
	case scenarios.Fail:
		return errCheckFailed
	case scenarios.Interrupted:
		return errInterrupted
	case scenarios.Inconclusive, scenarios.NotObserved:
	}
	return errInconclusive
}

// listScenarios says what there is to run.
func listScenarios(a *app) error {
	var b strings.Builder
	for _, name := range scenarios.Names() {
		s, err := scenarios.Named(name)
		if err != nil {
			return err
		}
		if len(s.Variants) > 0 {
			s.About = "experiment: " + s.About
		}
		fmt.Fprintf(&b, "%-18s %s\n", name, s.About)
	}
	return write(a, []byte(b.String()))
}

// describeRuns says what would be done.
func describeRuns(a *app, runs []*scenarios.Run, p place) error {
	var b strings.Builder
	for _, run := range runs {
		fmt.Fprintf(&b, "%s against %s\n", run.Scenario(), p)
		for _, line := range run.Describe() {
			fmt.Fprintf(&b, "  %s\n", reports.Clean(line))
		}
	}
	return write(a, []byte(b.String()))
}
