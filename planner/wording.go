package planner

import (
	"strings"

	"github.com/notifyctl/notifyctl/planner/units"
)

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

// dollars writes an amount of money.
func dollars(v float64) string { return ofDollars(units.Exactly(v)) }

// ofDollars writes an amount of money that may be a range.
func ofDollars(r units.Range) string { return units.Humanize(units.DollarsPerMonth, r) }

// enumerate joins what is listed in a sentence: a, b and c.
func enumerate(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}
