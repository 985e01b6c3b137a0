package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Shards is how the preferences are divided, at one moment.
type Shards struct {
	Shards int
	Moving bool  // to another number of shards
	Moved  int64 // rows, by the last move so far
}

// ObserveShards reads the shards at each scrape; read must be safe for
// concurrent use.
func (m *Metrics) ObserveShards(read func() Shards) { m.shards.Store(&read) }

func (c *collector) collectShards(ch chan<- prometheus.Metric) {
	read := c.m.shards.Load()
	if read == nil {
		return
	}
	shards, moving := (*read)(), int64(0)
	if shards.Moving {
		moving = 1
	}
	ch <- c.count(preferenceShards, int64(shards.Shards))
	ch <- c.count(reshardRunning, moving)
	ch <- c.count(reshardMoved, shards.Moved)
}
