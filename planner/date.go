package planner

import (
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/planner/units"
)

// A Date is a day of the calendar.
type Date struct{ t time.Time }

// DateOf gives the day of t, in its own time zone.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
}

// ParseDate reads a date like 2026-11-24.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("%q is no date; accepted is year-month-day, like 2026-11-24", text)
	}
	return Date{t}, nil
}

// Time gives the start of the day in UTC.
func (d Date) Time() time.Time { return d.t }

// year gives the same day n years on; of a 29th of February, the day after it
// where there is none.
func (d Date) year(n int) Date { return Date{d.t.AddDate(n, 0, 0)} }

// quarters gives the day n times three months on.
func (d Date) quarters(n int) Date { return Date{d.t.AddDate(0, 3*n, 0)} }

// less gives the day that lies some seconds before the start of this one.
func (d Date) less(seconds float64) Date {
	before := units.Duration{Range: units.Exactly(seconds)}
	return DateOf(d.t.Add(-before.Duration()))
}

// before reports whether the day comes before another.
func (d Date) before(other Date) bool { return d.t.Before(other.t) }

// IsZero reports whether no date was given.
func (d Date) IsZero() bool { return d.t.IsZero() }

// String writes the date as [ParseDate] reads it.
func (d Date) String() string { return d.t.Format(time.DateOnly) }

// MarshalText writes what [Date.String] gives.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
