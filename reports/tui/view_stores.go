package tui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// stores is what the server keeps things in: caches, shards and engines.
func (c *canvas) stores() []string {
	caches := append([]string{c.rule("caches", "over the last ten seconds")}, c.cacheTable().write(c.t, c.width, c.order)...)
	below := c.below()
	if rows := c.height - len(caches) - len(below); rows > leastChart {
		caches = append(caches, c.hitsChart(min(rows-1, mostChart))...)
	}
	return append(caches, below...)
}

// hitsChart shows how the caches of preferences do, which a database would be
// asked in the place of.
func (c *canvas) hitsChart(rows int) []string {
	ch := chart{write: percent, least: 100, lines: []line{
		{hitsOf + "preferences_l2", "second", true}, {hitsOf + "preferences_l1", "first", false},
	}}
	return c.chart("hits of the preferences' caches", ch, []string{
		number("first      ", percent(c.history.last(hitsOf+"preferences_l1")), 9),
		number("second     ", percent(c.history.last(hitsOf+"preferences_l2")), 9),
	}, rows)
}

// below is what is no cache.
func (c *canvas) below() []string {
	lines := []string{c.rule("preferences", "")}
	lines = append(lines, c.shards()...)
	lines = append(lines, c.rule("engines", ""))
	lines = append(lines, c.engines()...)
	if len(c.status().Dependencies) > 0 {
		lines = append(lines, c.rule("beyond the network", "asked once a second"))
		lines = append(lines, c.dependencyTable().write(c.t, c.width, c.order)...)
	}
	return lines
}

func (c *canvas) cacheTable() *table {
	spark := c.spark(68)
	tb := &table{columns: []column{
		{title: "cache"},
		{title: "look-ups/s", width: 11, keyed: true},
		{title: "hits", width: 8, keyed: true},
		{title: "entries", width: 9, keyed: true},
		{title: "full", width: 8, spare: 1},
		{title: "hits over time", width: spark, left: true, spare: 2},
	}}
	w := c.history.window()
	for i := range w.now.Caches {
		x := &w.now.Caches[i]
		then := w.cache(x)
		lookups := w.rate(then.Hits, x.Hits) + w.rate(then.Misses, x.Misses)
		hits := share(grown(then.Hits, x.Hits), grown(then.Misses, x.Misses))
		tb.rows = append(tb.rows, row{
			cells: []string{
				c.t.Text(stateText(x.Name)), count(lookups), percent(hits), count(float64(x.Entries)),
				percent(value(w.now, "cache_fill", "cache", x.Name) * 100),
				sparkline(c.history, c.t, hitsOf+x.Name, c.seconds, spark),
			},
			keys: []float64{lookups, hits, float64(x.Entries)},
			dim:  c.stale(),
		})
	}
	return tb
}

// shards says how the preferences are divided, and how far a move of them is.
func (c *canvas) shards() []string {
	s := c.status().Shards
	lines := []string{fmt.Sprintf(" %s shards, divided by %s", count(float64(s.Shards)), c.t.Text(s.Sharding))}
	r := s.Reshard
	if r == nil {
		return lines
	}
	text := fmt.Sprintf(" move from %d to %d: %s, %d of %d shards copied, %s of %s rows move", r.From, r.To, c.t.Text(r.Phase),
		r.Copied, r.From, count(float64(r.Moved)), count(float64(r.Rows)))
	if r.Error != "" {
		text += "; " + c.t.Text(r.Error)
	}
	how := plain
	if r.Phase == api.ReshardFailed {
		how = bad
	}
	for _, line := range wrap(text, " ", c.width) {
		lines = append(lines, paint(c.t, how, line))
	}
	return lines
}

// engines says what serves each part of the pipeline.
func (c *canvas) engines() []string {
	parts := map[string][]string{}
	for part, engine := range c.status().Engines {
		parts[engine] = append(parts[engine], part)
	}
	var lines []string
	for _, engine := range slices.Sorted(maps.Keys(parts)) {
		slices.Sort(parts[engine])
		lines = append(lines, " "+fit(c.t.Text(engine), 16)+" "+c.t.Text(strings.Join(parts[engine], ", ")))
	}
	return lines
}

func (c *canvas) dependencyTable() *table {
	tb := &table{columns: []column{
		{title: "engine"},
		{title: "state", width: 5, left: true},
		{title: "since", width: 8},
		{title: "address", width: 24, left: true},
		{title: "error", width: max(c.width-60, 10), left: true, spare: 1},
	}}
	for _, d := range c.status().Dependencies {
		how := good
		if d.State != "up" {
			how = bad
		}
		since := time.Duration(0)
		if !d.Since.IsZero() {
			since = c.status().Now.Sub(d.Since)
		}
		tb.rows = append(tb.rows, row{dim: c.stale(), cells: []string{
			c.t.Text(d.Name), paint(c.t, how, c.t.Text(d.State)), long(since), c.t.Text(d.Address), c.t.Text(d.Error),
		}})
	}
	return tb
}
