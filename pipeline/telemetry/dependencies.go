package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Dependency is how an engine beyond the network stands, at one moment.
type Dependency struct {
	Name   string
	Up     bool  // it answered when it was last asked
	Failed int64 // times that it did not, cumulative
}

// ObserveDependencies reads the engines at each scrape; read must be safe for
// concurrent use, and ask nobody.
func (m *Metrics) ObserveDependencies(read func() []Dependency) { m.engines.Store(&read) }

func (c *collector) collectDependencies(ch chan<- prometheus.Metric) {
	read := c.m.engines.Load()
	if read == nil {
		return
	}
	for _, d := range (*read)() {
		up := int64(0)
		if d.Up {
			up = 1
		}
		ch <- c.count(dependencyUp, up, d.Name)
		ch <- c.count(dependencyFailed, d.Failed, d.Name)
	}
}
