package tui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/notifyctl/notifyctl/scenarios"
)

const (
	leastChart = 3
	mostChart  = 25
	figureGap  = 24 // what the numbers beside a chart take
	labelWidth = 10 // of a line of figures
)

// overview is everything at a glance: load, latency, queues, workers, providers
// and the account; what must hold; and what happened last.
func (c *canvas) overview() []string {
	switch {
	case c.width > wideColumns && !c.narrow():
		left := c.width * 3 / 5
		side := c.within(c.width-left-3, c.height)
		return c.beside(c.within(left, c.height).glance(), side.outcome(c.height), left)
	case c.narrow():
		lines := []string{c.progressBar(), c.rateLine()}
		lines = append(lines, c.figures()...)
		return append(lines, append([]string{c.rule(c.verdictTitle())}, c.verdicts(1)...)...)
	}
	figures := len(c.figures())
	columns := 2
	if c.Run == nil && c.width < wideColumns {
		columns = 1 // the names of promises are long
	}
	verdicts := c.verdicts(columns)
	// What is beside charts, and the least of each of the three.
	spare := c.height - figures - 4 - leastChart - 1
	shown := min(len(verdicts), max(spare, 0))
	spare -= shown
	rows := min(leastChart+max(spare, 0)*2/3, mostChart)
	inner := c.within(c.width, figures+rows+2)
	lines := append(inner.glance(), c.rule(c.verdictTitle()))
	lines = append(lines, verdicts[:shown]...)
	lines = append(lines, c.rule("events", ""))
	return append(lines, c.lastEvents(max(c.height-len(lines), 0))...)
}

// beside puts two columns side by side.
func (c *canvas) beside(left, right []string, width int) []string {
	lines := make([]string, c.height)
	for i := range lines {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		lines[i] = fit(l, width) + " " + c.t.Dim(c.signs.column) + " " + r
	}
	return lines
}

// glance is the rate over time and the figures, and more charts where there is
// room for them.
func (c *canvas) glance() []string {
	figures := c.figures()
	room := c.height - len(figures) - 2
	var lines []string
	switch {
	case room >= 24:
		rows := min((room-2)/3, mostChart)
		lines = append(c.rates(room-2-2*rows), append(c.latencies(rows), c.depths(rows)...)...)
	case room >= 13:
		lines = append(c.rates(room-1-(room-1)/2), c.latencies((room-1)/2)...)
	default:
		lines = c.rates(room)
	}
	lines = append(lines, c.progressBar())
	return append(lines, figures...)
}

// rates is the chart of what is offered and what came of it.
func (c *canvas) rates(rows int) []string {
	ch := chart{write: count, least: 10, lines: []line{{accepted, "accepted", true}, {delivered, "delivered", false}}}
	numbers := []string{
		number("accepted/s ", count(c.history.last(accepted)), 9),
		number("delivered/s", count(c.history.last(delivered)), 9),
		number("refused/s  ", count(c.history.last(refused)), 9),
	}
	if c.Run != nil {
		ch.lines = []line{{loadOffered, "offered", true}, {loadAccepted, "accepted", false}}
		numbers = []string{
			number("offered/s  ", count(c.history.last(loadOffered)), 9),
			number("accepted/s ", count(c.history.last(loadAccepted)), 9),
			number("delivered/s", count(c.history.last(delivered)), 9),
		}
		if r := c.Run.Report; r != nil {
			failed := float64(r.Total.Refused()+r.Total.Errors()) * float64(c.Run.Batch)
			dropped := number("dropped    ", count(float64(r.Total.Dropped)*float64(c.Run.Batch)), 9)
			if r.Total.Dropped > 0 {
				dropped = c.t.Bad(dropped)
			}
			fails := number("failed     ", count(failed), 9)
			if failed > 0 {
				fails = c.t.Bad(fails)
			}
			numbers = append(numbers, fails, dropped)
			if rows == leastChart { // what went wrong, rather than what was offered
				numbers = append(numbers[1:2], numbers[3:]...)
			}
		}
	}
	return c.chart("rate/s", ch, numbers, rows)
}

func (c *canvas) latencies(rows int) []string {
	ch := chart{write: latency, least: 1, lines: []line{{apiP50, "p50", true}, {apiP99, "p99", false}}}
	if c.Run != nil {
		ch.lines = []line{{loadP50, "p50", true}, {loadP99, "p99", false}}
	}
	p90 := apiP90
	numbers := []string{}
	if c.Run != nil {
		p90 = loadP90
		numbers = append(numbers, number("from send  ", latency(c.history.last(loadService)), 9))
	}
	numbers = append([]string{
		number("p50        ", latency(c.history.last(ch.lines[0].name)), 9),
		number("p90        ", latency(c.history.last(p90)), 9),
		number("p99        ", latency(c.history.last(ch.lines[1].name)), 9),
	}, numbers...)
	return c.chart("api latency", ch, numbers, rows)
}

func (c *canvas) depths(rows int) []string {
	ch := chart{write: count, least: 10, lines: []line{{queued, "", false}}}
	return c.chart("queue", ch, []string{
		number("waiting    ", count(c.history.last(queued)), 9),
		number("oldest     ", latency(c.history.last(oldest)), 9),
	}, rows)
}

// chart draws a chart below its title, with numbers beside it.
func (c *canvas) chart(title string, ch chart, numbers []string, rows int) []string {
	lines := []string{c.rule(title+", "+c.ago(), ch.legend(c.t))}
	width := c.width
	if len(numbers) > 0 {
		width -= figureGap
	}
	for i, plot := range ch.draw(c.history, c.t, c.seconds, width, rows) {
		if i < len(numbers) {
			plot = fit(plot, width) + "   " + numbers[i]
		}
		lines = append(lines, plot)
	}
	return lines
}

// progressBar is the line above the figures: the stages of a load test, how far
// it is, and how long it takes yet.
func (c *canvas) progressBar() string {
	r := c.Run
	if r == nil || r.Total <= 0 || r.Phase == scenarios.Over {
		return c.rule("", "")
	}
	remark := " " + right(long(r.Total-r.Elapsed), 7) + " to go"
	if r.Phase == scenarios.Draining {
		remark = " what is in flight ends"
	}
	width := c.width - len(remark)
	if width < 16 {
		return c.rule("", strings.TrimSpace(remark))
	}
	at := func(d time.Duration) int {
		return int(float64(width) * min(max(d.Seconds()/r.Total.Seconds(), 0), 1))
	}
	done := at(r.Elapsed)
	var bar strings.Builder
	var from time.Duration
	for _, stage := range r.Stages {
		begin, end := at(from), at(from+stage.For)
		from += stage.For
		bar.WriteString(c.stretch(c.t.Text(stage.Name), begin, end, done))
	}
	return fit(bar.String(), width) + c.t.Dim(remark)
}

// stretch is the part of the progress bar from one column to another, with its
// name in it.
func (c *canvas) stretch(name string, begin, end, done int) string {
	width := max(end-begin, 0)
	passed := min(max(done-begin, 0), width)
	head := c.signs.cross + " " + name + " "
	taken := ansi.StringWidth(head)
	if taken > width {
		head, taken = "", 0
		if width > 0 {
			head, taken = c.signs.cross, 1
		}
	}
	passed = max(passed-taken, 0)
	return head + strings.Repeat(c.signs.gone, passed) + c.t.Dim(strings.Repeat(c.signs.left, max(width-taken-passed, 0)))
}

// rateLine is the rate where there is no room for a chart.
func (c *canvas) rateLine() string {
	if c.Run == nil {
		return c.figure("rate/s", number("accepted", count(c.history.last(accepted)), 9), number("delivered", count(c.history.last(delivered)), 9))
	}
	return c.figure("rate/s", number("offered", count(c.history.last(loadOffered)), 9), number("accepted", count(c.history.last(loadAccepted)), 9))
}

// figure writes a line of numbers behind its label, as many as there is room
// for.
func (c *canvas) figure(label string, parts ...string) string {
	line := fit(label, labelWidth)
	gap := " "
	for _, p := range parts {
		if p == "" {
			continue
		}
		if gap != " " && ansi.StringWidth(line+gap+p) > c.width {
			break
		}
		line += gap + p
		gap = "   "
	}
	return line
}

// figures are the lines of numbers. The server's own are dimmed, with their age,
// when it does not answer.
func (c *canvas) figures() []string {
	lines := []string{c.apiFigure()}
	if c.Server.Status == nil {
		return append(lines, c.t.Dim(c.figure("system", "not observed: it shows no status")))
	}
	own := []string{c.endToEndFigure(), c.queueFigure(), c.workersFigure(), c.providersFigure(), c.accountFigure()}
	if c.stale() {
		for i := range own {
			own[i] = c.t.Dim(ansi.Strip(own[i]))
		}
		own = append(own, c.t.Bad(c.figure("", "said "+long(c.age())+" ago; no answer since: "+c.t.Text(c.Server.Silent))))
	}
	return append(lines, own...)
}

func (c *canvas) apiFigure() string {
	names := [3]string{apiP50, apiP90, apiP99}
	remark := "of the server"
	if c.Run != nil {
		names, remark = [3]string{loadP50, loadP90, loadP99}, "from the schedule"
	}
	return c.figure("api",
		number("p50", latency(c.history.last(names[0])), 8),
		number("p90", latency(c.history.last(names[1])), 8),
		number("p99", latency(c.history.last(names[2])), 8),
		c.t.Dim(remark))
}

func (c *canvas) endToEndFigure() string {
	times := c.history.window().endToEndByPriority()
	p99 := func(priority string) string { return number(priority, latency(quantile(times[priority], 0.99)), 8) }
	return c.figure("end to end", p99("high"), p99("normal"), p99("low"), c.t.Dim("p99"))
}

func (c *canvas) queueFigure() string {
	waiting, age := depth(c.status())
	remark := ""
	// Only what changes much is worth a forecast.
	switch trend := c.trend(); {
	case math.Abs(trend)*windowTime.Seconds() < 0.25*float64(waiting) || math.Abs(trend) < 1:
	case trend > 0:
		remark = "growing by " + count(trend) + "/s"
	case waiting > 0:
		remark = "falling, " + long(time.Duration(float64(waiting)/-trend*float64(time.Second))) + " to go"
	}
	return c.figure("queue", right(count(float64(waiting)), 9), sparkline(c.history, c.t, queued, c.seconds, min(20, max(c.width-64, 0))),
		number("oldest", latency(milliseconds(age)), 8), remark)
}

// trend is by how much the queues grow a second, over the last ten.
func (c *canvas) trend() float64 {
	w := c.history.window()
	if w.seconds <= 0 {
		return 0
	}
	then, _ := depth(w.then)
	now, _ := depth(w.now)
	return float64(now-then) / w.seconds
}

func (c *canvas) workersFigure() string {
	var parts []string
	for _, w := range c.status().Workers {
		sign := " "
		switch {
		case w.Desired > w.Running:
			sign = c.t.Doubtful(c.signs.up)
		case w.Desired < w.Running:
			sign = c.t.Dim(c.signs.down)
		}
		parts = append(parts, fmt.Sprintf("%s %3d of %3d busy%s", fit(c.t.Text(w.Channel), min(len(w.Channel), 8)), w.Busy, w.Running, sign))
	}
	return c.figure("workers", parts...)
}

func (c *canvas) providersFigure() string {
	var bad, fine []string
	for _, p := range c.status().Providers {
		name := c.t.Text(p.Name)
		switch how := howBreaker(p.Breaker); {
		case how != good:
			bad = append(bad, name+" "+paint(c.t, how, strings.ReplaceAll(c.t.Text(p.Breaker), "_", " ")))
		case p.Calls > 0:
			fine = append(fine, name+" "+c.t.Good("ok"))
		}
	}
	remark := c.t.Dim("breakers closed")
	if len(bad) > 0 {
		remark = ""
	}
	return c.figure("providers", append(append(bad, fine...), remark)...)
}

func (c *canvas) accountFigure() string {
	a := c.account()
	parts := []string{
		"accepted " + right(count(float64(a.Accepted)), 9),
		"delivered " + right(count(float64(a.Delivered)), 9),
		"in flight " + right(count(float64(a.InFlight)), 7),
	}
	for _, other := range []struct {
		n    int64
		name string
		how  severity
	}{
		{a.Dead, "dead", bad},
		{a.Expired, "expired", doubtful},
		{a.RateDropped, "rate-dropped", plain},
		{a.Suppressed, "suppressed", plain},
	} {
		if other.n > 0 {
			parts = append(parts, paint(c.t, other.how, other.name+" "+count(float64(other.n))))
		}
	}
	return c.figure("account", parts...)
}

// outcome is what must hold and what happened, one below the other.
func (c *canvas) outcome(rows int) []string {
	verdicts := c.verdicts(1)
	lines := append([]string{c.rule(c.verdictTitle())}, verdicts[:min(len(verdicts), max(rows*2/3-1, 0))]...)
	lines = append(lines, c.rule("events", ""))
	return append(lines, c.lastEvents(max(rows-len(lines), 0))...)
}
