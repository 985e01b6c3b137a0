package reports

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/scenarios"
)

// Measured writes what a check measured, with its unit.
func Measured(c scenarios.Check) string {
	if c.Measured == nil {
		return "?"
	}
	text := Quantity(*c.Measured, c.Unit)
	switch c.Bound {
	case scenarios.AtLeast:
		return "at least " + text
	case scenarios.AtMost:
		return "at most " + text
	}
	return text
}

// Limit writes what a check expects, as in "< 500 ms". That a count is to be 0
// goes without saying.
func Limit(c scenarios.Check) string {
	if c.Op == "=" && c.Limit == 0 && c.Measured != nil && *c.Measured == 0 {
		return ""
	}
	return Expected(c)
}

// Expected writes what a check expects, whatever it measured.
func Expected(c scenarios.Check) string { return Clean(c.Op) + " " + Quantity(c.Limit, c.Unit) }

// Scope says which part of the run a check is about, as in "spike, each 30 s";
// of the whole of it, nothing.
func Scope(c scenarios.Check) string {
	var parts []string
	if c.During != "" {
		parts = append(parts, c.During)
	}
	if c.Over > 0 {
		parts = append(parts, "each "+Seconds(c.Over))
	}
	return strings.Join(parts, ", ")
}

// CheckTitle is the name of a check with the part of the run that it is about.
func CheckTitle(c scenarios.Check) string {
	if scope := Scope(c); scope != "" {
		return c.Name + " (" + scope + ")"
	}
	return c.Name
}

// CheckNotes says what is to be known of a check beside its numbers: when the
// worst was, how sure a slope is, and why the verdict is what it is.
func CheckNotes(c scenarios.Check) string {
	var notes []string
	if c.Low != nil && c.High != nil {
		notes = append(notes, "95 % interval "+Quantity(*c.Low, c.Unit)+" to "+Quantity(*c.High, c.Unit))
	}
	if c.At != nil {
		notes = append(notes, "worst until "+ClockOf(*c.At))
	}
	if c.Why != "" {
		notes = append(notes, c.Why)
	}
	return strings.Join(notes, "; ")
}

// Nearness is how near a check came to its limit: 1 is at it, more is beyond it.
// It is nil where there is no such thing, as of a check for equality.
func Nearness(c scenarios.Check) *float64 {
	if c.Measured == nil || c.Limit <= 0 || *c.Measured < 0 {
		return nil
	}
	share := 0.0
	switch c.Op {
	case "<", "<=":
		share = *c.Measured / c.Limit
	case ">", ">=":
		if *c.Measured == 0 {
			return nil // infinitely far beyond
		}
		share = c.Limit / *c.Measured
	default:
		return nil
	}
	if math.IsInf(share, 0) {
		return nil
	}
	return &share
}

// Quantity writes a value with its unit: ms, s, bytes or B, %, ppm, us, or none for a
// number of things.
func Quantity(v float64, unit string) string {
	switch unit {
	case "ms":
		return Milliseconds(v)
	case "s":
		return Seconds(v)
	case "/s":
		return Rate(v)
	case "us":
		return fmt.Sprintf("%.3g us", v)
	case "bytes", "B":
		return Bytes(v)
	case "":
		return decimal(v)
	case "%":
		// Cut, not rounded: 98.99 is not 99.
		return fmt.Sprintf("%g %%", math.Floor(v*100)/100)
	}
	unit = Clean(unit)
	if math.Abs(v) < 10 {
		return fmt.Sprintf("%.3g %s", v, unit)
	}
	return decimal(math.Round(v)) + " " + unit
}

// decimal writes a number of things, which may be a mean.
func decimal(v float64) string {
	switch {
	case math.Abs(v) >= math.MaxInt64 || math.IsNaN(v):
		return fmt.Sprintf("%.3g", v)
	case v == math.Trunc(v) || math.Abs(v) >= 1000:
		return Count(int64(v))
	}
	return fmt.Sprintf("%.3g", v)
}

// Count writes a number of things with its thousands apart.
func Count(n int64) string {
	digits := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Seen writes a number that may not have been seen.
func Seen(n *int64) string {
	if n == nil {
		return "?"
	}
	return Count(*n)
}

// Rate writes a number of things a second.
func Rate(perSecond float64) string { return decimal(math.Round(perSecond)) + "/s" }

// Milliseconds writes a latency in three digits or so.
func Milliseconds(ms float64) string {
	switch {
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 99_995:
		return fmt.Sprintf("%.3g s", ms/1000)
	}
	return spell(ms / 1000)
}

// Seconds writes a length of time in three digits or so.
func Seconds(s float64) string {
	switch {
	case s == 0:
		return "0 s"
	case s < 1:
		return Milliseconds(s * 1000)
	case s < 120:
		return fmt.Sprintf("%.3g s", s)
	}
	return spell(s)
}

// spell writes a long time in hours, minutes and seconds.
func spell(s float64) string {
	if s > math.MaxInt64/float64(time.Second) {
		return fmt.Sprintf("%.3g s", s)
	}
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}

// Bytes writes a size in decimal units.
func Bytes(v float64) string {
	for _, unit := range []struct {
		factor float64
		name   string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "KB"}} {
		if math.Abs(v) >= unit.factor {
			return fmt.Sprintf("%.4g %s", v/unit.factor, unit.name)
		}
	}
	return fmt.Sprintf("%.0f bytes", v)
}

// Dollars writes an amount that may be a fraction of a cent.
func Dollars(v float64) string { return "$" + amount(v) }

func amount(v float64) string {
	switch {
	case v == 0:
		return "0"
	case math.Abs(v) < 0.0001:
		return fmt.Sprintf("%.2g", v)
	case math.Abs(v) < 10:
		return fmt.Sprintf("%.4f", v)
	case math.Abs(v) < 1000:
		return fmt.Sprintf("%.2f", v)
	}
	return decimal(math.Round(v))
}

// ClockOf writes a moment of a run, in seconds since the load began, as a clock
// does.
func ClockOf(s float64) string { return Clock(time.Duration(s * float64(time.Second))) }

// Percent writes a share of 1.
func Percent(share float64) string {
	return decimal(math.Round(share*100)) + " %"
}

// factor writes a scale, as short as it can be.
func factor(f float64) string { return fmt.Sprintf("%.3g", f) }

// counted writes a number and its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
