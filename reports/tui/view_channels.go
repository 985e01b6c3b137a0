package tui

import (
	"math"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// channels is how each channel and priority does: throughput, times and where
// they are spent; and of each channel success and cost.
func (c *canvas) channels() []string {
	tb := table{columns: []column{
		{title: "channel"},
		{title: "waiting", width: 9, keyed: true},
		{title: "delivered/s", width: 12, keyed: true},
		{title: "p50", width: 8, keyed: true},
		{title: "p99", width: 8, keyed: true},
		{title: "queue", width: 7, spare: 1},
		{title: "batch", width: 7, spare: 4},
		{title: "send", width: 7, spare: 2},
		{title: "settle", width: 7, spare: 3},
		{title: "delivered", width: 10, keyed: true, spare: 5},
	}}
	w := c.history.window()
	for i := range w.now.EndToEnd {
		tb.rows = append(tb.rows, c.channelRow(w, &w.now.EndToEnd[i]))
	}
	lines := []string{c.rule("end to end", "from the 202 to the outcome, and where the time goes")}
	lines = append(lines, tb.write(c.t, c.width, c.order)...)
	sums := append([]string{c.rule("success and cost", "over the last minute")}, c.channelSums().write(c.t, c.width, c.order)...)
	if rows := c.height - len(lines) - len(sums); rows > leastChart {
		lines = append(lines, c.timesChart(min(rows-1, mostChart))...)
	}
	return append(lines, sums...)
}

// timesChart shows how long notifications take, by how urgent they are.
func (c *canvas) timesChart(rows int) []string {
	ch := chart{write: latency, least: 100, lines: []line{{endToEnd + "low", "low", true}, {endToEnd + "high", "high", false}}}
	return c.chart("end to end, p99", ch, []string{
		number("high       ", latency(c.history.last(endToEnd+"high")), 9),
		number("normal     ", latency(c.history.last(endToEnd+"normal")), 9),
		number("low        ", latency(c.history.last(endToEnd+"low")), 9),
	}, rows)
}

func (c *canvas) channelRow(w span, e *api.EndToEnd) row {
	then := w.endToEnd(e)
	var times api.Histogram
	if w.seconds > 0 {
		times = e.Total.Sub(then.Total)
	}
	rate := w.rate(then.Total.Count(), e.Total.Count())
	waiting := before(w.now.Queues, func(q *api.Queue) bool { return q.Channel == e.Channel && q.Priority == e.Priority })
	p50, p99 := quantile(times, 0.5), quantile(times, 0.99)
	parts := [4]float64{}
	sum := 0.0
	for i, h := range [][2]api.Histogram{
		{then.Stages.Queue, e.Stages.Queue},
		{then.Stages.Batch, e.Stages.Batch},
		{then.Stages.Send, e.Stages.Send},
		{then.Stages.Settle, e.Stages.Settle},
	} {
		spent := h[1].Sub(h[0])
		parts[i] = spent.Mean().Seconds() * float64(spent.Count())
		sum += parts[i]
	}
	cells := []string{
		c.t.Text(e.Channel + " " + e.Priority),
		count(float64(waiting.Depth())), count(rate), latency(p50), latency(p99),
	}
	for _, part := range parts {
		cells = append(cells, percent(share(part, sum-part)))
	}
	return row{
		cells: append(cells, count(float64(e.Total.Count()))),
		keys:  []float64{float64(waiting.Depth()), rate, p50, p99, float64(e.Total.Count())},
		dim:   c.stale(),
	}
}

// channelSums is what is known of channels as a whole.
func (c *canvas) channelSums() *table {
	tb := &table{columns: []column{
		{title: "channel"},
		{title: "accepted/s", width: 11},
		{title: "delivered/s", width: 12},
		{title: "transactional", width: 14},
		{title: "promotional", width: 12, spare: 1},
		{title: "cost each", width: 11},
		{title: "cost/h", width: 11, spare: 2},
	}}
	s := c.status()
	for _, w := range s.Workers {
		var in, out float64
		for _, priority := range []string{"high", "normal", "low"} {
			in += value(s, "accepted_per_second", "channel", w.Channel, "priority", priority)
			out += value(s, "delivered_per_second", "channel", w.Channel, "priority", priority)
		}
		cost := value(s, "cost_per_notification", "channel", w.Channel)
		success := func(category string) string {
			return percent(value(s, "success_ratio", "category", category, "channel", w.Channel) * 100)
		}
		tb.rows = append(tb.rows, row{cells: []string{
			c.t.Text(w.Channel), count(in), count(out), success("transactional"), success("promotional"),
			dollars(cost), dollars(cost * out * 3600),
		}, dim: c.stale()})
	}
	return tb
}

// stateText writes a state of the API as words.
func stateText(state string) string { return strings.ReplaceAll(state, "_", " ") }

// orNaN is a number that may not have been seen.
func orNaN(n *int64) float64 {
	if n == nil {
		return math.NaN()
	}
	return float64(*n)
}
