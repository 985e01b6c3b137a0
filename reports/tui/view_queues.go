package tui

import (
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// queues is what waits, and who works it off.
func (c *canvas) queues() []string {
	waiting := c.queueTable().write(c.t, c.width, c.order)
	pools := c.poolTable().write(c.t, c.width, c.order)
	rows := c.height - len(waiting) - len(pools) - 4
	var lines []string
	if rows >= leastChart+1 {
		lines = c.depths(min(rows-1, mostChart))
	}
	lines = append(append(lines, c.rule("queues", "")), waiting...)
	policy := c.status().Scaling
	remark := "policy " + c.t.Text(policy.Policy)
	if policy.EveryMS > 0 {
		remark += fmt.Sprintf(", every %s, start delay %s", latency(float64(policy.EveryMS)), latency(float64(policy.StartDelayMS)))
	}
	lines = append(append(lines, c.rule("pools", remark)), pools...)
	events := c.status().Scaling.Events
	if room := c.height - len(lines) - 1; room > 1 && len(events) > 0 {
		lines = append(lines, c.rule("scaling", ""))
		for _, e := range events[max(len(events)-room, 0):] {
			at := c.Server.Seen.Add(e.At.Sub(c.status().Now))
			lines = append(lines, c.event(&event{at, plain, e.Text}))
		}
	}
	return lines
}

func (c *canvas) queueTable() *table {
	spark := c.spark(66)
	tb := &table{columns: []column{
		{title: "queue"},
		{title: "depth", width: 9, keyed: true},
		{title: "waiting", width: 9, keyed: true},
		{title: "sending", width: 9, keyed: true, spare: 1},
		{title: "retrying", width: 9, keyed: true},
		{title: "oldest", width: 8, keyed: true},
		{title: "depth over time", width: spark, left: true, spare: 2},
	}}
	for _, q := range c.status().Queues {
		age := milliseconds(time.Duration(q.OldestAgeMS) * time.Millisecond)
		tb.rows = append(tb.rows, row{
			cells: []string{
				c.t.Text(q.Channel + " " + q.Priority), count(float64(q.Depth())), count(float64(q.Waiting)),
				count(float64(q.Windowed)), count(float64(q.Retrying)), latency(age),
				sparkline(c.history, c.t, queueOf+q.Channel+"/"+q.Priority, c.seconds, spark),
			},
			keys: []float64{float64(q.Depth()), float64(q.Waiting), float64(q.Windowed), float64(q.Retrying), age},
			dim:  c.stale(),
		})
	}
	return tb
}

// The bounds of a sparkline's width; a column that has no room for the least is
// left out.
const (
	leastSpark = 16
	mostSpark  = 60
)

// spark is how wide the sparklines of a table are whose other columns take
// so much.
func (c *canvas) spark(taken int) int { return min(max(c.width-taken, leastSpark), mostSpark) }

func (c *canvas) poolTable() *table {
	tb := &table{columns: []column{
		{title: "pool"},
		{title: "busy", width: 7},
		{title: "running", width: 8},
		{title: "desired", width: 8},
		{title: "wished", width: 7},
		{title: "starting", width: 8},
		{title: "bounds", width: 11, spare: 1},
		{title: "batch", width: 7, spare: 2},
		{title: "running over time", width: c.spark(88), left: true, spare: 3},
	}}
	s := c.status()
	scaled := map[string]bool{}
	for _, g := range s.Scaling.Groups {
		scaled[g.Kind+" "+g.Name] = true
		r := row{dim: c.stale(), cells: []string{
			c.t.Text(poolName(g.Kind, g.Name)), unseen, count(float64(g.Running)), count(float64(g.Desired)), count(float64(g.Wished)),
			count(float64(g.Starting)), count(float64(g.Min)) + ".." + count(float64(g.Max)), "", "",
		}}
		if g.Kind == "workers" {
			w := before(s.Workers, func(w *api.Workers) bool { return w.Channel == g.Name })
			c.addWorkers(&r, &w)
		} else if region := before(s.Regions, func(r *api.Region) bool { return r.Name == g.Name }); region.Gateways != nil {
			r.cells[1] = count(float64(inFlight(&region)))
		}
		if g.Desired > g.Running {
			r.cells[3] = c.t.Doubtful(r.cells[3])
		}
		tb.rows = append(tb.rows, r)
	}
	for i := range s.Workers {
		w := &s.Workers[i]
		if !scaled["workers "+w.Channel] {
			r := row{dim: c.stale(), cells: []string{
				c.t.Text(poolName("workers", w.Channel)), unseen, count(float64(w.Running)), count(float64(w.Desired)), "", "", "", "", "",
			}}
			c.addWorkers(&r, w)
			tb.rows = append(tb.rows, r)
		}
	}
	for _, r := range s.Regions {
		tb.rows = append(tb.rows, c.regionRows(&r, scaled["gateways "+r.Name])...)
	}
	return tb
}

func poolName(kind, name string) string { return name + " " + kind }

// addWorkers adds what only a channel's own numbers say.
func (c *canvas) addWorkers(r *row, w *api.Workers) {
	then := before(c.history.window().then.Workers, func(t *api.Workers) bool { return t.Channel == w.Channel })
	r.cells[1] = count(float64(w.Busy))
	r.cells[7] = count(grown(then.Entries, w.Entries) / grown(then.Batches, w.Batches))
	r.cells[8] = sparkline(c.history, c.t, runningOf+w.Channel, c.seconds, c.spark(88))
}

// regionRows are a region's gateways, where no group of scaling says more.
func (c *canvas) regionRows(r *api.Region, scaled bool) []row {
	serving := 0
	for _, g := range r.Gateways {
		if g.State == "serving" {
			serving++
		}
	}
	if scaled && !r.Lost {
		return nil
	}
	state := ""
	if r.Lost {
		state = c.t.Bad("lost")
	}
	return []row{{dim: c.stale(), cells: []string{
		c.t.Text(poolName("gateways", r.Name)), count(float64(inFlight(r))), count(float64(serving)), count(float64(len(r.Gateways))),
		"", "", state, "", "",
	}}}
}

// inFlight is how many requests a region's gateways have.
func inFlight(r *api.Region) (sum int64) {
	for _, g := range r.Gateways {
		sum += g.InFlight
	}
	return sum
}
