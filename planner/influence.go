package planner

import (
	"math"
	"slices"
)

// An Influence is how far one input alone moves a figure: from its 10th to its
// 90th percentile, with every other input at its median.
type Influence struct {
	Input     Input
	Low, High float64 // the figure at the input's 10th and 90th percentile
}

// Swing is the size of the movement.
func (i Influence) Swing() float64 { return math.Abs(i.High - i.Low) }

// z90 is the standard normal deviate that a tenth of all exceed.
const z90 = 1.2815515655446004

// influences moves each input that is drawn by itself, and notes what each
// affected figure does.
func (s *sampler) influences() (map[string][]Influence, error) {
	all := make(map[string][]Influence, len(s.affected))
	low, high := slices.Clone(s.values), slices.Clone(s.values)
	scratch := make([]float64, 2*s.model.widest)
	for _, d := range s.drawn {
		for _, end := range []struct {
			values []float64
			z      float64
		}{{low, -z90}, {high, z90}} {
			copy(end.values, s.values)
			end.values[d.slot] = d.quantile(end.z)
			s.normalize(end.values)
			if err := s.follow(end.values, scratch); err != nil {
				return nil, err
			}
		}
		for _, i := range s.affected {
			slot, id := s.model.keys+i, s.model.figures[i].ID
			if moved := (Influence{d.input, low[slot], high[slot]}); moved.Swing() > 0 {
				all[id] = append(all[id], moved)
			}
		}
	}
	for _, moves := range all {
		slices.SortStableFunc(moves, func(a, b Influence) int {
			switch {
			case a.Swing() > b.Swing():
				return -1
			case a.Swing() < b.Swing():
				return 1
			}
			return 0
		})
	}
	return all, nil
}
