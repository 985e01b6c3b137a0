package reports

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// A Diff is two estimates and the figures they do not agree on.
type Diff struct {
	Before, After *planner.Estimate
	Changes       []planner.Change
}

// total is the change of what everything costs, which may be none.
func (d Diff) total() planner.Change {
	is := figureNamed(d.After, "cost.total")
	was, now := figureNamed(d.Before, is.ID).Value(), is.Value()
	return planner.Change{ID: is.ID, Title: is.Title, Unit: is.Unit, Old: &was, New: &now}
}

// names gives what the two plans are called.
func (d Diff) names() (before, after string) { return d.Before.Plan.Name, d.After.Plan.Name }

// DiffTable writes what two plans do not agree on for people: money first, each
// line marked with what became of the figure, and the total last.
func DiffTable(w io.Writer, d Diff, t Terminal) error {
	var b strings.Builder
	before, after := d.names()
	fmt.Fprintf(&b, "%s -> %s\n", t.Strong(t.Text(before)), t.Strong(t.Text(after)))
	shown := shownIDs(d.After)
	rest := 0
	for _, group := range []struct {
		name  string
		money bool
	}{{"MONEY", true}, {"FIGURES", false}} {
		g := grid{name: group.name, columns: []column{
			{},
			{title: "old", right: true},
			{title: "", right: true},
			{title: "new", right: true},
			{title: "change", right: true, spare: 1},
			{title: "", right: true},
		}}
		for _, c := range d.Changes {
			switch {
			case c.Unit.Money() != group.money:
			case c.Old != nil && c.New != nil && !slices.Contains(shown, c.ID):
				rest++
			default:
				g.row(changeMark(c)+" "+c.ID, side(c, c.Old), "->", side(c, c.New), difference(c), percent(c))
			}
		}
		if len(g.rows) > 0 {
			b.WriteString("\n")
			g.write(&b, t)
		}
	}
	total := d.total()
	b.WriteString("\n")
	writeSegments(&b, label("total"), []string{
		side(total, total.Old) + " -> " + t.Strong(side(total, total.New)) + " a month",
		strings.TrimSpace(difference(total) + "   " + percent(total)),
	}, t)
	writeSegments(&b, label("findings"), []string{findingCounts(d.Before) + " ->", findingCounts(d.After)}, t)
	writeSegments(&b, label("differ"), []string{counted(len(d.Changes), "figure"), fmt.Sprintf("%d not shown: -o csv has them all", rest)}, t)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the comparison: %w", err)
	}
	return nil
}

// changeMark says what became of a figure: changed, new, or gone.
func changeMark(c planner.Change) string {
	switch {
	case c.Old == nil:
		return "+"
	case c.New == nil:
		return "-"
	}
	return "~"
}

// side writes one value of a change, nil as nothing.
func side(c planner.Change, v *float64) string {
	if v == nil {
		return ""
	}
	return one(c.Unit, *v)
}

// difference writes by how much a figure moved, with its sign.
func difference(c planner.Change) string {
	moved := delta(c)
	switch {
	case moved == nil:
		return ""
	case *moved < 0:
		return "-" + one(c.Unit, -*moved)
	}
	return "+" + one(c.Unit, *moved)
}

// delta gives by how much a figure moved, nil if one plan lacks it.
func delta(c planner.Change) *float64 {
	if c.Old == nil || c.New == nil {
		return nil
	}
	moved := *c.New - *c.Old
	return &moved
}

// percent writes by how much a figure moved of what it was.
func percent(c planner.Change) string {
	const least = 1e-4 // that is worth its digits
	part, ok := c.Relative()
	if !ok {
		return ""
	}
	sign := "+"
	if part < 0 {
		sign = "-"
	}
	if math.Abs(part) < least && part != 0 {
		return sign + "<" + one(units.Ratio, least)
	}
	return sign + one(units.Ratio, math.Abs(part))
}

// diffJSON is what two plans do not agree on, in base units. Total is there
// whether it changed or not.
type diffJSON struct {
	Old     string       `json:"old"` // the plans' names
	New     string       `json:"new"`
	Total   changeJSON   `json:"total"`
	Changes []changeJSON `json:"changes"`
}

// changeJSON is a figure that changed: null is what a plan has no number of, and
// relative is null where the old value is 0.
type changeJSON struct {
	ID       string     `json:"id"`
	Title    string     `json:"title"`
	Unit     units.Unit `json:"unit"`
	Old      *float64   `json:"old"`
	New      *float64   `json:"new"`
	Change   *float64   `json:"change"`
	Relative *float64   `json:"relative"`
}

// DiffJSON writes what two plans do not agree on for programs.
func DiffJSON(w io.Writer, d Diff) error {
	before, after := d.names()
	return writeJSON(w, diffJSON{
		Old: before, New: after, Total: changeOf(d.total()), Changes: mapped(d.Changes, changeOf),
	}, "comparison")
}

func changeOf(c planner.Change) changeJSON {
	out := changeJSON{ID: c.ID, Title: c.Title, Unit: c.Unit, Old: c.Old, New: c.New, Change: delta(c)}
	if part, ok := c.Relative(); ok {
		out.Relative = &part
	}
	return out
}

// DiffCSV writes the figures that two plans do not agree on as comma-separated
// values, in base units.
func DiffCSV(w io.Writer, d Diff) error {
	records := [][]string{{"id", "title", "unit", "old", "new", "change", "relative"}}
	for _, c := range d.Changes {
		f := changeOf(c)
		records = append(records, []string{
			cell(f.ID), cell(f.Title), cell(f.Unit.String()), number(f.Old), number(f.New), number(f.Change), number(f.Relative),
		})
	}
	return writeCSV(w, records, "comparison")
}

// DiffMarkdown writes what two plans do not agree on, for a comment on a change:
// the total in the open, the figures folded away.
func DiffMarkdown(w io.Writer, d Diff) error {
	var b strings.Builder
	before, after := d.names()
	total := d.total()
	fmt.Fprintf(&b, "## %s -> %s\n\n**%s -> %s a month** (%s, %s)\n\n%s -> %s\n", markdown(before), markdown(after),
		markdown(side(total, total.Old)), markdown(side(total, total.New)), markdown(difference(total)), orNone(percent(total)),
		findingCounts(d.Before), findingCounts(d.After))
	var rows [][]string
	for _, c := range d.Changes {
		rows = append(rows, []string{changeMark(c), code(c.ID), side(c, c.Old), side(c, c.New), difference(c), percent(c)})
	}
	b.WriteString("\n<details><summary>" + counted(len(d.Changes), "figure") + " changed</summary>\n")
	writeMarkdownTable(&b, []string{"", "figure", ">old", ">new", ">change", ">"}, rows)
	b.WriteString("\n</details>\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the comparison: %w", err)
	}
	return nil
}

// orNone writes a dash for nothing.
func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
