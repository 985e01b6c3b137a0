package load

import "github.com/HdrHistogram/hdrhistogram-go"

// Distributions are the latencies of a stage in full, in microseconds. All have
// the same range and precision, so that those of several generators can be put
// together without loss.
type Distributions struct {
	Response *hdrhistogram.Histogram // from the moment a request was due
	Service  *hdrhistogram.Histogram // from the moment it was sent
}

// NewDistributions are without values.
func NewDistributions() Distributions {
	t := newTally(stageFigures)
	return Distributions{t.response, t.service}
}

// Merge adds the values of others, and says whether all of them could be: those
// of another range may lie outside of this one.
func (d Distributions) Merge(other Distributions) (complete bool) {
	return d.Response.Merge(other.Response) == 0 && d.Service.Merge(other.Service) == 0
}

// Summary gives the two latencies in short.
func (d Distributions) Summary() (response, service Latency) {
	return latencyOf(d.Response), latencyOf(d.Service)
}

// Distributions gives the latencies of each stage that the run has come to, in
// full.
func (g *Generator) Distributions() []Distributions {
	until := g.pacer.until()
	var list []Distributions
	for i := range g.config.Schedule.Stages() {
		if _, from, _ := g.config.Schedule.Stage(i); from >= until {
			break
		}
		t := g.recorder.stage(i)
		list = append(list, Distributions{t.response, t.service})
	}
	return list
}
