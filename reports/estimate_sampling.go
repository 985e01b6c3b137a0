package reports

import (
	"fmt"
	"math"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// movedFigure is the figure whose influences an estimate shows.
const movedFigure = "cost.total"

// mostInfluences bounds the inputs that a tornado shows: the rest moves little.
const mostInfluences = 10

// writeSampling writes what the plan's ranges mean: the quantiles of what the
// tables above show, and what moves the cost.
func writeSampling(b *strings.Builder, e *planner.Estimate, s *planner.Sampling, t Terminal) {
	if s == nil || len(s.Drawn) == 0 {
		return
	}
	g := grid{name: "RANGES", columns: []column{
		{}, {title: "p10", right: true}, {title: "p50", right: true}, {title: "p90", right: true},
	}}
	for _, id := range shownIDs(e) {
		if q, ok := s.Quantiles[id]; ok {
			unit := figureNamed(e, id).Unit
			g.row(id, one(unit, q.P10), one(unit, q.P50), one(unit, q.P90))
		}
	}
	b.WriteString("\n")
	g.write(b, t)
	fmt.Fprintf(b, "  %s\n", t.Dim(samplingNote(s)))
	writeTornado(b, e, s, movedFigure, t)
}

// samplingNote says how the quantiles came about.
func samplingNote(s *planner.Sampling) string {
	return fmt.Sprintf("%s, %s with a range, seed %d", Count(int64(s.Samples))+" samples", counted(len(s.Drawn), "input"), s.Seed)
}

// one writes a single value.
func one(u units.Unit, v float64) string { return units.Humanize(u, units.Exactly(v)) }

// writeTornado writes which inputs move a figure, the strongest first, as bars
// over one axis: where the figure goes as the input alone goes from its 10th to
// its 90th percentile.
func writeTornado(b *strings.Builder, e *planner.Estimate, s *planner.Sampling, id string, t Terminal) {
	moves := s.Influences[id]
	if len(moves) == 0 {
		return
	}
	unit := figureNamed(e, id).Unit
	low, high := math.Inf(1), math.Inf(-1)
	for _, m := range moves {
		low, high = min(low, m.Low, m.High), max(high, m.Low, m.High)
	}
	g := grid{name: "MOVES " + id, columns: []column{
		{}, {title: "from", right: true, spare: 1}, {title: "to", right: true, spare: 1}, {title: "", spare: 2},
	}}
	for _, m := range moves[:min(mostInfluences, len(moves))] {
		g.row(m.Input.ID, one(unit, m.Low), one(unit, m.High), tornadoBar(m, low, high, t))
	}
	b.WriteString("\n")
	g.write(b, t)
	if rest := len(moves) - mostInfluences; rest > 0 {
		fmt.Fprintf(b, "  %s\n", t.Dim(fmt.Sprintf("%d more, which move it less", rest)))
	}
}

// tornadoWidth is the columns of a tornado's axis.
const tornadoWidth = 24

// tornadoBar draws the part of an axis that a figure moves over.
func tornadoBar(m planner.Influence, low, high float64, t Terminal) string {
	at := func(v float64) int { return int(math.Round((v - low) / (high - low) * tornadoWidth)) }
	from, to := at(min(m.Low, m.High)), at(max(m.Low, m.High))
	sign := "#"
	if t.UTF8 {
		sign = "█"
	}
	return strings.Repeat(" ", from) + strings.Repeat(sign, max(to-from, 1))
}
