// Package trend says whether a measurement that is taken again and again grows,
// and how sure that is: the slope of a series of any length, kept in bounded
// memory, with a confidence interval that holds for measurements that depend on
// the ones before, as those of a running system do.
package trend

import "time"

// mostMeans is how many means a series keeps. Twice as many as its interval needs
// are left after each time that neighbours are joined.
const mostMeans = 512

// Series is a series of measurements, oldest first, as means of equally many in a
// row: one at first, and twice as many whenever it has grown too long. The zero
// value is a series without measurements.
type Series struct {
	each        int // measurements a mean
	means       []mean
	open        mean    // of fewer than each
	first, last float64 // when, in seconds
}

// mean is the mean of some measurements in a row.
type mean struct {
	n    int
	t, v float64 // seconds, and the value
}

// join gives the mean of the measurements of both.
func (m mean) join(other mean) mean {
	n := m.n + other.n
	if n == 0 {
		return mean{}
	}
	a, b := float64(m.n)/float64(n), float64(other.n)/float64(n)
	return mean{n: n, t: a*m.t + b*other.t, v: a*m.v + b*other.v}
}

// Add adds a measurement, which is taken later than those before.
func (s *Series) Add(at time.Duration, value float64) {
	if s.Len() == 0 {
		s.each, s.first = 1, at.Seconds()
	}
	s.last = at.Seconds()
	if s.open = s.open.join(mean{n: 1, t: at.Seconds(), v: value}); s.open.n < s.each {
		return
	}
	s.means = append(s.means, s.open)
	s.open = mean{}
	if len(s.means) < mostMeans {
		return
	}
	for i := range mostMeans / 2 {
		s.means[i] = s.means[2*i].join(s.means[2*i+1])
	}
	s.means = s.means[:mostMeans/2]
	s.each *= 2
}

// Len is how many measurements there were.
func (s *Series) Len() int { return len(s.means)*s.each + s.open.n }

// batches divides the series into so many batches of about as many means, in
// their order, and gives the mean of each. What is open is of the last.
func (s *Series) batches(n int) []mean {
	all := s.means
	if s.open.n > 0 {
		all = append(all[:len(all):len(all)], s.open)
	}
	n = min(n, len(all))
	out := make([]mean, n)
	for i, m := range all {
		b := i * n / len(all)
		out[b] = out[b].join(m)
	}
	return out
}
