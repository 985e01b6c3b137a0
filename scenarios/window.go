package scenarios

import "time"

// mostSteps is in how many steps at most a window slides over its own length; one
// longer than ten minutes slides by more than a second.
const mostSteps = 600

// sliding is a window that slides over intervals, in memory that is bounded by its
// length: the intervals in it, and as many partial sums.
//
// It is a queue made of two stacks, which sums up whatever can be merged without
// ever having to take anything out of a sum: intervals hold extremes, of which
// that could not be done. Each interval is merged at most twice.
type sliding struct {
	length time.Duration
	open   interval   // not long enough yet for a step
	in     []interval // the later ones, oldest first
	sum    interval   // of in
	out    []partial  // the earlier ones, newest first
	began  time.Duration
	pushed bool
}

// partial is the sum of an interval and of those that follow it up to the later
// ones.
type partial struct {
	sum    interval
	middle time.Duration // of the interval
}

// push adds the next interval and lets go what lies before the window that ends
// with it. It gives the sum of the window, whenever that has moved; whole is false
// while the window is longer than what there was.
func (s *sliding) push(i interval) (sum interval, moved, whole bool) {
	if !s.pushed {
		s.began, s.pushed = i.from, true
	}
	s.open = s.open.merge(i)
	// A second ends a little before or after the second.
	if s.open.to-s.open.from < s.length/mostSteps-pollEvery/2 {
		return interval{}, false, false
	}
	i, s.open = s.open, interval{}
	s.in = append(s.in, i)
	s.sum = s.sum.merge(i)
	for s.oldest() <= i.to-s.length {
		s.pop()
	}
	sum = s.sum
	if n := len(s.out); n > 0 {
		sum = s.out[n-1].sum.merge(s.sum)
	}
	return sum, true, i.to-s.began >= s.length-pollEvery/2
}

// oldest is the middle of the oldest interval of the window.
func (s *sliding) oldest() time.Duration {
	if n := len(s.out); n > 0 {
		return s.out[n-1].middle
	}
	return middle(s.in[0])
}

// pop lets go of the oldest interval.
func (s *sliding) pop() {
	if len(s.out) == 0 {
		var sum interval
		for n := len(s.in) - 1; n >= 0; n-- {
			sum = s.in[n].merge(sum)
			s.out = append(s.out, partial{sum, middle(s.in[n])})
		}
		s.in, s.sum = s.in[:0], interval{}
	}
	s.out = s.out[:len(s.out)-1]
}

// windowed judges a check in every window of its span, as they go by.
type windowed struct {
	check   *expected
	length  time.Duration
	sliding sliding
	worst   *Check // of those so far that had something to be seen; nil if none
	partial *Check // of the span so far, while it is shorter than a window
}

// shortestWindow is the least that a window is scaled to: a percentile of less
// says nothing.
const shortestWindow = 5 * time.Second

func newWindowed(check *expected, timeScale float64) *windowed {
	length := max(time.Duration(float64(check.Over)*timeScale), min(check.Over, shortestWindow))
	return &windowed{check: check, length: length, sliding: sliding{length: length}}
}

// add judges the window that ends with an interval.
func (w *windowed) add(i interval, judge func(interval) Check) {
	sum, moved, whole := w.sliding.push(i)
	if !moved {
		return
	}
	check := judge(sum)
	at := i.to.Seconds()
	check.At, check.Over = &at, w.length.Seconds()
	switch {
	case check.Measured == nil:
	case !whole:
		w.partial = &check
	case w.worst == nil || w.check.worse(&check, w.worst):
		w.worst = &check
	}
}

// verdict is that of the worst window. Of a span that was shorter than a window it
// is the span's own; nil if nothing was seen in any.
func (w *windowed) verdict() *Check {
	if w.worst == nil {
		return w.partial
	}
	return w.worst
}
