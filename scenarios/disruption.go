package scenarios

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// Mocks are the mock providers, as far as a run makes them fail;
// [mockproviders.LedgerClient] is one.
type Mocks interface {
	Faults(ctx context.Context) (mockproviders.Script, error)
	SetFaults(ctx context.Context, script mockproviders.Script) error
	ClearFaults(ctx context.Context) error
}

// Regions are those of a system that can be lost and brought back.
type Regions interface {
	Lose(name string) error
	Restore(name string) error
}

// restoreTimeout bounds how long it may take to take a fault back.
const restoreTimeout = 10 * time.Second

// disruption has the faults of a scenario happen during a run.
type disruption struct {
	faults  []plannedFault
	mocks   Mocks   // nil where no provider is at fault
	regions Regions // nil where no region is
	marks   *marks
	log     *slog.Logger
}

// prepareFaults sees that every fault can be made to happen, before anything does.
func (r *Run) prepareFaults(ctx context.Context, b Bench, system *observer) (*disruption, error) {
	d := &disruption{marks: &r.marks, log: b.Log}
	if !r.options.Part.leads() {
		return d, nil
	}
	d.faults = r.options.Scenario.plannedFaults(r.options.Scale)
	providers, regions := r.Needs()
	if providers {
		if d.mocks = b.Mocks; d.mocks == nil {
			panic("BUG: a run with faults of providers, and no mock providers to show them")
		}
		script, err := d.mocks.Faults(ctx)
		if err != nil {
			return nil, fmt.Errorf("the scenario's faults cannot be set: %w", err)
		}
		if n := len(script.Faults); n > 0 {
			return nil, fmt.Errorf("the mock providers already show %d of their own, which the scenario's faults would replace; end them first, by DELETE /_mock/faults, or start the mock providers without --faults", n)
		}
	}
	if regions {
		if d.regions = b.Regions; d.regions == nil {
			panic("BUG: a run with faults of regions, and a system that cannot lose any")
		}
		return d, checkRegions(d.faults, system)
	}
	return d, nil
}

// Needs says which faults of the scenario a bench must be able to show: the mock
// providers', and its regions'.
func (r *Run) Needs() (providers, regions bool) {
	for i := range r.options.Scenario.Faults {
		if r.options.Scenario.Faults[i].Provider != nil {
			providers = true
		} else {
			regions = true
		}
	}
	return providers, regions
}

// checkRegions looks for the regions and gateways that are to be lost.
func checkRegions(faults []plannedFault, system *observer) error {
	if system == nil {
		return nil // losing them will tell
	}
	var names []string
	for _, region := range system.observation().last.Regions {
		names = append(names, region.Name)
		names = append(names, namesOf(region.Gateways)...)
	}
	for _, f := range faults {
		if f.Provider == nil && !slices.Contains(names, f.Region) {
			return fmt.Errorf("the scenario loses %s, and the system has none of that name; it has %s, by deployment.regions and deployment.gateways of the plan", f.Region, strings.Join(names, ", "))
		}
	}
	return nil
}

func namesOf(gateways []api.Gateway) []string {
	names := make([]string, len(gateways))
	for i, g := range gateways {
		names[i] = g.Name
	}
	return names
}

// begin starts the time of the faults, with that of the load. The end that it
// gives takes back all that is left of them, once the load is over or was ended
// early, and says what could not be made to happen, or be taken back.
func (d *disruption) begin(ctx context.Context) (end func() error, err error) {
	if d.mocks != nil {
		if err := d.mocks.SetFaults(ctx, script(d.faults)); err != nil {
			return nil, fmt.Errorf("the scenario's faults cannot be set: %w", errors.Join(err, d.clear(ctx)))
		}
	}
	ctx, stop := context.WithCancel(ctx)
	var lasting sync.WaitGroup
	failed := make([]error, len(d.faults))
	began := time.Now()
	for i := range d.faults {
		lasting.Go(func() { failed[i] = d.show(ctx, &d.faults[i], began) })
	}
	return func() error {
		stop()
		lasting.Wait()
		return errors.Join(append(failed, d.clear(ctx))...)
	}, nil
}

// clear ends what the mock providers show.
func (d *disruption) clear(ctx context.Context) error {
	if d.mocks == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTimeout)
	defer cancel()
	if err := d.mocks.ClearFaults(ctx); err != nil {
		return fmt.Errorf("the mock providers' faults could not be taken back, and end by themselves when their time is over: %w", err)
	}
	return nil
}

// show has one fault happen in its time, or until ctx ends.
func (d *disruption) show(ctx context.Context, f *plannedFault, began time.Time) (failed error) {
	if !sleep(ctx, began.Add(f.from)) {
		return nil
	}
	if f.Provider == nil {
		if err := d.regions.Lose(f.Region); err != nil {
			d.marks.moment(FaultMark, f.text()+": it could not be done")
			return fmt.Errorf("%s was to be lost: %w", f.Region, err)
		}
		defer func() {
			if err := d.regions.Restore(f.Region); err != nil {
				failed = fmt.Errorf("%s was lost and could not be brought back: %w", f.Region, err)
			}
		}()
	}
	d.log.Debug("a fault begins", "fault", f.text())
	defer d.marks.lasting(FaultMark, f.text())()
	sleep(ctx, began.Add(f.until))
	return nil
}

// sleep waits until a time, and says whether ctx lasted as long.
func sleep(ctx context.Context, until time.Time) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
