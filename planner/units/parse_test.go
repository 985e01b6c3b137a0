package units_test

import (
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner/units"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text string
		unit units.Unit
		want units.Range
	}{
		{"3", units.Scalar, units.Exactly(3)},
		{"2.4", units.Scalar, units.Exactly(2.4)},
		{"1e3", units.Scalar, units.Exactly(1000)},
		{"100M", units.Whole, units.Exactly(100e6)},
		{"1.5K", units.Whole, units.Exactly(1500)},
		{" 12 ", units.Whole, units.Exactly(12)},
		{"2KB", units.ByteSize, units.Exactly(2000)},
		{"2 KB", units.ByteSize, units.Exactly(2000)},
		{"2kB", units.ByteSize, units.Exactly(2000)},
		{"1KiB", units.ByteSize, units.Exactly(1024)},
		{"4GiB", units.ByteSize, units.Exactly(4 << 30)},
		{"1.2TB", units.ByteSize, units.Exactly(1.2e12)},
		{"512", units.ByteSize, units.Exactly(512)},
		{"500ms", units.Seconds, units.Exactly(0.5)},
		{"20us", units.Seconds, units.Exactly(20e-6)},
		{"2m", units.Seconds, units.Exactly(120)},
		{"90", units.Seconds, units.Exactly(90)},
		{"24h", units.Seconds, units.Exactly(86_400)},
		{"7d", units.Seconds, units.Exactly(604_800)},
		{"50K/s", units.PerSecond, units.Exactly(50_000)},
		{"50000", units.PerSecond, units.Exactly(50_000)},
		{"600K/min", units.PerSecond, units.Exactly(10_000)},
		{"36/h", units.PerSecond, units.Exactly(0.01)},
		{"86400/day", units.PerSecond, units.Exactly(1)},
		{"24MB/s", units.BytesPerSecond, units.Exactly(24e6)},
		{"60%", units.Ratio, units.Exactly(0.6)},
		{"99.5 %", units.Ratio, units.Exactly(0.995)},
		{"250 ppm", units.Ratio, units.Exactly(0.00025)},
		{"0.6", units.Ratio, units.Exactly(0.6)},
		{"$50K/month", units.DollarsPerMonth, units.Exactly(50_000)},
		{"$1.2M/year", units.DollarsPerMonth, units.Exactly(100_000)},
		{"$2/h", units.DollarsPerMonth, units.Exactly(1460)},
		{"0", units.PerSecond, units.Exactly(0)},
		{"$0.0083", units.Dollars, units.Exactly(0.0083)},
		{"0.0083", units.Dollars, units.Exactly(0.0083)},
		{"$1.2K", units.Dollars, units.Exactly(1200)},
		{"$0.0025..0.0062", units.Dollars, units.Range{Low: 0.0025, High: 0.0062}},

		{"500/s..1000/s", units.PerSecond, units.Range{Low: 500, High: 1000}},
		{"4..8GB", units.ByteSize, units.Range{Low: 4e9, High: 8e9}},
		{"512MB..8GB", units.ByteSize, units.Range{Low: 512e6, High: 8e9}},
		{"5K..10K/s", units.PerSecond, units.Range{Low: 5000, High: 10_000}},
		{"60..120K/min", units.PerSecond, units.Range{Low: 1000, High: 2000}},
		{"70..80%", units.Ratio, units.Range{Low: 0.7, High: 0.8}},
		{"$40..50K/month", units.DollarsPerMonth, units.Range{Low: 40_000, High: 50_000}},
		{"2 .. 4", units.Scalar, units.Range{Low: 2, High: 4}},
	} {
		got, err := units.Parse(tt.text, tt.unit)
		if err != nil {
			t.Errorf("Parse(%q, %v): %v", tt.text, tt.unit, err)
			continue
		}
		if got != tt.want {
			t.Errorf("Parse(%q, %v) = %v, want %v", tt.text, tt.unit, got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		text string
		unit units.Unit
		want string // part of the message
	}{
		{"", units.Whole, "no value"},
		{"many", units.Whole, `"many" is not a number`},
		{"+5", units.Whole, "is not a number"},
		{".5", units.Scalar, "is not a number"},
		{"NaN", units.Scalar, "is not a number"},
		{"1_000", units.Whole, "unknown unit"},
		{"1,000", units.Whole, "unknown unit"},
		{"0x10", units.Whole, "unknown unit"},
		{"1e999", units.Scalar, "unknown unit"},
		{"-5/s", units.PerSecond, "-5/s is negative"},
		{"$-5/month", units.DollarsPerMonth, "is negative"},
		{"2.5", units.Whole, "2.5 is not whole"},
		{"1e99", units.Scalar, "too large"},
		{"2EB", units.ByteSize, "too large"},
		{"1e-20", units.Scalar, "too small"},
		{"2GB/s", units.PerSecond, "2GB/s is a bandwidth in bytes a second; accepted is a rate, like 50K/s"},
		{"50K/s", units.ByteSize, "a rate of events; accepted is a size"},
		{"7d", units.PerSecond, "a duration; accepted is a rate"},
		{"60%", units.Whole, "a percentage; accepted is a whole number"},
		{"2KB", units.Seconds, "a size in bytes; accepted is a duration"},
		{"$5/month", units.PerSecond, "an amount of money a month; accepted is a rate"},
		{"$50K", units.DollarsPerMonth, "does not say how often"},
		{"$5/month", units.Dollars, "an amount of money a month; accepted is a price in US dollars"},
		{"5/s", units.Dollars, "a rate of events; accepted is a price"},
		{"50K/month", units.DollarsPerMonth, `unknown period "/month"`},
		{"5 parsecs", units.Seconds, `unknown unit "parsecs"`},
		{"5K/fortnight", units.PerSecond, `unknown period "/fortnight"`},
		{"$5X/month", units.DollarsPerMonth, `unknown unit "X"`},
		{"$5/week", units.DollarsPerMonth, `unknown period "/week"`},
		{"5QB/s", units.BytesPerSecond, `unknown unit "QB/s"`},
		{"8GB..4GB", units.ByteSize, "upside down: its low end 8GB is above its high end 4GB"},
		{"500..1K/s", units.PerSecond, "upside down: its low end 500K/s"},
		{"..5", units.Whole, "a range needs both ends"},
		{"5..", units.Whole, "a range needs both ends"},
		{"1..2..3", units.Whole, "high end"},
		{"a..5", units.Whole, `low end: "a" is not a number`},
		{"4GB..8/s", units.PerSecond, "low end: 4GB is a size"},
		{strings.Repeat("9", 100), units.Whole, "too long"},
	} {
		got, err := units.Parse(tt.text, tt.unit)
		if err == nil {
			t.Errorf("Parse(%q, %v) = %v, want an error with %q", tt.text, tt.unit, got, tt.want)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%q, %v): %q, want %q in it", tt.text, tt.unit, err, tt.want)
		}
	}
}
