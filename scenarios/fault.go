package scenarios

import (
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// Fault goes wrong on purpose while a stage lasts, or for a part of it.
type Fault struct {
	During string        // the stage
	At     time.Duration // since its start, at full scale
	For    time.Duration // 0 is to the stage's end
	// Provider is what the mock providers are to do; nil for a region. Its
	// times are not set.
	Provider *mockproviders.Fault
	// Region is what is lost, and comes back: a region, or a gateway of one;
	// empty for a provider.
	Region string
}

// text says what goes wrong, as in "sendgrid: outage".
func (f *Fault) text() string {
	if f.Provider == nil {
		return f.Region + ": " + lostFault
	}
	return f.Provider.Provider + ": " + string(f.Provider.Kind)
}

// until is when it ends in a stage of a length.
func (f *Fault) until(stage time.Duration) time.Duration {
	if f.For == 0 {
		return stage
	}
	return f.At + f.For
}

// overlaps says whether two faults of one stage are there at once.
func (f *Fault) overlaps(other *Fault, stage time.Duration) bool {
	return f.At < other.until(stage) && other.At < f.until(stage)
}

// contradicts says whether of two faults at once, this one first, the other
// could never show, or would be ended by the end of this one.
func (f *Fault) contradicts(other *Fault) bool {
	switch {
	case f.Provider == nil && other.Provider == nil:
		return within(f.Region, other.Region) || within(other.Region, f.Region)
	case f.Provider == nil || other.Provider == nil || f.Provider.Provider != other.Provider.Provider:
		return false
	}
	return f.Provider.Always() && !other.Provider.Beside()
}

// within says whether one is the other, or a gateway of it.
func within(name, region string) bool {
	return name == region || strings.HasPrefix(name, region+"/")
}

// plannedFault is a fault in the time of a run.
type plannedFault struct {
	*Fault
	from, until time.Duration // since the load began
}

// plannedFaults places the faults in the scaled stages. They lie in their stage
// at any scale: their times are scaled as their stage's is.
func (s *Scenario) plannedFaults(scale Scale) []plannedFault {
	var list []plannedFault
	began := time.Duration(0)
	for i, stage := range s.Scaled(scale) {
		whole := s.Stages[i].For
		scaled := func(d time.Duration) time.Duration {
			return time.Duration(float64(stage.For) * (float64(d) / float64(whole)))
		}
		for j := range s.Faults {
			if f := &s.Faults[j]; f.During == stage.Name {
				list = append(list, plannedFault{Fault: f, from: began + scaled(f.At), until: began + min(stage.For, scaled(f.until(whole)))})
			}
		}
		began += stage.For
	}
	return list
}

// script is what the mock providers are told when the load begins. They keep to
// the times by themselves, so that no fault outlasts a run that dies.
func script(faults []plannedFault) mockproviders.Script {
	var s mockproviders.Script
	for _, f := range faults {
		if f.Provider != nil {
			provider := *f.Provider
			// A For of 0 would be for ever.
			provider.At, provider.For = mockproviders.Duration(f.from), mockproviders.Duration(max(1, f.until-f.from))
			s.Faults = append(s.Faults, provider)
		}
	}
	return s
}
