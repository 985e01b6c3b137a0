package planner

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// MaxSamples is the most samples that one sampling draws.
const MaxSamples = 1_000_000

// A Sampling is what a plan's ranges mean for its figures: each input with a
// range is drawn at random, once a sample, and everything that follows from it
// is computed from the same draw, so what two figures have in common moves
// both alike.
type Sampling struct {
	Samples int
	Seed    uint64
	// Drawn lists the inputs that have a range, in the plan's order.
	Drawn []Input
	// Quantiles are those of every figure that a range reaches; the others
	// have one value.
	Quantiles map[string]Quantiles
	// Influences are the tornado of each of those figures: which inputs move
	// it, the strongest first.
	Influences map[string][]Influence
}

// Sample draws the inputs that the plan gives as ranges. The same plan, number
// and seed give the same sampling on every machine.
func (e *Estimate) Sample(samples int, seed uint64) (*Sampling, error) {
	if samples < 1 || samples > MaxSamples {
		return nil, fmt.Errorf("%d samples; accepted is from 1 to %d", samples, MaxSamples)
	}
	s := newSampler(e)
	result := &Sampling{Samples: samples, Seed: seed, Quantiles: make(map[string]Quantiles)}
	for _, d := range s.drawn {
		result.Drawn = append(result.Drawn, d.input)
	}
	if len(s.drawn) == 0 {
		return result, nil
	}
	columns, err := s.draw(samples, seed)
	if err != nil {
		return nil, err
	}
	for i, q := range quantiles(columns) {
		result.Quantiles[s.model.figures[s.affected[i]].ID] = q
	}
	result.Influences, err = s.influences()
	return result, err
}

// A sampler evaluates what a plan's ranges reach.
type sampler struct {
	model    *model
	values   []float64 // of every slot, those that are drawn at their medians
	drawn    []draw
	shares   [][]draw // groups of those drawn that add up to a fixed sum
	sums     []float64
	affected []int // figures that something drawn reaches, inputs first
}

// A draw is an input that is drawn, and how.
type draw struct {
	input Input
	slot  int
	distribution
}

// newSampler finds what is drawn, and what follows from it.
func newSampler(e *Estimate) *sampler {
	v := e.values
	s := &sampler{model: v.model, values: slices.Clone(v.low)}
	reached := make([]bool, len(v.low))
	for _, in := range v.drawable(e.Plan) {
		d := draw{input: in.input, slot: v.slot(in.input), distribution: in.distribution}
		s.drawn = append(s.drawn, d)
		s.values[d.slot], reached[d.slot] = d.quantile(0), true
	}
	for _, group := range shareGroups() {
		s.share(v, group.keys())
	}
	s.normalize(s.values)
	for _, i := range s.model.order {
		if slices.ContainsFunc(s.model.inputs[i], func(slot int) bool { return reached[slot] }) {
			reached[s.model.keys+i] = true
			s.affected = append(s.affected, i)
		}
	}
	return s
}

// share notes the group of shares that are drawn among keys which add up to
// one.
func (s *sampler) share(v *valuation, keys []string) {
	rest := 1.0
	var group []draw
	for _, path := range keys {
		at := slices.IndexFunc(s.drawn, func(d draw) bool { return d.input == key(path) })
		if at < 0 {
			rest -= s.values[v.slot(key(path))]
			continue
		}
		group = append(group, s.drawn[at])
	}
	if len(group) > 0 {
		s.shares, s.sums = append(s.shares, group), append(s.sums, max(rest, 0))
	}
}

// normalize scales the shares of each group so that they add up again.
func (s *sampler) normalize(values []float64) {
	for i, group := range s.shares {
		var sum float64
		for _, d := range group {
			sum += values[d.slot]
		}
		for _, d := range group {
			if sum > 0 {
				values[d.slot] *= s.sums[i] / sum
			}
		}
	}
}

// samplesPerChunk is how many samples one source of chance serves: chunks are
// drawn side by side, each from a source of its own, so that the number of
// processors does not show in the result.
const samplesPerChunk = 512

// draw evaluates the samples and gives the values of the affected figures, a
// column each.
func (s *sampler) draw(samples int, seed uint64) ([][]float64, error) {
	columns := make([][]float64, len(s.affected))
	for i := range columns {
		columns[i] = make([]float64, samples)
	}
	chunks := (samples + samplesPerChunk - 1) / samplesPerChunk
	failed := make([]error, chunks)
	sideBySide(chunks, func(chunk int) {
		from := chunk * samplesPerChunk
		to := min(from+samplesPerChunk, samples)
		failed[chunk] = s.drawChunk(rand.New(rand.NewPCG(seed, uint64(chunk))), columns, from, to)
	})
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// drawChunk fills the rows from one to another of the columns.
func (s *sampler) drawChunk(random *rand.Rand, columns [][]float64, from, to int) error {
	values := slices.Clone(s.values)
	scratch := make([]float64, 2*s.model.widest)
	for row := from; row < to; row++ {
		for _, d := range s.drawn {
			values[d.slot] = d.quantile(random.NormFloat64())
		}
		s.normalize(values)
		if err := s.follow(values, scratch); err != nil {
			return err
		}
		for i, f := range s.affected {
			columns[i][row] = values[s.model.keys+f]
		}
	}
	return nil
}

// follow computes the affected figures from the slots of what is drawn.
func (s *sampler) follow(values, scratch []float64) error {
	for _, i := range s.affected {
		s.model.compute(i, values, values, scratch)
		if v := values[s.model.keys+i]; !finite(v) {
			return notReal(s.model.figures[i].ID, v, v)
		}
	}
	return nil
}

// quantiles gives those of each column, whose order is lost.
func quantiles(columns [][]float64) []Quantiles {
	all := make([]Quantiles, len(columns))
	sideBySide(len(columns), func(i int) { all[i] = quantilesOf(columns[i]) })
	return all
}

// sideBySide calls a function with each number below n, on all processors.
func sideBySide(n int, do func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	wg.Wait()
}
