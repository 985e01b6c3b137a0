package scenarios

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// mergeTimelines adds up the clients' part of the shards' timelines; the system's
// is the witness's. Points say the worst latencies of any shard: those of all
// together lie below them. Timelines of points that differ in length are not put
// together, and there is none.
func mergeTimelines(shards []*Result, witness *Timeline) *Timeline {
	if witness == nil {
		return nil
	}
	sum := &Timeline{Every: witness.Every, Points: slices.Clone(witness.Points)}
	index := map[int64]int{}
	for i := range sum.Points {
		p := &sum.Points[i]
		index[place(p.At, sum.Every)] = i
		*p = Point{At: p.At, System: p.System}
	}
	for _, s := range shards {
		if s.Timeline == nil || s.Timeline.Every != sum.Every {
			return nil
		}
		for _, p := range s.Timeline.Points {
			if i, ok := index[place(p.At, sum.Every)]; ok {
				sum.Points[i].add(&p)
			}
		}
	}
	return sum
}

// place is the number of a point in its timeline.
func place(at, every float64) int64 { return int64(math.Round(at / every)) }

// add adds what another shard's clients saw in the same interval.
func (p *Point) add(other *Point) {
	p.Offered += other.Offered
	p.Sent += other.Sent
	p.Dropped += other.Dropped
	p.Accepted += other.Accepted
	p.Refused += other.Refused
	p.Errors += other.Errors
	p.ServiceP99 = most(p.ServiceP99, other.ServiceP99)
	p.Machine = most(p.Machine, other.Machine)
	switch a, b := p.Latency, other.Latency; {
	case b == nil:
	case a == nil:
		p.Latency = b
	default:
		p.Latency = &Latencies{max(a.P50, b.P50), max(a.P90, b.P90), max(a.P95, b.P95), max(a.P99, b.P99), max(a.Max, b.Max)}
	}
}

// mergeMarks gives the witness's marks, and those of every other shard that are
// about its generator.
func mergeMarks(shards []*Result, witness []Mark) []Mark {
	marks := slices.DeleteFunc(slices.Clone(witness), func(m Mark) bool { return m.Kind == GeneratorMark })
	for _, s := range shards {
		for _, m := range s.Marks {
			if m.Kind == GeneratorMark {
				m.Text = fmt.Sprintf("shard %d: %s", s.Shard.Index, m.Text)
				marks = append(marks, m)
			}
		}
	}
	slices.SortStableFunc(marks, func(a, b Mark) int { return cmp.Compare(a.At, b.At) })
	return marks
}
