package tui

import (
	"math"
)

// providers is how each provider answers.
func (c *canvas) providers() []string {
	answers := c.providerTable().write(c.t, c.width, c.order)
	totals := c.providerTotals().write(c.t, c.width, c.order)
	lines := append([]string{c.rule("providers", "a second, over the last ten")}, answers...)
	rows := c.height - len(answers) - len(totals) - 3
	if name := c.busiest(); name != "" && rows > leastChart {
		lines = append(lines, c.sentChart(name, min(rows-1, mostChart))...)
	}
	return append(append(lines, c.rule("since the server's start", "")), totals...)
}

// busiest is the provider that was sent most lately; empty without any.
func (c *canvas) busiest() string {
	w := c.history.window()
	best, most := "", -1.0
	for i := range w.now.Providers {
		p := &w.now.Providers[i]
		then := w.provider(p)
		if sent := grown(then.Sent, p.Sent); sent > most {
			best, most = p.Name, sent
		}
	}
	return best
}

// sentChart shows what one provider was sent, and what of it failed.
func (c *canvas) sentChart(name string, rows int) []string {
	ch := chart{write: count, least: 10, lines: []line{{failedBy + name, "failed", true}, {sentBy + name, "sent", false}}}
	return c.chart(c.t.Text(name)+", notifications/s", ch, []string{
		number("sent/s     ", count(c.history.last(sentBy+name)), 9),
		number("failed/s   ", count(c.history.last(failedBy+name)), 9),
	}, rows)
}

func (c *canvas) providerTable() *table {
	spark := c.spark(98)
	tb := &table{columns: []column{
		{title: "provider"},
		{title: "breaker", width: 9, left: true},
		{title: "sent", width: 9, keyed: true},
		{title: "failed", width: 9, keyed: true},
		{title: "calls", width: 7, keyed: true},
		{title: "p50", width: 8, keyed: true, spare: 2},
		{title: "p99", width: 8, keyed: true},
		{title: "pool", width: 5, spare: 1},
		{title: "in use", width: 7, keyed: true, spare: 3},
		{title: "sent over time", width: spark, left: true, spare: 4},
	}}
	w := c.history.window()
	for i := range w.now.Providers {
		p := &w.now.Providers[i]
		then := w.provider(p)
		sent, failed, calls := w.rate(then.Sent, p.Sent), w.rate(failures(&then), failures(p)), w.rate(then.Calls, p.Calls)
		p50, p99 := w.quantile(then.Latency, p.Latency, 0.5), w.quantile(then.Latency, p.Latency, 0.99)
		busy := value(w.now, "connections", "provider", p.Name) * 100
		failures := count(failed)
		if failed > 0 {
			failures = c.t.Bad(failures)
		}
		tb.rows = append(tb.rows, row{
			cells: []string{
				c.t.Text(p.Name), paint(c.t, howBreaker(p.Breaker), c.t.Text(stateText(p.Breaker))),
				count(sent), failures, count(calls), latency(p50), latency(p99), count(float64(p.Connections)), percent(busy),
				sparkline(c.history, c.t, sentBy+p.Name, c.seconds, spark),
			},
			keys: []float64{sent, failed, calls, p50, p99, busy},
			dim:  c.stale(),
		})
	}
	return tb
}

// providerTotals is what came of everything since the server's start.
func (c *canvas) providerTotals() *table {
	tb := &table{columns: []column{
		{title: "provider"},
		{title: "sent", width: 10},
		{title: "permanent", width: 9},
		{title: "throttled", width: 9},
		{title: "transient", width: 9},
		{title: "ambiguous", width: 9},
		{title: "taken over", width: 10, spare: 1},
		{title: "doubtful", width: 9, spare: 3},
		{title: "a call", width: 7, spare: 4},
		{title: "cost", width: 11, spare: 2},
	}}
	s := c.status()
	for i := range s.Providers {
		p := &s.Providers[i]
		call := math.NaN()
		if p.Calls > 0 {
			call = float64(p.Entries) / float64(p.Calls)
		}
		cost := value(s, "provider_cost_per_notification", "provider", p.Name) * float64(p.Sent)
		tb.rows = append(tb.rows, row{dim: c.stale(), cells: []string{
			c.t.Text(p.Name), count(float64(p.Sent)), count(float64(p.Permanent)), count(float64(p.Throttled)), count(float64(p.Transient)),
			count(float64(p.Ambiguous)), count(float64(p.FailedOver)), count(float64(p.Doubtful)), count(call), dollars(cost),
		}})
	}
	return tb
}
