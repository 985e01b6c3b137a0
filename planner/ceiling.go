package planner

import (
	"slices"
	"strings"
)

// A ceiling is a number of the plan that a need must not exceed, and with it the
// most that the system carries.
type ceiling struct {
	title    string // what is short, in a few words: "kafka disk a broker"
	need     string // the figure that rises with demand
	capacity Input  // what the plan gives: a key or a figure
	share    Input  // of the capacity that may be used, if not all of it
	driver   driver
	lead     string // the key of the time that more of it takes to get
	action   string // what to do before it breaks, in a few words
}

// A driver is what makes a need grow.
type driver uint8

// The drivers. A need that is driven by the rate counts from today's peak, one
// driven by the volume from today's users.
const (
	byRate driver = iota
	byVolume
)

// ceilings lists every ceiling.
func ceilings() []ceiling {
	return slices.Concat(
		gatewayCeilings(), serviceCeilings(), kafkaCeilings(), workerCeilings(), providerCeilings(),
		postgresCeilings(), cassandraCeilings(), redisCeilings(),
	)
}

// component gives the component that an id belongs to: its first word.
func component(id string) string {
	first, _, _ := strings.Cut(id, ".")
	return first
}

// A Ceiling is how much of its demand a number of a plan carries. Of ranges, the
// safe ends are taken: the greatest need against the least capacity.
type Ceiling struct {
	Component string
	Title     string
	Figure    string  // the id of the need
	Given     string  // the key or the figure that is the capacity
	Need      float64 // in the figure's unit
	Capacity  float64 // what the plan gives, in the same unit
	Share     float64 // of the capacity that may be used
	// Factor is the multiple of the plan's demand up to which it holds. Below 1
	// it is broken today, and 0 is broken at any demand.
	Factor float64
	Never  bool    // it holds at any demand; Factor is then the greatest that was tried
	Needed float64 // the capacity that the plan's own demand takes
	// FlipsAt is the capacity at which the order turns: of the tightest ceiling,
	// that from which the next one binds first; of any other, that below which it
	// does so itself.
	FlipsAt float64
	Action  string
	Date    Date // when growth breaks it; zero if not within the years of the plan
	OrderBy Date // Date less the lead time
}
