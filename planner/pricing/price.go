package pricing

import "time"

// HoursPerMonth is how many hours of an hourly price a month has: a 365-day
// year's 8760 over twelve, as the cloud vendors reckon it.
const HoursPerMonth = 730

// DefaultMaxAge is the age above which a price wants to be looked up again.
const DefaultMaxAge = 180 * 24 * time.Hour

// A Price is what one unit of a thing costs.
type Price struct {
	ID    string // dotted, in lower case: "ec2.c7g.xlarge"
	Title string
	Value float64 // US dollars for one Unit; of a Fraction, the share taken off
	// Low and High bound the value where sources disagree or it depends on
	// what the plan does not say. Both are Value where it is exact.
	Low, High  float64
	Unit       Unit
	From       float64 // of a tier: the units a month above which it is charged
	Source     string  // the page it was read on, or the plan
	AsOf       time.Time
	Confidence Confidence
	Note       string // what the figure leaves out or takes for granted
	// Derived is the id of the price that this one was scaled from by size, ""
	// if it is a figure of its own.
	Derived string

	tier  bool     // one of a tariff's, with a From
	sizes sizeSpan // the sizes that are scaled from this price
}

// Age is how old the price is on a day; below zero if it was read later.
func (p Price) Age(day time.Time) time.Duration { return day.Sub(p.AsOf) }

// Stale reports whether the price is older than maxAge on a day. It can still
// be reckoned with, but a reader should be told.
func (p Price) Stale(day time.Time, maxAge time.Duration) bool { return p.Age(day) > maxAge }

// A Unit is what a price is for one of.
type Unit string

// The units. A GB is what the vendor bills as one, which for AWS's storage and
// traffic is 2^30 bytes.
const (
	InstanceHour Unit = "instance-hour" // one machine of one size for an hour
	Hour         Unit = "hour"          // one balancer or NAT gateway for an hour
	LCUHour      Unit = "LCU-hour"      // one load balancer capacity unit for an hour
	GBMonth      Unit = "GB-month"      // one gigabyte kept for a month
	GB           Unit = "GB"            // one gigabyte moved
	IOPSMonth    Unit = "IOPS-month"    // one I/O operation a second, provisioned for a month
	MBpsMonth    Unit = "MBps-month"    // one megabyte a second, provisioned for a month
	Month        Unit = "month"         // one subscription for a month
	Email        Unit = "email"         // one e-mail to one recipient
	Segment      Unit = "segment"       // one segment of an SMS
	Message      Unit = "message"       // one SMS, however many segments it has
	Notification Unit = "notification"  // one push notification to one device
	Request      Unit = "request"       // one call of an API
	Fraction     Unit = "fraction"      // a discount: the share taken off another price
)

// Units lists the units that a price may have.
func Units() []Unit {
	return []Unit{
		InstanceHour, Hour, LCUHour, GBMonth, GB, IOPSMonth, MBpsMonth, Month,
		Email, Segment, Message, Notification, Request, Fraction,
	}
}

// Confidence is how far a price can be trusted.
type Confidence string

// The degrees of confidence.
const (
	High   Confidence = "high"   // read on the vendor's own page
	Medium Confidence = "medium" // the vendor's, but undated or rounded
	Low    Confidence = "low"    // read elsewhere, or sources disagree
)

// Confidences lists the degrees, the highest first.
func Confidences() []Confidence { return []Confidence{High, Medium, Low} }
