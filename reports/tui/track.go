package tui

import "math"

const (
	// fineSeconds is for how long a track keeps every second.
	fineSeconds = 600
	// coursePoints bounds the points of a track's whole course.
	coursePoints = 600
)

// A track is one number over time, a value a second: every one of the last ten
// minutes, and the whole course in a bounded number of points, which get longer
// as it does. What was not seen is NaN.
type track struct {
	fine   [fineSeconds]float64 // of second s at s % fineSeconds
	course []float64            // means, each over a stretch of seconds
	first  int                  // the first second that it knows of
	next   int                  // the second that comes next
	filled int                  // values in the last point of the course
}

// add appends the value of the next second; stretch is the length of a point of
// the course.
func (t *track) add(v float64, stretch int) {
	t.fine[t.next%fineSeconds] = v
	at := t.next / stretch
	for len(t.course) <= at {
		t.course, t.filled = append(t.course, math.NaN()), 0
	}
	if !math.IsNaN(v) {
		if t.filled == 0 {
			t.course[at] = 0
		}
		t.filled++
		t.course[at] += (v - t.course[at]) / float64(t.filled)
	}
	t.next++
}

// widen makes every two points of the course one.
func (t *track) widen() {
	half := (len(t.course) + 1) / 2
	for i := range half {
		t.course[i] = mean(t.course[2*i : min(2*i+2, len(t.course))])
	}
	t.course = t.course[:half]
	t.filled = 0
	if half > 0 && !math.IsNaN(t.course[half-1]) {
		t.filled = 1
	}
}

// mean gives the mean from one second to before another, NaN where there was
// nothing.
func (t *track) mean(from, to, stretch int) float64 {
	from, to = max(from, t.first), min(to, t.next)
	if from >= to {
		return math.NaN()
	}
	if from < t.next-fineSeconds {
		last := min((to-1)/stretch, len(t.course)-1)
		return mean(t.course[min(from/stretch, last) : last+1])
	}
	at, end := from%fineSeconds, (to-1)%fineSeconds+1
	if at < end {
		return mean(t.fine[at:end])
	}
	sum, n := addUp(t.fine[at:])
	more, m := addUp(t.fine[:end])
	return (sum + more) / float64(n+m) // of nothing NaN
}

// mean is the mean of the values that are numbers, NaN if none is.
func mean(values []float64) float64 {
	sum, n := addUp(values)
	return sum / float64(n)
}

func addUp(values []float64) (sum float64, n int) {
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return sum, n
}
