package units_test

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/units"
)

// all lists every unit.
func all() []units.Unit {
	return []units.Unit{
		units.Scalar, units.Whole, units.ByteSize, units.Seconds,
		units.PerSecond, units.BytesPerSecond, units.Ratio, units.DollarsPerMonth, units.Dollars,
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		unit units.Unit
		r    units.Range
		want string
	}{
		{units.Scalar, units.Exactly(2.4), "2.4"},
		{units.Whole, units.Exactly(100e6), "100M"},
		{units.Whole, units.Exactly(12), "12"},
		{units.ByteSize, units.Exactly(2000), "2KB"},
		{units.ByteSize, units.Exactly(1.2e12), "1.2TB"},
		{units.ByteSize, units.Exactly(1 << 30), "1073741824B"},
		{units.Seconds, units.Exactly(604_800), "7d"},
		{units.Seconds, units.Exactly(0.5), "500ms"},
		{units.PerSecond, units.Exactly(50_000), "50K/s"},
		{units.PerSecond, units.Range{Low: 500, High: 1000}, "500/s..1K/s"},
		{units.BytesPerSecond, units.Exactly(24e6), "24MB/s"},
		{units.Ratio, units.Exactly(0.6), "60%"},
		{units.Ratio, units.Exactly(0.001), "0.1%"},
		{units.DollarsPerMonth, units.Exactly(50_000), "$50K/month"},
		{units.Whole, units.Exactly(0), "0"},
		{units.Dollars, units.Exactly(0.0083), "$0.0083"},
		{units.Dollars, units.Exactly(1.1e-7), "$0.00000011"},
		{units.Dollars, units.Exactly(1e-12), "$1e-12"},
		{units.Dollars, units.Range{Low: 50, High: 60e3}, "$50..$60000"},
	} {
		if got := units.Format(tt.unit, tt.r); got != tt.want {
			t.Errorf("Format(%v, %v) = %q, want %q", tt.unit, tt.r, got, tt.want)
		}
	}
}

// drawRange draws a range of a unit that can be read.
func drawRange(t *rapid.T, unit units.Unit) units.Range {
	draw := func(label string) float64 {
		// By magnitude: a uniform draw would be large almost always.
		v := math.Pow(10, rapid.Float64Range(-11, 17.9).Draw(t, label))
		if unit == units.Whole || rapid.Bool().Draw(t, label+" whole") {
			v = math.Round(v)
		}
		return v
	}
	low, high := draw("low"), draw("high")
	if rapid.Bool().Draw(t, "exact") {
		high = low
	}
	return units.Range{Low: min(low, high), High: max(low, high)}
}

// What is formatted parses back to the very same value, and fits the pattern of
// its unit.
func TestFormatRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom(all()).Draw(t, "unit")
		r := drawRange(t, unit)
		text := units.Format(unit, r)
		back, err := units.Parse(text, unit)
		if err != nil {
			t.Fatalf("Format(%v, %v) = %q, which does not parse: %v", unit, r, text, err)
		}
		if back != r {
			t.Fatalf("Format(%v, %v) = %q, which parses as %v", unit, r, text, back)
		}
		if !regexp.MustCompile(units.Pattern(unit, true)).MatchString(text) {
			t.Fatalf("%q does not match the pattern of %v", text, unit)
		}
		if exact := regexp.MustCompile(units.Pattern(unit, false)); exact.MatchString(text) != r.Exact() {
			t.Fatalf("%q matches the pattern without ranges: %v", text, !r.Exact())
		}
	})
}

// Whatever parses as a unit fits its pattern, and lies within the limits.
func TestPatternTakesWhatParses(t *testing.T) {
	part := rapid.SampledFrom([]string{
		"0", "1", "9", ".", "e", "E", "+", "-", "$", " ", "..", "/", "%", "K", "k", "M", "G", "T", "B",
		"KB", "KiB", "GB", "s", "ms", "us", "m", "min", "h", "d", "day", "month", "year", "/s", "/min",
	})
	patterns := make(map[units.Unit]*regexp.Regexp)
	for _, u := range all() {
		patterns[u] = regexp.MustCompile(units.Pattern(u, true))
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 1, 8).Draw(t, "parts"), "")
		unit := rapid.SampledFrom(all()).Draw(t, "unit")
		r, err := units.Parse(text, unit)
		if err != nil {
			return
		}
		if r.Low < 0 || r.High > units.Max || r.Low > r.High || math.IsNaN(r.Low) {
			t.Fatalf("Parse(%q, %v) = %v", text, unit, r)
		}
		if !patterns[unit].MatchString(text) {
			t.Fatalf("%q parses as %v but does not match its pattern", text, unit)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"50K/s", "4..8GB", "$50K/month", "60%", "1e99", "7d", "..", "-1", "1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, unit := range all() {
			r, err := units.Parse(text, unit)
			if err == nil && !(0 <= r.Low && r.Low <= r.High && r.High <= units.Max) {
				t.Errorf("Parse(%q, %v) = %v", text, unit, r)
			}
		}
	})
}

func TestHumanize(t *testing.T) {
	for _, tt := range []struct {
		unit units.Unit
		r    units.Range
		want string
	}{
		{units.Whole, units.Exactly(1e9), "1,000,000,000"},
		{units.Whole, units.Exactly(334), "334"},
		{units.Scalar, units.Exactly(4.32), "4.32"},
		{units.Scalar, units.Exactly(4.3201), "4.32"},
		{units.PerSecond, units.Exactly(1e9 / 86_400), "11,574/s"},
		{units.PerSecond, units.Exactly(1.157e-4), "0.000116/s"},
		{units.ByteSize, units.Exactly(2e12), "2 TB"},
		{units.ByteSize, units.Exactly(200.05e9), "200 GB"},
		{units.ByteSize, units.Exactly(999_960), "1 MB"},
		{units.ByteSize, units.Exactly(0), "0 B"},
		{units.BytesPerSecond, units.Exactly(2e13 / 864_000), "23.1 MB/s"},
		{units.Seconds, units.Exactly(604_800), "7 d"},
		{units.Seconds, units.Exactly(0.0061), "6.1 ms"},
		{units.Ratio, units.Exactly(0.0336), "3.36 %"},
		{units.Ratio, units.Exactly(1.1), "110 %"},
		{units.DollarsPerMonth, units.Exactly(36_393_200.4), "$36,393,200"},
		{units.DollarsPerMonth, units.Exactly(1.61), "$1.61"},
		{units.DollarsPerMonth, units.Exactly(0.0121), "$0.0121"},
		{units.Dollars, units.Exactly(0.01213), "$0.0121"},
		{units.Dollars, units.Exactly(1.4567e-6), "$0.00000146"},
		{units.Dollars, units.Exactly(0.145), "$0.145"},
		{units.Dollars, units.Exactly(0.9999), "$1.00"},
		{units.Dollars, units.Exactly(1214.71), "$1,214.71"},
		{units.Dollars, units.Exactly(0), "$0"},
		{units.Whole, units.Range{Low: 50, High: 100}, "50..100"},
		{units.ByteSize, units.Range{Low: 4e9, High: 8e9}, "4..8 GB"},
		{units.ByteSize, units.Range{Low: 512e6, High: 8e9}, "512 MB..8 GB"},
		{units.PerSecond, units.Range{Low: 500, High: 1000}, "500..1,000/s"},
		{units.DollarsPerMonth, units.Range{Low: 40_000, High: 50_000}, "$40,000..$50,000"},
		{units.BytesPerSecond, units.Exactly(1e36), "1e+21 PB/s"},
		{units.Ratio, units.Range{Low: 0.70001, High: 0.70002}, "70 %"},
	} {
		if got := units.Humanize(tt.unit, tt.r); got != tt.want {
			t.Errorf("Humanize(%v, %v) = %q, want %q", tt.unit, tt.r, got, tt.want)
		}
	}
}

// What is written for reading stays near the value, and short.
func TestHumanizeIsShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom(all()).Draw(t, "unit")
		v := drawRange(t, unit).Low
		text := units.Humanize(unit, units.Exactly(v))
		if len(text) > 32 || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Fatalf("Humanize(%v, %v) = %q", unit, v, text)
		}
	})
}

func TestQuantities(t *testing.T) {
	quantities := []any{
		units.Number{Range: units.Exactly(2.5)},
		units.Count{Range: units.Exactly(1e6)},
		units.Bytes{Range: units.Exactly(2000)},
		units.Duration{Range: units.Exactly(0.2)},
		units.Rate{Range: units.Range{Low: 500, High: 1000}},
		units.Fraction{Range: units.Exactly(0.6)},
		units.Money{Range: units.Exactly(5e4)},
	}
	text, err := json.Marshal(quantities)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[2.5,1000000,"2KB","200ms","500/s..1K/s","60%","$50K/month"]`
	if string(text) != want {
		t.Errorf("marshalled as %s, want %s", text, want)
	}

	for _, tt := range []struct{ got, want any }{
		{units.Count{Range: units.Range{Low: 2, High: 4}}.Int(), 2},
		{units.Bytes{Range: units.Exactly(2000)}.Int64(), int64(2000)},
		{units.Duration{Range: units.Exactly(0.2)}.Duration(), 200 * time.Millisecond},
		{units.Duration{Range: units.Exactly(units.Max)}.Duration(), time.Duration(math.MaxInt64)},
		{units.Rate{Range: units.Range{Low: 500, High: 1000}}.Float(), 500.0},
	} {
		if fmt.Sprint(tt.got) != fmt.Sprint(tt.want) {
			t.Errorf("%v, want %v", tt.got, tt.want)
		}
	}
}
