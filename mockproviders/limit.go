package mockproviders

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// Limits are what the accounts at the providers may send, by the provider's
// name. One that is not named takes all that comes. In JSON:
//
//	{
//	  "fcm": {"messages": {"limit": 600000, "per": "1m", "window": true}},
//	  "ses": {"messages": {"limit": 14}, "daily": 50000},
//	  "sendgrid": {"calls": {"limit": 600, "per": "1m", "window": true}}
//	}
type Limits map[string]Limit

// Limit is what one account at a provider may send; what goes beyond it is
// refused as the provider does. An account is SendGrid's and SES's API key,
// FCM's project, Twilio's sender, Vonage's API key, and for APNs all that comes.
type Limit struct {
	// Calls bounds the calls, whatever they carry.
	Calls *Quota `json:"calls,omitempty"`
	// Messages bounds what is accepted, in what the provider counts: recipients
	// (SES), segments (Twilio, Vonage), else notifications. One that is larger
	// than what is left goes through, and is waited for afterwards. Those that
	// FCM refuses with 400 or 404 count, too.
	Messages *Quota `json:"messages,omitempty"`
	// Device bounds the notifications to one recipient.
	Device *Quota `json:"device,omitempty"`
	// Daily bounds the messages accepted in any 24 hours, counted by the minute;
	// those to the SES mailbox simulator do not count. 0 means no bound.
	Daily uint64 `json:"daily,omitempty"`
}

// Quota is a rate, kept by a token bucket.
type Quota struct {
	// Limit is how many per Per, which is a second if left out.
	Limit float64  `json:"limit"`
	Per   Duration `json:"per,omitempty"`
	// Burst is how many may come at once after a pause, Limit if left out. What
	// a provider queues before it refuses is a burst of it.
	Burst float64 `json:"burst,omitempty"`
	// Window has what was used given back whole at the end of each Per, which
	// starts with the first use, rather than bit by bit.
	Window bool `json:"window,omitempty"`
}

// limitKind names the limit that was reached.
type limitKind uint8

const (
	callLimit limitKind = iota
	messageLimit
	deviceLimit
	dailyLimit
)

// PublishedLimits are what the providers publish for accounts that were granted
// no more, as far as they do; of Twilio, a short code's.
func PublishedLimits() Limits {
	const minute = Duration(time.Minute)
	return Limits{
		catalog.SendGrid: {Calls: &Quota{Limit: catalog.SendGridCallsPerMinute, Per: minute, Window: true}},
		catalog.SES:      {Messages: &Quota{Limit: catalog.SESSendRate}, Daily: catalog.SESDailyQuota},
		catalog.FCM: {
			Messages: &Quota{Limit: catalog.FCMQuotaPerMinute, Per: minute, Window: true},
			Device:   &Quota{Limit: catalog.FCMDevicePerMinute, Per: minute},
		},
		catalog.Twilio: {Messages: &Quota{
			Limit: catalog.TwilioShortCodeQuota,
			Burst: catalog.TwilioShortCodeQuota * catalog.TwilioQueue.Seconds(),
		}},
		catalog.Vonage: {Calls: &Quota{Limit: catalog.VonageCallsPerSecond}},
	}
}

// ParseLimits reads limits from JSON and checks them.
func ParseLimits(text []byte) (Limits, error) {
	var l Limits
	if err := parseJSON(text, "the limits", &l); err != nil {
		return nil, err
	}
	return l, l.Validate()
}

// Validate says what is wrong with limits, naming the place.
func (l Limits) Validate() error {
	for _, p := range providers() { // in order, so that the same error comes first
		if err := l[p.String()].validate(); err != nil {
			return fmt.Errorf("limits of %s: %w", p, err)
		}
	}
	for name := range l {
		if err := checkProvider(name); err != nil {
			return fmt.Errorf("limits: %w", err)
		}
	}
	return nil
}

func (l Limit) validate() error {
	for _, q := range []struct {
		name  string
		quota *Quota
	}{{"calls", l.Calls}, {"messages", l.Messages}, {"device", l.Device}} {
		if q.quota == nil {
			continue
		}
		if err := q.quota.validate(); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
	}
	return nil
}

func (q Quota) validate() error {
	switch {
	case !(q.Limit > 0) || math.IsInf(q.Limit, 0):
		return fmt.Errorf("limit is %v; accepted is a number above 0", q.Limit)
	case q.Per < 0:
		return fmt.Errorf("per is %v; accepted is a duration above 0", time.Duration(q.Per))
	case q.Burst != 0 && !(q.Burst >= 1) || math.IsInf(q.Burst, 0):
		return fmt.Errorf("burst is %v; accepted is a number from 1", q.Burst)
	case q.Window && q.Burst != 0:
		return errors.New("burst does not go with window, in which all of the limit may come at once")
	}
	return nil
}

// per is the time that the limit holds for.
func (q Quota) per() time.Duration {
	if q.Per == 0 {
		return time.Second
	}
	return time.Duration(q.Per)
}

// burst is the most that may come at once. A limit below one still lets one
// through at a time.
func (q Quota) burst() float64 {
	if q.Burst > 0 {
		return q.Burst
	}
	return max(1, q.Limit)
}
