package planner

import (
	"fmt"
	"regexp"

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
// until it serves.
type LeadTimes struct {
	Gateway   units.Duration `json:"gateway" min:"0"`
	Service   units.Duration `json:"service" min:"0"`
	Kafka     units.Duration `json:"kafka" min:"0"`
	Workers   units.Duration `json:"workers" min:"0"`
	Quota     units.Duration `json:"quota" min:"0"`   // of a provider's account
	Senders   units.Duration `json:"senders" min:"0"` // numbers that text messages come from
	Postgres  units.Duration `json:"postgres" min:"0"`
	Cassandra units.Duration `json:"cassandra" min:"0"`
	Redis     units.Duration `json:"redis" min:"0"`
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

// ParseMoment reads a moment.
func ParseMoment(text string) (Moment, error) {
	if text == "now" {
		return Moment(text), nil
	}
	if quarter, err := regexp.MatchString(`^(1st|2nd|3rd|[4-9]th|[1-9][0-9]th) quarter$`, text); err == nil && quarter {
		return Moment(text), nil
	}
	if _, err := ParseDate(text); err == nil {
		return Moment(text), nil
	}
	return "", fmt.Errorf("%q is no moment; accepted is now, a quarter from as_of like 3rd quarter, or a date like 2027-06-30", text)
}

// A GrowthYear is one year of the growth that a plan expects.
type GrowthYear struct {
	Year          int     // 0 is today
	Peak          float64 // notifications a second
	CapacityAfter float64 // of the last step that is taken by its end
	Breaks        []Break // in it, in order
	Cost          float64 // US dollars a month, at its end
}

// A Break is the day on which growth passes a ceiling.
type Break struct {
	Component string
	Figure    string
	Date      Date
	OrderBy   Date // Date less the lead time
}
