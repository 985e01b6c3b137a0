package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// table writes runs as Markdown: what each rate took, where it went, and how it
// was measured. Of several runs of a rate it shows the median.
func table(runs []measured) string {
	rates := map[string][]measured{}
	var order []string
	for _, m := range runs {
		rate := fmt.Sprintf("%.0f", m.Rate)
		if rates[rate] == nil {
			order = append(order, rate)
		}
		rates[rate] = append(rates[rate], m)
	}
	var b strings.Builder
	b.WriteString("| offered /s | accepted /s | CPU us a notification | cores | API p50 / p99 ms | end to end p50 / p99 ms | high p99 ms | memory MB |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, rate := range order {
		of := rates[rate]
		accepted := median(of, func(m *measured) *float64 { return &m.Accepted })
		cpu := median(of, func(m *measured) *float64 { return m.CPU })
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s / %s | %s / %s | %s | %s |\n", rate,
			cell(accepted, 1, "%.0f"), cell(cpu, 1, "%.1f"), cell(both(accepted, cpu), 1e-6, "%.2f"),
			cell(median(of, func(m *measured) *float64 { return m.APIP50 }), 1, "%.1f"),
			cell(median(of, func(m *measured) *float64 { return m.APIP99 }), 1, "%.1f"),
			cell(median(of, func(m *measured) *float64 { return m.EndP50 }), 1, "%.0f"),
			cell(median(of, func(m *measured) *float64 { return m.EndP99 }), 1, "%.0f"),
			cell(median(of, func(m *measured) *float64 { return m.HighP99 }), 1, "%.0f"),
			cell(median(of, func(m *measured) *float64 { return m.Memory }), 1e-6, "%.0f"))
	}
	b.WriteString("\n" + stepTable(order, rates) + "\n" + method(runs))
	return b.String()
}

// stepTable writes what each step cost at each rate, in us a notification, the
// dearest at the highest rate first.
func stepTable(order []string, rates map[string][]measured) string {
	costs := map[string]map[string]float64{} // by rate
	all := map[string]float64{}
	for _, rate := range order {
		costs[rate] = map[string]float64{}
		for _, m := range rates[rate] {
			maps.Copy(all, m.Steps)
		}
		for step := range all {
			if v := median(rates[rate], func(m *measured) *float64 {
				if cost, ok := m.Steps[step]; ok {
					return &cost
				}
				return nil
			}); v != nil {
				costs[rate][step] = *v
			}
		}
	}
	maps.Copy(all, costs[order[len(order)-1]])
	var b strings.Builder
	b.WriteString("| us a notification at | " + strings.Join(order, "/s | ") + "/s |\n| --- |" + strings.Repeat(" --- |", len(order)) + "\n")
	for _, step := range byCost(all) {
		b.WriteString("| " + step + " |")
		for _, rate := range order {
			if cost, ok := costs[rate][step]; ok {
				fmt.Fprintf(&b, " %.2f |", cost)
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
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
