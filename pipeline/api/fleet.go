package api

import "time"

// Region is one region that requests are balanced over.
type Region struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"` // its share of the requests is this over the sum of all
	Lost   bool    `json:"lost"`
	// Notifications is what its gateways were given, and Refused the requests
	// of its share that no gateway had room for. Both are cumulative.
	Notifications int64     `json:"notifications"`
	Refused       int64     `json:"refused"`
	Gateways      []Gateway `json:"gateways"`
}

// Gateway is one gateway of a region. But for InFlight its numbers are
// cumulative.
type Gateway struct {
	Name          string `json:"name"`
	State         string `json:"state"`     // serving, unready, ejected, draining or lost
	InFlight      int64  `json:"in_flight"` // requests
	Requests      int64  `json:"requests"`
	Notifications int64  `json:"notifications"`
	Failed        int64  `json:"failed"`  // requests that it failed
	Dropped       int64  `json:"dropped"` // answers that reached nobody
}

// Scaling is how workers and gateways are scaled.
type Scaling struct {
	Policy string         `json:"policy"` // of the workers
	Groups []ScaledGroup  `json:"groups"`
	Events []ScalingEvent `json:"events"` // the last ones, oldest first
	// The control times, as they are scaled.
	EveryMS      int64 `json:"every_ms"`       // from one look to the next
	StartDelayMS int64 `json:"start_delay_ms"` // until what is added serves
}

// ScaledGroup is a channel's workers or a region's gateways.
type ScaledGroup struct {
	Kind     string `json:"kind"` // workers or gateways
	Name     string `json:"name"` // of the channel or region
	Min      int    `json:"min"`
	Max      int    `json:"max"`
	Wished   int    `json:"wished"`  // by policy, whatever the bounds
	Desired  int    `json:"desired"` // the wish, within the bounds
	Running  int    `json:"running"`
	Starting int    `json:"starting"` // they do not serve yet
}

// ScalingEvent is something that scaling did.
type ScalingEvent struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Name string    `json:"name"`
	Text string    `json:"text"` // as in "push wants 20 workers"
}
