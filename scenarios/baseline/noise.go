package baseline

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/notifyctl/notifyctl/scenarios"
)

const (
	confidence = 0.95
	// batches is how many batch means the noise of single runs is told by, and
	// fewest how many pairs of points there must be at least. Ten batches make
	// each long enough to be independent of its neighbours in runs of a minute;
	// more would narrow the interval by little. Source: B. Schmeiser, "Batch size
	// effects in the analysis of simulation output", Operations Research 30 (1982).
	batches = 10
	fewest  = 2 * batches
)

// compare says how the metric moved; ok is false when one of the sides did not
// see it.
func (m *metric) compare(before, after []*scenarios.Result, tolerance float64) (Change, bool) {
	was, now := m.values(before), m.values(after)
	if len(was) == 0 || len(now) == 0 {
		return Change{}, false
	}
	if m.scale == exact {
		return m.compareExact(was, now), true
	}
	old, oldOK := m.transform(was)
	fresh, freshOK := m.transform(now)
	if !oldOK || !freshOK {
		// A latency or a cost of 0 has no share that it could grow by.
		return Change{}, false
	}
	by := stat.Mean(fresh, nil) - stat.Mean(old, nil)
	center, half, known := spread(old, fresh)
	if !known && len(before) == 1 && len(after) == 1 {
		center, half, known = m.side(before[0], after[0])
	}
	change := Change{Metric: m.name, Unit: m.unit, Absolute: m.scale == absolute}
	change.Before, change.After = m.back(stat.Mean(old, nil)), m.back(stat.Mean(fresh, nil))
	change.By = m.share(by)
	change.Verdict = m.verdict(by, center, half, known, change.Before, tolerance)
	if known {
		low, high := m.share(center-half), m.share(center+half)
		change.Low, change.High = &low, &high
	}
	return change, true
}

// verdict calls a change better or worse only when the runs as a whole moved by
// more than the tolerance, and so did they surely: the whole interval lies beyond
// it.
func (m *metric) verdict(by, center, half float64, known bool, before, tolerance float64) Verdict {
	limit := math.Log1p(tolerance)
	if m.scale == absolute {
		limit = tolerance * before
	}
	if m.higherBetter {
		by, center = -by, -center
	}
	switch {
	case by > limit && known && center-half > limit:
		return Worse
	case by < -limit && known && center+half < -limit:
		return Better
	case math.Abs(by) > limit:
		return Noise
	}
	return Same
}

// compareExact compares the most that any of the runs has.
func (m *metric) compareExact(was, now []float64) Change {
	change := Change{Metric: m.name, Unit: m.unit, Absolute: true, Before: most(was), After: most(now), Verdict: Same}
	change.By = change.After - change.Before
	change.Low, change.High = &change.By, &change.By
	switch {
	case change.By > 0:
		change.Verdict = Worse
	case change.By < 0:
		change.Verdict = Better
	}
	return change
}

func most(values []float64) float64 {
	m := values[0]
	for _, v := range values[1:] {
		m = max(m, v)
	}
	return m
}

// values gives the runs' values that were seen.
func (m *metric) values(runs []*scenarios.Result) []float64 {
	var values []float64
	for _, r := range runs {
		if v := m.value(r); v != nil {
			values = append(values, *v)
		}
	}
	return values
}

// transform gives values on the scale that changes add up on.
func (m *metric) transform(values []float64) ([]float64, bool) {
	out := make([]float64, len(values))
	for i, v := range values {
		var ok bool
		if out[i], ok = m.transformed(v); !ok {
			return nil, false
		}
	}
	return out, true
}

// back undoes transformed.
func (m *metric) back(v float64) float64 {
	if m.scale == relative {
		return math.Exp(v)
	}
	return v
}

// share gives a difference as results show it.
func (m *metric) share(d float64) float64 {
	if m.scale == relative {
		return math.Expm1(d)
	}
	return d
}

// spread gives the difference of the means of two sides of runs and half of its
// 95 % interval, from how much runs of one side differ. It takes two runs of a
// side at least.
//
// With several of both it is Welch's interval: the difference has the variance
// s1^2/n1 + s2^2/n2 and the degrees of freedom of Welch and Satterthwaite. With
// one run of a side its variance is taken to be that of the other side. Source:
// B. L. Welch, Biometrika 34 (1947).
func spread(before, after []float64) (center, half float64, known bool) {
	n1, n2 := float64(len(before)), float64(len(after))
	center = stat.Mean(after, nil) - stat.Mean(before, nil)
	switch {
	case n1 < 2 && n2 < 2:
		return 0, 0, false
	case n1 < 2:
		return center, student(n2-1) * stat.StdDev(after, nil) * math.Sqrt(1+1/n2), true
	case n2 < 2:
		return center, student(n1-1) * stat.StdDev(before, nil) * math.Sqrt(1+1/n1), true
	}
	a, b := stat.Variance(before, nil)/n1, stat.Variance(after, nil)/n2
	if a+b == 0 {
		return center, 0, true
	}
	freedom := (a + b) * (a + b) / (a*a/(n1-1) + b*b/(n2-1))
	return center, student(freedom) * math.Sqrt(a+b), true
}

// student is the quantile of Student's t that half of a two-sided interval is
// measured in.
func student(freedom float64) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(1 - (1-confidence)/2)
}

// side gives the mean difference of two single runs and half of its 95 %
// interval, from how the difference varies while the runs go on side by side. The
// load is the same at the same time, so a point of one is compared with the point
// of the other at that time, and what the schedule does to a metric cancels out.
// Neighbouring differences depend on each other; the means of ten batches of them
// hardly do, and their spread gives the interval.
//
// What differs between runs but not within them, as where the system put the
// process, is not seen by it: only several runs a side show that.
func (m *metric) side(before, after *scenarios.Result) (center, half float64, known bool) {
	differences := m.differences(before, after)
	if len(differences) < fewest {
		return 0, 0, false
	}
	means := make([]float64, batches)
	for i := range means {
		means[i] = stat.Mean(differences[i*len(differences)/batches:(i+1)*len(differences)/batches], nil)
	}
	center, deviation := stat.MeanStdDev(means, nil)
	return center, student(batches-1) * deviation / math.Sqrt(batches), true
}

// differences pairs the points of two courses by their place in it, while the
// load lasts.
func (m *metric) differences(before, after *scenarios.Result) []float64 {
	a, b := before.Timeline, after.Timeline
	if m.course == nil || a == nil || b == nil || a.Every != b.Every || !(a.Every > 0) {
		return nil
	}
	earlier := map[int64]*scenarios.Point{}
	for i := range a.Points {
		earlier[place(&a.Points[i], a.Every)] = &a.Points[i]
	}
	var out []float64
	for i := range b.Points {
		p := &b.Points[i]
		q := earlier[place(p, b.Every)]
		if q == nil || p.Offered == 0 || q.Offered == 0 {
			continue
		}
		is, was := m.course(p), m.course(q)
		if is == nil || was == nil {
			continue
		}
		y, ok := m.transformed(*is)
		x, also := m.transformed(*was)
		if ok && also {
			out = append(out, y-x)
		}
	}
	return out
}

// place is which interval of a course a point is of.
func place(p *scenarios.Point, every float64) int64 { return int64(math.Round(p.At / every)) }
