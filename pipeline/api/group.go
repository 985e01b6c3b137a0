package api

// Group is a part of the dashboard: docs/metrics.md lists the groups, which are
// always all there, and their readings.
type Group struct {
	Name     string    `json:"name"`
	Readings []Reading `json:"readings"`
}

// Reading is one number of the dashboard: a rate, a share or a percentile over
// the last minute, or a size of the moment.
type Reading struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	Unit   string            `json:"unit"`
	Metric string            `json:"metric"` // that it is read from
	// Value is nil where there was nothing to read it from, like a percentile
	// of no requests.
	Value *float64 `json:"value"`
	// Target is what the plan promises, if anything; Met says whether the value
	// is within it, if there is one.
	Target *Target `json:"target,omitempty"`
	Met    *bool   `json:"met,omitempty"`
}

// Target bounds a reading at one end or both.
type Target struct {
	AtLeast *float64 `json:"at_least,omitempty"`
	AtMost  *float64 `json:"at_most,omitempty"`
}
