package units

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// The types below are the values of a plan: a [Range] whose unit the compiler
// knows. Their accessors give the low end of a range, which is the cautious
// one for what a program starts: fewer workers, a shorter time, a lower limit.

// A Number is a plain factor.
type Number struct{ Range }

// Unit is [Scalar].
func (Number) Unit() Unit { return Scalar }

// Float gives the low end.
func (n Number) Float() float64 { return n.Low }

// MarshalJSON writes the number as a plan does.
func (n Number) MarshalJSON() ([]byte, error) { return marshal(Scalar, n.Range) }

// A Count is a number of whole things.
type Count struct{ Range }

// Unit is [Whole].
func (Count) Unit() Unit { return Whole }

// Int gives the low end.
func (c Count) Int() int { return int(c.Low) }

// MarshalJSON writes the count as a plan does.
func (c Count) MarshalJSON() ([]byte, error) { return marshal(Whole, c.Range) }

// Bytes is a size.
type Bytes struct{ Range }

// Unit is [ByteSize].
func (Bytes) Unit() Unit { return ByteSize }

// Int64 gives the low end in bytes.
func (b Bytes) Int64() int64 { return int64(b.Low) }

// MarshalJSON writes the size as a plan does.
func (b Bytes) MarshalJSON() ([]byte, error) { return marshal(ByteSize, b.Range) }

// Duration is a length of time.
type Duration struct{ Range }

// Unit is [Seconds].
func (Duration) Unit() Unit { return Seconds }

// Duration gives the low end, at most the longest that Go can count.
func (d Duration) Duration() time.Duration {
	const longest = float64(1<<63-1) / float64(time.Second)
	if d.Low >= longest {
		return 1<<63 - 1
	}
	return time.Duration(math.Round(d.Low * float64(time.Second)))
}

// MarshalJSON writes the duration as a plan does.
func (d Duration) MarshalJSON() ([]byte, error) { return marshal(Seconds, d.Range) }

// Rate is a number of events a second.
type Rate struct{ Range }

// Unit is [PerSecond].
func (Rate) Unit() Unit { return PerSecond }

// Float gives the low end, a second.
func (r Rate) Float() float64 { return r.Low }

// MarshalJSON writes the rate as a plan does.
func (r Rate) MarshalJSON() ([]byte, error) { return marshal(PerSecond, r.Range) }

// Bandwidth is a number of bytes a second.
type Bandwidth struct{ Range }

// Unit is [BytesPerSecond].
func (Bandwidth) Unit() Unit { return BytesPerSecond }

// MarshalJSON writes the bandwidth as a plan does.
func (b Bandwidth) MarshalJSON() ([]byte, error) { return marshal(BytesPerSecond, b.Range) }

// Fraction is a share or a percentage, 1 being all.
type Fraction struct{ Range }

// Unit is [Ratio].
func (Fraction) Unit() Unit { return Ratio }

// Float gives the low end, as a fraction of one.
func (f Fraction) Float() float64 { return f.Low }

// MarshalJSON writes the fraction as a plan does.
func (f Fraction) MarshalJSON() ([]byte, error) { return marshal(Ratio, f.Range) }

// Money is US dollars a month.
type Money struct{ Range }

// Unit is [DollarsPerMonth].
func (Money) Unit() Unit { return DollarsPerMonth }

// Float gives the low end, a month.
func (m Money) Float() float64 { return m.Low }

// MarshalJSON writes the amount as a plan does.
func (m Money) MarshalJSON() ([]byte, error) { return marshal(DollarsPerMonth, m.Range) }

// marshal writes a range so that [Parse] reads it back: an exact plain number
// as a number, all else as a string with its unit.
func marshal(u Unit, r Range) ([]byte, error) {
	if r.Exact() && (u == Scalar || u == Whole) {
		return strconv.AppendFloat(nil, r.Low, 'f', -1, 64), nil
	}
	return json.Marshal(Format(u, r))
}
