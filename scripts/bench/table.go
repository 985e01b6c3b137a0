package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A column is one of the things that runs are made with.
type column struct {
	title string
	of    func(*measured) string
}

// varied gives the columns in which runs differ, and the rate.
func varied(runs []measured) []column {
	columns := []column{
		{"offered /s", func(m *measured) string { return fmt.Sprintf("%.0f", m.Rate) }},
		{"users", func(m *measured) string { return fmt.Sprintf("%.0f", m.Users) }},
		{"workers a channel", func(m *measured) string { return strconv.Itoa(m.Workers) }},
		{"seconds", func(m *measured) string { return fmt.Sprintf("%.0f", m.Seconds) }},
	}
	return slices.DeleteFunc(columns, func(c column) bool {
		differs := func(m measured) bool { return c.of(&m) != c.of(&runs[0]) }
		return c.title != columns[0].title && !slices.ContainsFunc(runs, differs)
	})
}

// A row is the runs of one point.
type row struct {
	cells []string // of the columns that name it
	runs  []measured
}

// rowsOf groups runs by what they were made with, in their order.
func rowsOf(runs []measured, columns []column) (rows []*row) {
	byCells := map[string]*row{}
	for i := range runs {
		var cells []string
		for _, c := range columns {
			cells = append(cells, c.of(&runs[i]))
		}
		name := strings.Join(cells, "|")
		if byCells[name] == nil {
			byCells[name] = &row{cells: cells}
			rows = append(rows, byCells[name])
		}
		byCells[name].runs = append(byCells[name].runs, runs[i])
	}
	return rows
}

// table writes runs as Markdown: what each point took, where it went, and how it
// was measured. Of several runs of a point it shows the median.
func table(runs []measured) string {
	columns := varied(runs)
	rows := rowsOf(runs, columns)
	titles := make([]string, 0, len(columns)+7)
	for _, c := range columns {
		titles = append(titles, c.title)
	}
	titles = append(titles, "accepted /s", "CPU us a notification", "cores", "API p50 / p99 ms", "end to end p50 / p99 ms", "high p99 ms", "memory MB")
	var b strings.Builder
	writeRow(&b, titles)
	b.WriteString("|" + strings.Repeat(" --- |", len(titles)) + "\n")
	for _, r := range rows {
		of := func(value func(*measured) *float64, factor float64, format string) string {
			return cell(median(r.runs, value), factor, format)
		}
		accepted := median(r.runs, func(m *measured) *float64 { return &m.Accepted })
		cpu := median(r.runs, func(m *measured) *float64 { return m.CPU })
		writeRow(&b, append(slices.Clone(r.cells),
			cell(accepted, 1, "%.0f"), cell(cpu, 1, "%.1f"), cell(both(accepted, cpu), 1e-6, "%.2f"),
			of(func(m *measured) *float64 { return m.APIP50 }, 1, "%.1f")+" / "+of(func(m *measured) *float64 { return m.APIP99 }, 1, "%.1f"),
			of(func(m *measured) *float64 { return m.EndP50 }, 1, "%.0f")+" / "+of(func(m *measured) *float64 { return m.EndP99 }, 1, "%.0f"),
			of(func(m *measured) *float64 { return m.HighP99 }, 1, "%.0f"),
			of(func(m *measured) *float64 { return m.Memory }, 1e-6, "%.0f")))
	}
	b.WriteString("\n" + stepTable(columns, rows) + "\n" + method(runs))
	return b.String()
}

// writeRow writes a row of a Markdown table.
func writeRow(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// stepTable writes what each step cost at each point, in us a notification, the
// dearest at the last one first.
func stepTable(columns []column, rows []*row) string {
	head := []string{"us a notification, by " + columns[len(columns)-1].title}
	costs := make([]map[string]float64, len(rows))
	all := map[string]float64{}
	for i, r := range rows {
		head = append(head, r.cells[len(r.cells)-1])
		costs[i] = r.steps()
		maps.Copy(all, costs[i])
	}
	var b strings.Builder
	writeRow(&b, head)
	b.WriteString("|" + strings.Repeat(" --- |", len(head)) + "\n")
	for _, step := range byCost(all) {
		cells := []string{step}
		for i := range rows {
			text := ""
			if cost, ok := costs[i][step]; ok {
				text = fmt.Sprintf("%.2f", cost)
			}
			cells = append(cells, text)
		}
		writeRow(&b, cells)
	}
	return b.String()
}

// steps is what each step cost, the median of the runs that saw it.
func (r *row) steps() map[string]float64 {
	costs := map[string]float64{}
	for _, m := range r.runs {
		for step := range m.Steps {
			if v := median(r.runs, func(m *measured) *float64 {
				if cost, ok := m.Steps[step]; ok {
					return &cost
				}
				return nil
			}); v != nil {
				costs[step] = *v
			}
		}
	}
	return costs
}

// method says how and where runs were measured.
func method(runs []measured) string {
	m := runs[0]
	var memory string
	if m.Machine.Memory != nil {
		memory = fmt.Sprintf(", %.0f GB", float64(*m.Machine.Memory)/1e9)
	}
	return fmt.Sprintf("Measured by `go run ./scripts/bench`: %d runs of %.0f s, requests of %d notifications, on %d cores%s, %s/%s, %s. "+
		"The load, the system and its mock providers share one process, and the CPU is of all of it. "+
		"Steps are from a profile of the run without its beginning: a sample counts for the last of our functions in it, with what that called; what none of ours called has names of its own.\n",
		len(runs), m.Seconds, m.Batch, m.Machine.CPUs, memory, m.Machine.OS, m.Machine.Arch, m.Machine.Go)
}

// median is that of the runs that have a value, nil if none has.
func median(runs []measured, of func(*measured) *float64) *float64 {
	var values []float64
	for i := range runs {
		if v := of(&runs[i]); v != nil {
			values = append(values, *v)
		}
	}
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	middle := (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	return &middle
}

// both multiplies, where there is something of both.
func both(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	product := *a * *b
	return &product
}

// cell writes a value, or nothing for one that was not seen.
func cell(v *float64, factor float64, format string) string {
	if v == nil {
		return "?"
	}
	return fmt.Sprintf(format, *v*factor)
}
