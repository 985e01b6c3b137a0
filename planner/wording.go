package planner

import "github.com/notifyctl/notifyctl/planner/units"

// count writes a number of things for a finding.
func count(v float64) string { return ofCount(units.Exactly(v)) }

// ofCount writes a number of things that may be a range.
func ofCount(r units.Range) string { return units.Humanize(units.Whole, r) }

// ofSize writes a number of bytes.
func ofSize(r units.Range) string { return units.Humanize(units.ByteSize, r) }
