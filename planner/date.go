package planner

import (
	"fmt"
	"time"
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

// IsZero reports whether no date was given.
func (d Date) IsZero() bool { return d.t.IsZero() }

// String writes the date as [ParseDate] reads it.
func (d Date) String() string { return d.t.Format(time.DateOnly) }

// MarshalText writes what [Date.String] gives.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
