package planner

import "math"

// wholes gives the number of whole things that make up v. A part of 1e-12 of
// it is taken for rounding of the arithmetic before, which must not buy a
// thing more: a share of 7 % of 50,000/s is a little over 3,500/s in floats.
func wholes(v float64) float64 { return math.Ceil(v * (1 - 1e-12)) }

// spareZone gives how many things have to be spread evenly over the zones so
// that n are left when the largest zone is lost: the least N with N - N/zones
// >= n, which is n x zones / (zones - 1).
//
// Nothing is left of a single zone. One zone is therefore counted as two, the
// least that can do it, and the audit says that there is no second.
func spareZone(n, zones float64) float64 {
	zones = max(zones, 2)
	return wholes(n * zones / (zones - 1))
}

// regionShare gives how many of n things each region needs so that the
// survivors of a lost one carry all: an equal share of n, times regions /
// (regions - 1). A single region carries all, and has no survivors.
func regionShare(n, regions float64) float64 { return wholes(n / max(regions-1, 1)) }

// perRegion is the figure of what each region needs of a fleet.
func perRegion(id, title string, of Figure) Figure {
	return Figure{
		ID: id, Title: title, Unit: of.Unit,
		Formula: "ceil(" + of.ID + " / max(workload.regions - 1, 1))",
		Inputs:  []Input{figure(of.ID), key("workload.regions").falling()},
		Compute: func(in []float64) float64 { return regionShare(in[0], in[1]) },
	}
}
