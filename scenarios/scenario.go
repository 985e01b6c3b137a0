package scenarios

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

//go:embed *.yaml
var files embed.FS

// Scenario is a load, and what must hold under it, at full scale.
type Scenario struct {
	Name     string
	About    string  // in one line
	Stages   []Stage // one after the other
	Mix      Mix
	Profiles map[string]Scale // how it is scaled down, by profile
	Drain    time.Duration    // how long the system may take to end what is in flight after the last stage
	Plan     []PlanValue      // what of the plan is different for it
	Faults   []Fault
	Variants []Variant // of an experiment; none of a plain scenario
	Checks   []Expectation
}

// Stage is a part of a load: the rate goes from one value to the other in a
// straight line.
type Stage struct {
	Name string
	From float64 // notifications a second
	To   float64
	For  time.Duration
}

// Mix is what the notifications are made up of. A nil map or skew is the
// plan's.
type Mix struct {
	Channels   map[pipeline.Channel]float64
	Priorities map[pipeline.Priority]float64
	Categories map[pipeline.Category]float64
	UserSkew   *float64
}

// Scale multiplies a scenario's rates and the lengths of its stages.
type Scale struct {
	Rate float64
	Time float64
}

// The profiles. Full is the reference's numbers; the others are each
// scenario's own.
const (
	Smoke = "smoke"
	CI    = "ci"
	Full  = "full"
)

// Profiles lists the names of the profiles, smallest first.
func Profiles() []string { return []string{Smoke, CI, Full} }

const (
	// shortestStage is the least that a stage lasts, however it is scaled:
	// less shows nothing.
	shortestStage = 2 * time.Second
	defaultDrain  = time.Minute
)

// Scale gives the scale of a profile.
func (s *Scenario) Scale(profile string) (Scale, error) {
	if scale, ok := s.Profiles[profile]; ok {
		return scale, nil
	}
	return Scale{}, fmt.Errorf("profile %q: accepted are %s", profile, strings.Join(Profiles(), ", "))
}

// length is how long the load takes at full scale.
func (s *Scenario) length() time.Duration {
	var all time.Duration
	for _, stage := range s.Stages {
		all += stage.For
	}
	return all
}

// Scaled gives the stages at a scale, none shorter than 2 s.
func (s *Scenario) Scaled(scale Scale) []Stage {
	stages := make([]Stage, len(s.Stages))
	for i, stage := range s.Stages {
		stage.From *= scale.Rate
		stage.To *= scale.Rate
		stage.For = max(time.Duration(float64(stage.For)*scale.Time), shortestStage)
		stages[i] = stage
	}
	return stages
}

// schedule turns stages of notifications into a schedule of requests.
func schedule(stages []Stage, batch int) (*load.Schedule, error) {
	requests := make([]load.Stage, len(stages))
	for i, s := range stages {
		requests[i] = load.Stage{Name: s.Name, From: s.From / float64(batch), To: s.To / float64(batch), For: s.For}
	}
	return load.NewSchedule(requests)
}

// Standard lists the scenarios that a system must hold under, in the order in
// which they are run.
func Standard() []string {
	return []string{"steady", "peak", "spike", "endurance", "provider-failure"}
}

// Experiments lists the scenarios that measure what a choice is worth.
func Experiments() []string { return []string{"batching", "pooling"} }

// Names lists the scenarios that come with the program, experiments last.
func Names() []string { return slices.Concat(Standard(), Experiments()) }

// Named gives one of the scenarios that come with the program.
func Named(name string) (*Scenario, error) {
	for _, known := range Names() {
		if name != known {
			continue
		}
		text, err := files.ReadFile(name + ".yaml")
		if err != nil {
			panic("BUG: a scenario is missing from the program: " + err.Error())
		}
		s, err := Parse(name+".yaml", text)
		if err != nil {
			panic("BUG: a scenario of the program is invalid: " + err.Error())
		}
		return s, nil
	}
	return nil, fmt.Errorf("scenario %q: accepted are %s, or the name of a file", name, strings.Join(Names(), ", "))
}
