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

// A Ceiling is how much of its demand a plan's number carries.
type Ceiling struct {
	Component string
	Title     string
	Figure    string  // the id of the need
	Need      float64 // in the figure's unit
	Capacity  float64 // what the plan gives, in the same unit
	// Factor is the multiple of the plan's demand at which it breaks;
	// below 1 it is broken.
	Factor  float64
	Action  string
	Date    Date // when growth breaks it; zero if not within the years of the plan
	OrderBy Date // Date less the lead time
}
