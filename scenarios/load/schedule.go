package load

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"time"
)

// MaxRate is the most requests a second that a schedule may ask for. Below it
// no two requests fall on the same nanosecond.
const MaxRate = 1e8

// maxSlots keeps the numbers of requests well inside what a float64 counts
// exactly.
const maxSlots = 1 << 50

// Stage is a part of a schedule: the rate goes from one value to the other in
// a straight line. A constant rate has both alike; a jump is two stages that
// do not meet.
type Stage struct {
	Name string
	From float64 // requests a second at its start
	To   float64 // requests a second at its end
	For  time.Duration
}

// slots is how many requests the stage asks for in its first t seconds:
//
//	From t + (To - From) t^2 / (2 For)
func (s Stage) slots(t float64) float64 {
	return s.From*t + (s.To-s.From)/s.For.Seconds()*t*t/2
}

// offset is the inverse of slots: the seconds into the stage at which x
// requests are due. Of the two forms of a quadratic's root it takes the one
// that loses no digits, and that also holds for a constant rate.
func (s Stage) offset(x float64) float64 {
	if x <= 0 {
		return 0
	}
	slope := (s.To - s.From) / s.For.Seconds()
	root := math.Sqrt(math.Max(0, s.From*s.From+2*slope*x))
	return math.Min(2*x/(s.From+root), s.For.Seconds())
}

// Schedule says when every request of a run is due. Requests are numbered in
// slots from 0; a shard's slots are every so many of the whole's, see
// [Schedule.Shard].
type Schedule struct {
	stages []Stage
	starts []time.Duration // when each stage starts, and the end
	before []float64       // requests due before each stage, and in all, of the whole
	first  uint64          // the slot of the whole that is the first of this one
	of     uint64          // how many shards there are; 1 for the whole
}

// NewSchedule puts stages one after the other.
func NewSchedule(stages []Stage) (*Schedule, error) {
	if len(stages) == 0 {
		return nil, errors.New("a schedule needs at least one stage")
	}
	s := &Schedule{stages: stages, starts: []time.Duration{0}, before: []float64{0}, of: 1}
	for i, stage := range stages {
		if err := checkStage(stage); err != nil {
			return nil, fmt.Errorf("stage %q: %w", stage.Name, err)
		}
		if stage.For > math.MaxInt64-s.starts[i] {
			return nil, fmt.Errorf("stage %q: the stages together last too long", stage.Name)
		}
		s.starts = append(s.starts, s.starts[i]+stage.For)
		s.before = append(s.before, s.before[i]+stage.slots(stage.For.Seconds()))
	}
	if total := s.before[len(stages)]; total > maxSlots {
		return nil, fmt.Errorf("%.3g requests are more than a schedule can count", total)
	}
	return s, nil
}

func checkStage(stage Stage) error {
	if stage.For <= 0 {
		return fmt.Errorf("it lasts %v, and must last more than 0", stage.For)
	}
	for _, rate := range []float64{stage.From, stage.To} {
		if !(rate >= 0 && rate <= MaxRate) {
			return fmt.Errorf("a rate of %g requests a second is not between 0 and %g", rate, float64(MaxRate))
		}
	}
	return nil
}

// Total is how long the schedule lasts.
func (s *Schedule) Total() time.Duration { return s.starts[len(s.stages)] }

// Slots is how many requests are due before the end.
func (s *Schedule) Slots() uint64 { return s.SlotsBy(s.Total()) }

// At is when a slot is due, from the start of the run. Slots past the end are
// due at the end.
func (s *Schedule) At(slot uint64) time.Duration { return s.wholeAt(s.Number(slot)) }

// wholeAt is At of the whole schedule.
func (s *Schedule) wholeAt(slot uint64) time.Duration {
	x := float64(slot)
	// The stage in which the slot falls is the last one that starts with no
	// more than x requests behind it; a stage without requests has none.
	i := sort.Search(len(s.stages), func(i int) bool { return s.before[i+1] > x })
	if i == len(s.stages) {
		return s.Total()
	}
	offset := time.Duration(math.Ceil(s.stages[i].offset(x-s.before[i]) * float64(time.Second)))
	return s.starts[i] + min(offset, s.stages[i].For)
}

// SlotsBy is how many slots are due before t: the inverse of At, so that
// SlotsBy(At(n)) is n for every slot of the schedule.
func (s *Schedule) SlotsBy(t time.Duration) uint64 {
	whole := s.wholeSlotsBy(t)
	if whole <= s.first {
		return 0
	}
	return (whole - s.first + s.of - 1) / s.of
}

// wholeSlotsBy is SlotsBy of the whole schedule.
func (s *Schedule) wholeSlotsBy(t time.Duration) uint64 {
	if t <= 0 {
		return 0
	}
	t = min(t, s.Total())
	i := s.StageAt(t)
	n := uint64(math.Ceil(s.before[i] + s.stages[i].slots((t - s.starts[i]).Seconds())))
	// The two formulas round apart by a slot or so; At has the last word.
	for n > 0 && s.wholeAt(n-1) >= t {
		n--
	}
	for s.wholeAt(n) < t {
		n++
	}
	return n
}

// StageAt is the index of the stage that runs at t; at and past the end it is
// the last.
func (s *Schedule) StageAt(t time.Duration) int {
	return min(sort.Search(len(s.stages), func(i int) bool { return s.starts[i+1] > t }), len(s.stages)-1)
}

// Stage gives a stage with the times at which it starts and ends.
func (s *Schedule) Stage(i int) (stage Stage, from, to time.Duration) {
	return s.stages[i], s.starts[i], s.starts[i+1]
}

// Stages is the number of stages.
func (s *Schedule) Stages() int { return len(s.stages) }

// Rate is the requests a second that are due at t.
func (s *Schedule) Rate(t time.Duration) float64 {
	if t < 0 || t >= s.Total() {
		return 0
	}
	i := s.StageAt(t)
	stage := s.stages[i]
	return (stage.From + (stage.To-stage.From)*float64(t-s.starts[i])/float64(stage.For)) / float64(s.of)
}

// Peak is the highest rate that the schedule reaches, in requests a second.
func (s *Schedule) Peak() float64 {
	var peak float64
	for _, stage := range s.stages {
		peak = max(peak, stage.From, stage.To)
	}
	return peak / float64(s.of)
}
