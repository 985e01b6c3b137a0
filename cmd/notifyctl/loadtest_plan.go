package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/scenarios"
)

// planOf gives the plan of a scenario's run: the user's, with the values that
// the scenario and its variant bring, at the run's scale. What is set on the
// command line stands above those. A target has a plan of its own, which nobody
// changes from here.
func (o *loadtestOptions) planOf(a *app, user planner.Document, s *scenarios.Scenario, v *scenarios.Variant, scale scenarios.Scale) (*planner.Plan, error) {
	values := slices.Clone(s.Plan)
	if v != nil {
		values = append(values, v.Plan...)
	}
	brought := scenarios.Assignments(values, scale.Rate)
	if o.target != "" {
		if len(brought) > 0 {
			a.log.Warn("the target keeps its own plan; the scenario is meant for one with other values", "scenario", s.Name, "values", strings.Join(brought, ", "))
		}
		return planner.Load(user)
	}
	user.Assignments = slices.Concat(brought, user.Assignments)
	plan, err := planner.Load(user)
	if err != nil && len(brought) > 0 {
		return nil, fmt.Errorf("the plan with the values of scenario %s, %s:\n%w", s.Name, strings.Join(brought, ", "), err)
	}
	return plan, err
}

// refuseFaults refuses runs whose faults nobody there could make happen.
func (p place) refuseFaults(runs []*scenarios.Run) error {
	if p.target == nil {
		return nil
	}
	for _, run := range runs {
		providers, regions := run.Needs()
		switch {
		case providers && p.mock == nil:
			return usagef("scenario %s has providers fail, which is done at the mock providers that the target sends to: name them by --mock URL, or leave --target out", run.Scenario())
		case regions:
			return usagef("scenario %s loses regions, which can be done in a system that is started for it alone: leave --target out", run.Scenario())
		}
	}
	return nil
}
