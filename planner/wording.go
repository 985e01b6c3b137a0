package planner

import "github.com/notifyctl/notifyctl/planner/units"

// count writes a number of things for a finding.
func count(v float64) string { return ofCount(units.Exactly(v)) }

// ofCount writes a number of things that may be a range.
func ofCount(r units.Range) string { return units.Humanize(units.Whole, r) }

// ofSize writes a number of bytes.
func ofSize(r units.Range) string { return units.Humanize(units.ByteSize, r) }

// size writes one number of bytes.
func size(v float64) string { return ofSize(units.Exactly(v)) }

// ofTime writes a length of time.
func ofTime(r units.Range) string { return units.Humanize(units.Seconds, r) }

// percent writes a share.
func percent(v float64) string { return units.Humanize(units.Ratio, units.Exactly(v)) }
