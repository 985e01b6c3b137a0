package units

import (
	"math"
	"strconv"
	"strings"
)

// Format writes a range so that [Parse] with the same unit gives it back
// exactly, in the shortest of the usual suffixes that can.
func Format(u Unit, r Range) string {
	if r.Exact() {
		return formatOne(u, r.Low)
	}
	low, high := formatOne(u, r.Low), formatOne(u, r.High)
	if isBare(low) && !isBare(high) {
		high = formatBase(u, r.High) // or the low end would take its suffix
	}
	return low + separator + high
}

// isBare reports whether a formatted value is a number alone, or one of
// dollars.
func isBare(text string) bool {
	text = strings.TrimPrefix(text, "$")
	return numberLength(text) == len(text)
}

// formatOne tries the suffixes of u from the largest down and keeps the first
// that leaves a short number and parses back to v.
func formatOne(u Unit, v float64) string {
	all := suffixes(u)
	for i, s := range all {
		if v < s.factor && i < len(all)-1 {
			continue
		}
		text := decorate(u, strconv.FormatFloat(v/s.factor, 'f', -1, 64), s.text)
		if len(text) > longestNeat {
			continue
		}
		if back, err := parseOne(text, u); err == nil && back == v {
			return text
		}
	}
	return formatBase(u, v)
}

// formatBase writes a value in the base of its unit, with all its digits.
func formatBase(u Unit, v float64) string {
	return decorate(u, strconv.FormatFloat(v, 'g', -1, 64), base(u))
}

// longestNeat is as long as a text gets that a person would have written.
const longestNeat = 12

// base is the suffix of one base unit.
func base(u Unit) string {
	switch u {
	case Seconds:
		return "s"
	case Ratio:
		return ""
	}
	all := suffixes(u)
	return all[len(all)-1].text
}

// decorate puts the sign of money before, the suffix behind a number.
func decorate(u Unit, number, suffix string) string {
	if u == DollarsPerMonth || u == Dollars {
		return "$" + number + suffix
	}
	return number + suffix
}

// A suffix is how a value of factor base units is written.
type suffix struct {
	text   string
	factor float64
}

// suffixes lists what [Format] and [Humanize] write u with, largest first; the
// last is the base, or the smallest there is.
func suffixes(u Unit) []suffix {
	switch u {
	case Scalar, Whole:
		return []suffix{{"G", 1e9}, {"M", 1e6}, {"K", 1e3}, {"", 1}}
	case ByteSize:
		return []suffix{{"EB", 1e18}, {"PB", 1e15}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}
	case Seconds:
		return []suffix{{"d", 86_400}, {"h", 3600}, {"m", 60}, {"s", 1}, {"ms", 1e-3}, {"us", 1e-6}}
	case PerSecond:
		return []suffix{{"M/s", 1e6}, {"K/s", 1e3}, {"/s", 1}}
	case BytesPerSecond:
		return []suffix{{"PB/s", 1e15}, {"TB/s", 1e12}, {"GB/s", 1e9}, {"MB/s", 1e6}, {"KB/s", 1e3}, {"B/s", 1}}
	case Ratio:
		return []suffix{{"%", 1e-2}}
	case DollarsPerMonth:
		return []suffix{{"M/month", 1e6}, {"K/month", 1e3}, {"/month", 1}}
	case Dollars:
		return []suffix{{"M", 1e6}, {"K", 1e3}, {"", 1}}
	}
	panic("BUG: units: unknown unit")
}

// Humanize writes a range for reading: three significant digits, thousands
// grouped, a unit that both ends share once. What it writes need not parse
// back.
func Humanize(u Unit, r Range) string {
	low, lowSuffix := humanize(u, r.Low)
	high, highSuffix := humanize(u, r.High)
	switch {
	case low+lowSuffix == high+highSuffix:
		return low + lowSuffix
	case lowSuffix == highSuffix:
		return low + separator + high + highSuffix
	}
	return low + lowSuffix + separator + high + highSuffix
}

// humanize writes a single value for reading, its number apart from what
// follows that.
func humanize(u Unit, v float64) (number, suffix string) {
	switch u {
	case Scalar, Whole:
		return significant(v), ""
	case PerSecond:
		return significant(v), "/s"
	case Ratio:
		return significant(v * 100), " %"
	case DollarsPerMonth:
		return dollars(v), ""
	case Dollars:
		return priced(v), ""
	}
	all := suffixes(u)
	for i, s := range all {
		// Rounded first: 999,960 B is 1 MB, not 1000 KB.
		if rounded(v/s.factor) >= 1 || i == len(all)-1 {
			return significant(v / s.factor), " " + s.text
		}
	}
	panic("BUG: units: no suffix")
}

// rounded keeps three significant digits of v, all of them from 100 on.
func rounded(v float64) float64 {
	if v == 0 || math.Abs(v) >= 100 {
		return math.Round(v)
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// significant writes three significant digits, all of them from 100 on,
// without the zeros at the end; what is too large or too small to be read so,
// by its power of ten.
func significant(v float64) string {
	r := rounded(v)
	if size := math.Abs(r); r != 0 && size < 1e-4 || size >= 1e15 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return group(strconv.FormatFloat(r, 'f', -1, 64))
}

// dollars writes money to the dollar, small amounts to the cent, and the
// price of one notification to three digits.
func dollars(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return "$" + significant(math.Round(v))
	case v >= 0.1:
		return "$" + strconv.FormatFloat(v, 'f', 2, 64)
	}
	return "$" + significant(v)
}

// priced writes what one thing costs: to the cent, and what is less than a
// dollar to three digits, however small it is.
func priced(v float64) string {
	if v >= 0.995 {
		return "$" + group(strconv.FormatFloat(v, 'f', 2, 64))
	}
	return "$" + strconv.FormatFloat(rounded(v), 'f', -1, 64)
}

// group puts commas between the thousands of a decimal number.
func group(s string) string {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole) <= 3 {
		return s
	}
	var b strings.Builder
	first := (len(whole)-1)%3 + 1
	b.WriteString(whole[:first])
	for i := first; i < len(whole); i += 3 {
		b.WriteByte(',')
		b.WriteString(whole[i : i+3])
	}
	if fraction != "" {
		b.WriteByte('.')
		b.WriteString(fraction)
	}
	return b.String()
}
