package scenarios

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Plateau gives the scenario with one stage of a constant rate in place of its
// own: what a search for the most that holds runs at every step. Faults have no
// place in it, nor have checks that are about one of the stages, about a slope,
// for which it is too short, or about scaling, which a constant rate asks for
// once; their names are given, too. Rate and length are at full scale.
func (s *Scenario) Plateau(rate float64, length time.Duration) (plateau *Scenario, left []string) {
	p := *s
	p.Stages = []Stage{{Name: "plateau", From: rate, To: rate, For: length}}
	p.Faults, p.Variants, p.Checks = nil, nil, nil
	for _, c := range s.Checks {
		apart := strings.HasPrefix(c.Metric, "slope.") || strings.HasPrefix(c.Metric, "scaling.") || c.Ratio != (Ratio{})
		if apart || c.During != "" && c.During != Drain {
			left = append(left, c.Name)
			continue
		}
		p.Checks = append(p.Checks, c)
	}
	return &p, left
}

// CapacitySearch says where to look for the most that a system holds.
type CapacitySearch struct {
	Start float64 // notifications a second that are tried first
	UpTo  float64 // the most that is tried
	// Precision is how near the last good and the first bad rate come: 0.05 is
	// within 5 %.
	Precision float64
}

// mostHalvings bounds how far a search goes down from its start.
const mostHalvings = 6

// Check refuses a search that could not find anything.
func (c CapacitySearch) Check() error {
	switch {
	case !(c.Start > 0):
		return fmt.Errorf("a search that begins at %g/s: accepted is above 0", c.Start)
	case !(c.UpTo >= c.Start):
		return fmt.Errorf("a search up to %.6g/s that begins at %.6g/s: accepted is a limit that is not below the beginning", c.UpTo, c.Start)
	case !(c.Precision > 0):
		return fmt.Errorf("a precision of %g: accepted is above 0", c.Precision)
	}
	return nil
}

// Capacity is what a search for the most that holds has found.
type Capacity struct {
	// Held is the highest rate that held; nil when none did.
	Held *float64 `json:"held"`
	// Failed is the lowest rate above it that did not, twice; nil when none
	// failed.
	Failed *float64 `json:"failed"`
	// Tripped are the checks that did not hold at that rate.
	Tripped []Check `json:"tripped"`
	// Unclear is the lowest rate above Held of which it could not be told whether
	// it holds, mostly because the generator could not send it, and Why says why.
	Unclear *float64       `json:"unclear"`
	Why     string         `json:"why"`
	UpTo    float64        `json:"up_to"` // the most that was to be tried
	Steps   []CapacityStep `json:"steps"` // in the order they were run
	// Interrupted says that the search was ended before its time.
	Interrupted bool `json:"interrupted"`
}

// CapacityStep is one run of a search.
type CapacityStep struct {
	Rate      float64    `json:"rate"` // notifications a second that were offered
	Verdict   Verdict    `json:"verdict"`
	Achieved  float64    `json:"achieved"`  // sent / offered
	Saturated bool       `json:"saturated"` // whether the generator is to blame for what was not sent
	Latency   *Latencies `json:"latency"`   // from the schedule
	Tripped   []Check    `json:"tripped"`   // the checks that did not hold, or could not be told
	Run       string     `json:"run"`       // the run's name, as in its result.json
}

// FindCapacity looks for the highest rate at which a run's checks hold. It doubles
// the rate until one does not hold, or halves it until one does, and then goes
// between the two until they are near each other. A rate counts as one that does
// not hold when it failed twice. Try runs the scenario at a rate, on a system that
// has nothing left of the run before; it is an error only when it could not.
func FindCapacity(ctx context.Context, search CapacitySearch, try func(ctx context.Context, rate float64) (*Result, error)) (*Capacity, error) {
	if err := search.Check(); err != nil {
		return nil, err
	}
	s := &capacitySearch{CapacitySearch: search, try: try, found: Capacity{UpTo: search.UpTo, Tripped: []Check{}, Steps: []CapacityStep{}}}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return &s.found, nil
}

// CapacityResult is what capacity.json holds: what was found, and of what.
type CapacityResult struct {
	Schema      int         `json:"schema"`
	Scenario    string      `json:"scenario"`
	Profile     string      `json:"profile"`
	Plan        PlanName    `json:"plan"`
	Environment Environment `json:"environment"`
	Started     time.Time   `json:"started"`
	Batch       int         `json:"batch"` // notifications a request
	Seed        uint64      `json:"seed"`
	Plateau     float64     `json:"plateau_s"` // the length of a step
	LeftOut     []string    `json:"left_out"`  // checks of the scenario that a step cannot say anything of
	Capacity
}

// capacitySearch is a search under way.
type capacitySearch struct {
	CapacitySearch
	try   func(ctx context.Context, rate float64) (*Result, error)
	found Capacity
}

func (s *capacitySearch) run(ctx context.Context) error {
	for rate, halvings := s.Start, 0; ; {
		if err := s.step(ctx, rate); err != nil || s.found.Interrupted {
			return err
		}
		above := s.above()
		switch held := s.found.Held; {
		case held == nil && halvings == mostHalvings:
			return nil
		case held == nil:
			rate, halvings = rate/2, halvings+1
		case above == 0 && *held >= s.UpTo:
			return nil // all of it holds
		case above == 0:
			rate = min(*held*2, s.UpTo)
		case above <= *held*(1+s.Precision):
			return nil
		default:
			rate = math.Sqrt(*held * above)
		}
	}
}

// above is the lowest rate that is known not to be one that holds; 0 when there is
// none.
func (s *capacitySearch) above() float64 {
	switch failed, unclear := s.found.Failed, s.found.Unclear; {
	case failed == nil && unclear == nil:
		return 0
	case failed == nil:
		return *unclear
	case unclear == nil:
		return *failed
	default:
		return min(*failed, *unclear)
	}
}

// step tries a rate, a second time when it did not hold, and takes down what came
// of it.
func (s *capacitySearch) step(ctx context.Context, rate float64) error {
	for attempt := 1; ; attempt++ {
		result, err := s.try(ctx, rate)
		switch {
		case err != nil && ctx.Err() != nil:
			s.found.Interrupted = true
			return nil
		case err != nil:
			return err
		}
		step := stepOf(rate, result)
		s.found.Steps = append(s.found.Steps, step)
		switch {
		case result.Verdict == Interrupted || ctx.Err() != nil:
			s.found.Interrupted = true
			return nil
		case step.Verdict == Pass:
			s.hold(rate)
			return nil
		case attempt == 1:
			continue // once may be chance
		case step.Saturated || step.Verdict != Fail:
			s.found.Unclear, s.found.Why = &rate, step.why()
		default:
			s.found.Failed, s.found.Tripped = &rate, step.Tripped
		}
		return nil
	}
}

// hold notes a rate that held.
func (s *capacitySearch) hold(rate float64) {
	s.found.Held = &rate
	if u := s.found.Unclear; u != nil && *u <= rate {
		s.found.Unclear, s.found.Why = nil, ""
	}
}

// stepOf reads a run's result. A failure where the generator itself did not send
// what it should is none of the system's.
func stepOf(rate float64, r *Result) CapacityStep {
	step := CapacityStep{
		Rate: rate, Verdict: r.Verdict, Achieved: r.Generator.Achieved, Latency: r.Generator.Latency, Run: r.Generator.Run, Tripped: []Check{},
	}
	for _, c := range r.Checks {
		if c.Verdict == Fail || c.Verdict == Inconclusive {
			step.Tripped = append(step.Tripped, c)
		}
	}
	failed := func(c Check) bool { return c.Verdict == Fail }
	if slices.ContainsFunc(step.Tripped, failed) {
		step.Tripped = slices.DeleteFunc(step.Tripped, func(c Check) bool { return c.Verdict != Fail })
	}
	var offered, dropped uint64
	for _, stage := range r.Stages {
		offered, dropped = offered+stage.Requests.Offered, dropped+stage.Requests.Dropped
	}
	own := float64(dropped - min(dropped, r.Generator.DroppedHeld))
	step.Saturated = step.Achieved < leastAchieved && own > (1-leastAchieved)*float64(offered)
	return step
}

// why says why it could not be told whether a step holds.
func (s *CapacityStep) why() string {
	if s.Saturated {
		return fmt.Sprintf("the generator sent %.4g %% of it", s.Achieved*100)
	}
	for _, c := range s.Tripped {
		if c.Why != "" {
			return c.Name + ": " + c.Why
		}
	}
	return "no check was observed"
}
