package units

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

const (
	// Max is the largest value that is read, in the base of any unit: far over
	// every real system, and so far below the largest float that no product of
	// a plan's values can overflow.
	Max = 1e18
	// Min is the smallest value above zero that is read, for the same reason
	// on the other side.
	Min = 1e-12

	// maxText bounds the work that a hostile text can ask for.
	maxText = 64
)

// separator stands between the two ends of a range.
const separator = ".."

// Parse reads a quantity of the wanted unit, or a range of two. A number
// without a unit is in the base of the wanted one. In a range, a unit on the
// high end serves both.
func Parse(text string, want Unit) (Range, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		return Range{}, fmt.Errorf("%q... is too long for a quantity; accepted is %s", text[:maxText/2], want.Describe())
	}
	if text == "" {
		return Range{}, fmt.Errorf("no value; accepted is %s", want.Describe())
	}
	lowText, highText, isRange := strings.Cut(text, separator)
	if !isRange {
		v, err := parseOne(text, want)
		return Exactly(v), err
	}
	return parseRange(lowText, highText, want)
}

// parseOne reads a single value.
func parseOne(text string, want Unit) (float64, error) {
	a, err := parseAmount(text)
	if err != nil {
		return 0, fmt.Errorf("%w; accepted is %s", err, want.Describe())
	}
	return a.in(want)
}

// parseRange reads both ends, the low one in the unit of the high one where it
// has none of its own.
func parseRange(lowText, highText string, want Unit) (Range, error) {
	if strings.TrimSpace(lowText) == "" || strings.TrimSpace(highText) == "" {
		return Range{}, fmt.Errorf("a range needs both ends, low%shigh; accepted is %s", separator, want.Describe())
	}
	lowText, highText = strings.TrimSpace(lowText), strings.TrimSpace(highText)
	if strings.HasPrefix(lowText, "$") && !strings.HasPrefix(highText, "$") {
		highText = "$" + highText // $40..50K/month
	}
	low, err := parseAmount(lowText)
	if err != nil {
		return Range{}, fmt.Errorf("low end: %w; accepted is %s", err, want.Describe())
	}
	high, err := parseAmount(highText)
	if err != nil {
		return Range{}, fmt.Errorf("high end: %w; accepted is %s", err, want.Describe())
	}
	low.inherit(high)
	var r Range
	if r.Low, err = low.in(want); err != nil {
		return Range{}, fmt.Errorf("low end: %w", err)
	}
	if r.High, err = high.in(want); err != nil {
		return Range{}, fmt.Errorf("high end: %w", err)
	}
	if r.Low > r.High {
		return Range{}, fmt.Errorf("the range is upside down: its low end %s is above its high end %s",
			formatOne(want, r.Low), formatOne(want, r.High))
	}
	return r, nil
}

// An amount is one number as it was written, before it is known what is
// wanted.
type amount struct {
	text   string
	number *big.Rat
	prefix int64    // the multiplier, 1 without one
	scale  fraction // of the unit's own, without the multiplier
	unit   Unit     // Scalar without a unit
	bare   bool     // neither multiplier nor unit
	money  bool     // starts with $
}

// parseAmount splits a text into its sign of money, number and suffix.
func parseAmount(text string) (amount, error) {
	text = strings.TrimSpace(text)
	a := amount{text: text, prefix: 1, scale: fraction{1, 1}}
	rest, money := strings.CutPrefix(text, "$")
	a.money = money
	if strings.HasPrefix(rest, "-") {
		return a, fmt.Errorf("%s is negative", text)
	}
	digits := numberLength(rest)
	if digits == 0 {
		return a, fmt.Errorf("%q is not a number", text)
	}
	a.number = new(big.Rat)
	if _, ok := a.number.SetString(rest[:digits]); !ok {
		return a, fmt.Errorf("%q is not a number", text)
	}
	return a, a.suffix(strings.TrimSpace(rest[digits:]))
}

// numberLength counts the bytes of the decimal number that s starts with. An
// exponent has two digits at most: larger numbers are refused anyway.
func numberLength(s string) int {
	digits := func(i int) int {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i
	}
	n := digits(0)
	if n == 0 {
		return 0
	}
	if n < len(s) && s[n] == '.' {
		if m := digits(n + 1); m > n+1 {
			n = m
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		i := n + 1
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if m := digits(i); m > i && m <= i+2 {
			n = m
		}
	}
	return n
}

// suffix reads what follows the number.
func (a *amount) suffix(s string) error {
	head, per, rated := strings.Cut(s, "/")
	head, per = strings.TrimSpace(head), strings.TrimSpace(per)
	switch {
	case a.money:
		return a.moneySuffix(head, per, rated)
	case rated:
		return a.rateSuffix(head, per)
	case s == "":
		a.bare = true
		return nil
	case s == "%":
		a.unit, a.scale = Ratio, fraction{1, 100}
		return nil
	case s == "ppm":
		a.unit, a.scale = Ratio, fraction{1, 1e6}
		return nil
	}
	if m, ok := multiplier(s); ok {
		a.prefix = m
		return nil
	}
	if b, ok := size(s); ok {
		a.unit, a.prefix = ByteSize, b
		return nil
	}
	if d, ok := duration(s); ok {
		a.unit, a.scale = Seconds, d
		return nil
	}
	return unknownUnit(a.text, s)
}

// rateSuffix reads a unit with a slash: events or bytes over a period.
func (a *amount) rateSuffix(head, per string) error {
	seconds, ok := period(per)
	if !ok {
		return fmt.Errorf("%s: unknown period %q (known are /s, /min, /h, /day)", a.text, "/"+per)
	}
	a.scale = fraction{1, seconds}
	if m, ok := multiplier(head); ok {
		a.unit, a.prefix = PerSecond, m
		return nil
	}
	if b, ok := size(head); ok {
		a.unit, a.prefix = BytesPerSecond, b
		return nil
	}
	return unknownUnit(a.text, head+"/"+per)
}

// moneySuffix reads what follows an amount of dollars.
func (a *amount) moneySuffix(head, per string, rated bool) error {
	m, ok := multiplier(head)
	if !ok {
		return unknownUnit(a.text, head)
	}
	a.unit, a.prefix = DollarsPerMonth, m
	if !rated {
		// Only the low end of a range may leave the period to the high end.
		a.scale = fraction{}
		return nil
	}
	if a.scale, ok = billing(per); !ok {
		return fmt.Errorf("%s: unknown period %q (known are /month, /year, /h)", a.text, "/"+per)
	}
	return nil
}

// unknownUnit names what was found and what there is.
func unknownUnit(text, found string) error {
	return fmt.Errorf("%s: unknown unit %q (known are K M G T; B KB MB GB TB PB, KiB MiB GiB; us ms s m h d; %%, ppm; /s /min /h /day; $/month $/year)", text, found)
}

// inherit gives the low end of a range what it leaves to the high end.
func (a *amount) inherit(high amount) {
	switch {
	case a.money && a.scale == fraction{}: // $50K..$60K/month
		if a.prefix == 1 { // $50..60K/month
			a.prefix = high.prefix
		}
		a.scale = high.scale
	case a.bare: // 4..8GB
		a.unit, a.prefix, a.scale, a.money = high.unit, high.prefix, high.scale, high.money
	case a.unit == Scalar && !a.money: // 5K..10K/s
		a.unit, a.scale, a.money = high.unit, high.scale, high.money
	}
}

// in converts the amount to the base of the wanted unit.
func (a *amount) in(want Unit) (float64, error) {
	once := a.money && a.scale == fraction{} // and not a month
	if once && want == Dollars {
		a.unit, a.scale = Dollars, fraction{1, 1}
	} else if once {
		return 0, fmt.Errorf("%s does not say how often; accepted is %s", a.text, want.Describe())
	}
	plain := a.unit == Scalar
	if !plain && a.unit != want {
		return 0, fmt.Errorf("%s is %s; accepted is %s", a.text, kind(a.unit), want.Describe())
	}
	factor := new(big.Rat).SetFrac64(a.prefix, 1)
	factor.Mul(factor, new(big.Rat).SetFrac64(a.scale.num, a.scale.den))
	exact := factor.Mul(factor, a.number)
	if want == Whole && !exact.IsInt() {
		return 0, fmt.Errorf("%s is not whole; accepted is %s", a.text, want.Describe())
	}
	v, _ := exact.Float64()
	switch {
	case math.IsInf(v, 0) || v > Max:
		return 0, fmt.Errorf("%s is too large; accepted is up to %s", a.text, strconv.FormatFloat(Max, 'g', -1, 64))
	case exact.Sign() > 0 && v < Min:
		return 0, fmt.Errorf("%s is too small; accepted is 0 or from %s", a.text, strconv.FormatFloat(Min, 'g', -1, 64))
	}
	return v, nil
}

// kind says what a text was taken for, when something else is meant.
func kind(u Unit) string {
	switch u {
	case Scalar, Whole:
		return "a plain number"
	case ByteSize:
		return "a size in bytes"
	case Seconds:
		return "a duration"
	case PerSecond:
		return "a rate of events"
	case BytesPerSecond:
		return "a bandwidth in bytes a second"
	case Ratio:
		return "a percentage"
	case DollarsPerMonth:
		return "an amount of money a month"
	case Dollars:
		return "a price"
	}
	panic("BUG: units: unknown unit")
}
