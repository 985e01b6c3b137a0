package page

import (
	"fmt"
	"math"

	"github.com/notifyctl/notifyctl/reports"
)

// tick is a labelled place on an axis, in per cent of its length.
type tick struct {
	At    float64
	Label string
}

// axis turns values into heights, in per cent of a chart's.
type axis struct {
	low, high   float64 // of log10 where it is logarithmic
	logarithmic bool
	Ticks       []tick
}

// mostTicks is how many labels an axis has room for.
const mostTicks = 5

// largestShown is the most that an axis goes to: some powers of ten more are
// still numbers.
const largestShown = 1e300

// linearAxis goes from 0 to a round number at or above the largest value.
func linearAxis(largest float64, label func(float64) string) axis {
	largest = math.Min(largest, largestShown)
	step := roundStep(largest / (mostTicks - 1))
	a := axis{high: step * math.Max(math.Ceil(largest/step), 1)}
	for v := 0.0; v <= a.high*1.0001; v += step {
		a.Ticks = append(a.Ticks, tick{a.height(v), label(v)})
	}
	return a
}

// roundStep is the smallest of 1, 2 and 5 times a power of ten that is not below
// a value.
func roundStep(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v {
			return m * power
		}
	}
	return 10 * power
}

// logAxis goes over whole decades, from the smallest value above 0 to the
// largest.
func logAxis(values []float64, label func(float64) string) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	if low > high {
		low, high = 1, 10
	}
	a := axis{low: math.Floor(math.Log10(low)), high: math.Ceil(math.Log10(high)), logarithmic: true}
	if a.high <= a.low {
		a.high = a.low + 1
	}
	step := math.Ceil((a.high - a.low) / (mostTicks - 1))
	for exponent := a.low; exponent <= a.high; exponent += step {
		v := math.Pow(10, exponent)
		a.Ticks = append(a.Ticks, tick{a.height(v), label(v)})
	}
	return a
}

// height is how far up a value stands. What a logarithmic axis cannot show
// stands at its foot.
func (a axis) height(v float64) float64 {
	if a.logarithmic {
		if !(v > 0) {
			return 0
		}
		v = math.Log10(v)
	}
	return round(math.Min(math.Max((v-a.low)/(a.high-a.low)*100, 0), 100))
}

// round keeps as many digits as a screen can show.
func round(v float64) float64 { return math.Round(v*100) / 100 }

// timeAxis divides the length of a run into round parts.
func timeAxis(length float64) []tick {
	step := roundStep(length / 8)
	for _, round := range []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 6 * 3600, 12 * 3600, 24 * 3600} {
		if round >= length/8 {
			step = round
			break
		}
	}
	var ticks []tick
	for at := 0.0; at <= length; at += step {
		ticks = append(ticks, tick{round(at / length * 100), reports.ClockOf(at)})
	}
	return ticks
}

// axisCount writes a number of things for an axis, where there is little room.
func axisCount(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%.3gG", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case v >= 1e5:
		return fmt.Sprintf("%.3gK", v/1e3)
	case v < 10 && v != math.Trunc(v):
		return fmt.Sprintf("%.2g", v)
	}
	return reports.Count(int64(v))
}

// axisLatency writes a power of ten of milliseconds.
func axisLatency(ms float64) string {
	switch {
	case ms < 1:
		return fmt.Sprintf("%g us", ms*1000)
	case ms < 1000:
		return fmt.Sprintf("%g ms", ms)
	}
	return fmt.Sprintf("%g s", ms/1000)
}
