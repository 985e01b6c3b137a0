package planner

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// A model is a list of figures, resolved against the keys of a plan and put
// into an order in which each comes after its inputs. Values are kept in slots:
// first the plan's keys, then the prices, then the figures in the list's order. A model depends
// on names alone, so one serves any number of evaluations.
type model struct {
	figures []Figure
	keys    int     // slots of the plan's keys and the prices; figure i is in slot keys+i
	inputs  [][]int // the slots of each figure's inputs
	order   []int   // indices of figures, inputs first
	widest  int     // the most inputs that a figure has
}

// newModel resolves and orders figures over the plan's keys and the prices.
func newModel(keys []string, figures []Figure, prices ...string) (*model, error) {
	m := &model{figures: figures, keys: len(keys) + len(prices), inputs: make([][]int, len(figures))}
	keySlots, priceSlots, figureSlots := make(map[string]int), make(map[string]int), make(map[string]int)
	for i, k := range keys {
		keySlots[k] = i
	}
	for i, id := range prices {
		priceSlots[id] = len(keys) + i
	}
	for i, f := range figures {
		if _, twice := figureSlots[f.ID]; twice {
			return nil, fmt.Errorf("the figure %s is listed twice", f.ID)
		}
		figureSlots[f.ID] = m.keys + i
	}
	for i, f := range figures {
		m.widest = max(m.widest, len(f.Inputs))
		for _, in := range f.Inputs {
			slots, kind := figureSlots, "figure"
			switch in.From {
			case FromKey:
				slots, kind = keySlots, "key of the plan"
			case FromPrice:
				slots, kind = priceSlots, "price"
			}
			slot, ok := slots[in.ID]
			if !ok {
				return nil, fmt.Errorf("the figure %s needs %s, and there is no such %s", f.ID, in.ID, kind)
			}
			m.inputs[i] = append(m.inputs[i], slot)
		}
	}
	return m, m.sort()
}

// sort orders the figures, depth first along their inputs.
func (m *model) sort() error {
	const (
		open = iota + 1
		done
	)
	state := make([]int, len(m.figures))
	var path []string
	var visit func(i int) error
	visit = func(i int) error {
		path = append(path, m.figures[i].ID)
		switch state[i] {
		case open:
			start := slices.Index(path, m.figures[i].ID)
			return fmt.Errorf("figures need each other in a circle: %s", strings.Join(path[start:], " <- "))
		case done:
			path = path[:len(path)-1]
			return nil
		}
		state[i] = open
		for _, slot := range m.inputs[i] {
			if slot < m.keys {
				continue
			}
			if err := visit(slot - m.keys); err != nil {
				return err
			}
		}
		state[i] = done
		m.order = append(m.order, i)
		path = path[:len(path)-1]
		return nil
	}
	for i := range m.figures {
		if err := visit(i); err != nil {
			return err
		}
	}
	return nil
}

// evaluate fills the slots of the figures from those of the plan's keys: low
// with the least that each can be, high with the greatest. Where all keys are
// exact the two are the same, and a sample is such a case.
func (m *model) evaluate(low, high []float64) error {
	scratch := make([]float64, 2*m.widest)
	for _, i := range m.order {
		m.compute(i, low, high, scratch)
		slot := m.keys + i
		if !finite(low[slot]) || !finite(high[slot]) || low[slot] > high[slot] {
			return notReal(m.figures[i].ID, low[slot], high[slot])
		}
	}
	return nil
}

// notReal is the error of a figure that no real system has.
func notReal(id string, low, high float64) error {
	return yamldoc.Invalid([]yamldoc.Fault{{Key: id, Message: fmt.Sprintf("the plan's values give %v..%v; accepted are values of a real system", low, high)}})
}

// rounding is the part by which the ends of a range may be turned round by the
// arithmetic alone, where a figure is as good as flat: sums of many terms, and
// roots that are searched for. The ends are then one.
const rounding = 1e-8

// compute fills the slots of one figure from those of its inputs. The scratch
// holds twice as many values as the widest figure has inputs.
func (m *model) compute(i int, low, high, scratch []float64) {
	f := &m.figures[i]
	n := len(m.inputs[i])
	least, greatest := scratch[:n], scratch[m.widest:m.widest+n]
	exact := true
	for n, slot := range m.inputs[i] {
		least[n], greatest[n] = low[slot], high[slot]
		if f.Inputs[n].Falls {
			least[n], greatest[n] = greatest[n], least[n]
		}
		exact = exact && least[n] == greatest[n]
	}
	slot := m.keys + i
	low[slot] = f.Compute(least)
	high[slot] = low[slot]
	if !exact {
		high[slot] = f.Compute(greatest)
	}
	if high[slot] < low[slot] && high[slot] > low[slot]*(1-rounding) {
		high[slot] = low[slot]
	}
}

// between lists the figures that some slots need and that move with others, in
// the order of evaluation and with the needed ones among them.
func (m *model) between(moving, needed []int) []int {
	moves := make([]bool, m.keys+len(m.figures))
	for _, slot := range moving {
		moves[slot] = true
	}
	for _, i := range m.order {
		moves[m.keys+i] = slices.ContainsFunc(m.inputs[i], func(slot int) bool { return moves[slot] })
	}
	needs := make([]bool, len(moves))
	for _, slot := range needed {
		needs[slot] = true
	}
	var found []int
	for _, i := range slices.Backward(m.order) {
		if !needs[m.keys+i] {
			continue
		}
		for _, slot := range m.inputs[i] {
			needs[slot] = true
		}
		if moves[m.keys+i] {
			found = append(found, i)
		}
	}
	slices.Reverse(found)
	return found
}

// finite reports whether v is a number that may leave the planner.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
