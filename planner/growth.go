package planner

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/notifyctl/notifyctl/planner/units"
)

// Growth is how the workload grows, and the steps planned to meet it.
type Growth struct {
	Rate        units.Fraction `json:"rate" min:"0" max:"100"` // a year, compounded
	Years       units.Count    `json:"years" max:"30"`
	CurrentPeak units.Rate     `json:"current_peak"`
	Steps       []Step         `json:"steps"`
	LeadTimes   LeadTimes      `json:"lead_times"`
}

// LeadTimes are how long it takes from the decision to have more of something
// until it serves: ten years at most.
type LeadTimes struct {
	Gateway   units.Duration `json:"gateway" min:"0" max:"315360000"`
	Service   units.Duration `json:"service" min:"0" max:"315360000"`
	Kafka     units.Duration `json:"kafka" min:"0" max:"315360000"`
	Workers   units.Duration `json:"workers" min:"0" max:"315360000"`
	Quota     units.Duration `json:"quota" min:"0" max:"315360000"`   // of a provider's account
	Senders   units.Duration `json:"senders" min:"0" max:"315360000"` // numbers that text messages come from
	Postgres  units.Duration `json:"postgres" min:"0" max:"315360000"`
	Cassandra units.Duration `json:"cassandra" min:"0" max:"315360000"`
	Redis     units.Duration `json:"redis" min:"0" max:"315360000"`
}

// A Step raises the capacity at a moment, at a cost.
type Step struct {
	At       Moment      `json:"at"`
	Capacity units.Rate  `json:"capacity"`
	Cost     units.Money `json:"cost" min:"0"`
}

// A Moment is a time as a growth plan states it: "now", a quarter counted from
// the plan's date, like "3rd quarter", or a date.
type Moment string

// quarterPattern is a moment that is a quarter.
var quarterPattern = regexp.MustCompile(`^([1-9][0-9]?)(st|nd|rd|th) quarter$`)

// ParseMoment reads a moment.
func ParseMoment(text string) (Moment, error) {
	if text == "now" {
		return Moment(text), nil
	}
	if _, ok := quarterOf(text); ok {
		return Moment(text), nil
	}
	if _, err := ParseDate(text); err == nil {
		return Moment(text), nil
	}
	return "", fmt.Errorf("%q is no moment; accepted is now, a quarter from as_of like 3rd quarter, or a date like 2027-06-30", text)
}

// ordinal gives the ending that a quarter's number is written with.
func ordinal(number int) string {
	switch number {
	case 1:
		return "st"
	case 2:
		return "nd"
	case 3:
		return "rd"
	}
	return "th"
}

// quarterOf reads a moment that is a quarter.
func quarterOf(text string) (number int, ok bool) {
	parts := quarterPattern.FindStringSubmatch(text)
	if parts == nil {
		return 0, false
	}
	number, err := strconv.Atoi(parts[1])
	return number, err == nil && parts[2] == ordinal(number)
}

// Date gives the day by which what is planned for the moment is done: of a
// quarter, its end, since it may be as late as that.
func (m Moment) Date(from Date) Date {
	if m == "now" {
		return from
	}
	if quarter, ok := quarterOf(string(m)); ok {
		return from.quarters(quarter)
	}
	day, err := ParseDate(string(m))
	if err != nil {
		panic("BUG: planner: a moment that was not parsed: " + string(m))
	}
	return day
}
