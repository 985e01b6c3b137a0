package mockproviders

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// Script is a list of faults that the mocks show. The first fault that fits
// decides; slow and drip act beside it. In JSON:
//
//	{"faults": [
//	  {"provider": "sendgrid", "at": "10s", "for": "30s", "fault": "outage"},
//	  {"fault": "status", "status": 429, "retry_after": "2s", "rate": 0.3},
//	  {"provider": "fcm", "fault": "status", "status": 404, "to": "gone-*"},
//	  {"provider": "twilio", "fault": "status", "status": 503, "attempts": 2},
//	  {"provider": "ses", "fault": "partial_batch", "share": 0.1},
//	  {"fault": "status", "status": 500, "template": "order-*", "rate": 0.05}
//	]}
type Script struct {
	Faults []Fault `json:"faults"`
}

// Fault is one entry of a [Script].
//
// A fault with to, template, attempts or scope "entry" judges each notification
// by itself: one entry of a batch fails and its neighbours do not, where the
// provider answers by entry. Any other judges calls. A fault of another kind
// than status acts on the whole call that a fitting notification came in.
type Fault struct {
	// Provider limits the fault to one provider; empty means all.
	Provider string `json:"provider,omitempty"`
	// At is when it begins after the script was set, For how long it lasts; 0
	// means for ever.
	At  Duration `json:"at,omitempty"`
	For Duration `json:"for,omitempty"`
	// Kind is what happens.
	Kind FaultKind `json:"fault"`
	// Status is the HTTP status of kind status and of the entries that kind
	// partial_batch refuses (500 by default), Code the provider's own word for it
	// (FCM's errorCode, Twilio's code, SES's exception, APNs' reason, Vonage's
	// status), by default the usual one.
	Status int    `json:"status,omitempty"`
	Code   string `json:"code,omitempty"`
	// RetryAfter is what an answer of 429 or 503 asks to wait.
	RetryAfter Duration `json:"retry_after,omitempty"`
	// Delay is how much longer kind slow takes, and how long kind drip takes
	// to write its answer.
	Delay Duration `json:"delay,omitempty"`
	// Rate is the probability that the fault shows, 1 if it is left out. Which
	// calls and notifications it hits follows from the seed.
	Rate *float64 `json:"rate,omitempty"`
	// Share is what part of a call's notifications kind partial_batch refuses,
	// half of them if it is left out, but at least one, and never all.
	Share float64 `json:"share,omitempty"`
	// To limits the fault to recipients, Template to notifications of a
	// template: SendGrid's template_id, SES's TemplateName, Twilio's ContentSid,
	// or what is named notification_template beside our id. A * at one end or
	// both stands for anything.
	To       string `json:"to,omitempty"`
	Template string `json:"template,omitempty"`
	// Attempts limits the fault to the first attempts of each notification:
	// "the first 2 fail, then it works".
	Attempts int `json:"attempts,omitempty"`
	// Scope is "call" or "entry"; by default what the other keys imply.
	Scope string `json:"scope,omitempty"`
}

// FaultKind is what a fault does.
type FaultKind string

// The kinds of faults.
const (
	Outage      FaultKind = "outage"       // every call is answered 503
	Status      FaultKind = "status"       // answered with a status; with a rate, an error rate
	Slow        FaultKind = "slow"         // accepted, answered later
	Hang        FaultKind = "hang"         // never answered, not accepted
	ResetBefore FaultKind = "reset_before" // the connection is reset, nothing was accepted
	ResetAfter  FaultKind = "reset_after"  // accepted, then the connection is reset
	HTML502     FaultKind = "html_502"     // a proxy's 502 in HTML, nothing was accepted
	Drip        FaultKind = "drip"         // accepted, answered byte by byte
	// PartialBatch accepts a part of the notifications of a call that carries
	// several. A provider that answers by call alone refuses the call.
	PartialBatch FaultKind = "partial_batch"
)

// FaultKinds lists them.
func FaultKinds() []FaultKind {
	return []FaultKind{Outage, Status, Slow, Hang, ResetBefore, ResetAfter, HTML502, Drip, PartialBatch}
}

func joined(kinds []FaultKind) string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	return strings.Join(names, ", ")
}

// Beside says whether a fault acts beside others, rather than decide what a call
// comes to.
func (f *Fault) Beside() bool { return f.Kind == Slow || f.Kind == Drip }

// Always says whether a fault shows in every call of its provider while it
// lasts, so that no other gets to decide one.
func (f *Fault) Always() bool { return !f.Beside() && !f.byEntry() && (f.Rate == nil || *f.Rate == 1) }

// maxFaults bounds a script.
const maxFaults = 1000

// ParseScript reads a script from JSON and checks it.
func ParseScript(text []byte) (Script, error) {
	var s Script
	if err := parseJSON(text, "the fault script", &s); err != nil {
		return Script{}, err
	}
	return s, s.Validate()
}

// Validate says what is wrong with a script, naming the fault by its place.
func (s Script) Validate() error {
	if len(s.Faults) > maxFaults {
		return fmt.Errorf("the fault script holds %d faults, more than %d", len(s.Faults), maxFaults)
	}
	for i := range s.Faults {
		if err := s.Faults[i].Validate(); err != nil {
			return fmt.Errorf("faults[%d]: %w", i, err)
		}
	}
	return nil
}

// Validate says what is wrong with a fault.
func (f *Fault) Validate() error {
	if f.Provider != "" {
		if err := checkProvider(f.Provider); err != nil {
			return err
		}
	}
	if !slices.Contains(FaultKinds(), f.Kind) {
		return fmt.Errorf("fault %q is not known; accepted are %s", f.Kind, joined(FaultKinds()))
	}
	if err := f.validateAnswer(); err != nil {
		return err
	}
	if delays := f.Kind == Slow || f.Kind == Drip; delays && f.Delay <= 0 {
		return fmt.Errorf("fault %q needs a delay above 0", f.Kind)
	} else if !delays && f.Delay != 0 {
		return fmt.Errorf("delay goes with fault %q and %q, not %q", Slow, Drip, f.Kind)
	}
	if f.Rate != nil && !(*f.Rate >= 0 && *f.Rate <= 1) {
		return fmt.Errorf("rate is %v; accepted is 0 to 1", *f.Rate)
	}
	if f.Share != 0 && f.Kind != PartialBatch {
		return fmt.Errorf("share goes with fault %q, not %q", PartialBatch, f.Kind)
	}
	if !(f.Share >= 0 && f.Share < 1) {
		return fmt.Errorf("share is %v; accepted is a number above 0 and below 1", f.Share)
	}
	if f.At < 0 || f.For < 0 || f.RetryAfter < 0 || f.Delay < 0 || f.Attempts < 0 {
		return errors.New("at, for, retry_after, delay and attempts cannot be negative")
	}
	if strings.Contains(strings.TrimSuffix(strings.TrimPrefix(f.To, "*"), "*"), "*") {
		return fmt.Errorf("to is %q; a * stands at the start or the end alone", f.To)
	}
	if strings.Contains(strings.TrimSuffix(strings.TrimPrefix(f.Template, "*"), "*"), "*") {
		return fmt.Errorf("template is %q; a * stands at the start or the end alone", f.Template)
	}
	return f.validateScope()
}

// validateAnswer checks what the fault answers.
func (f *Fault) validateAnswer() error {
	if needed := f.Kind == Status; (needed || f.Kind == PartialBatch && f.Status != 0) && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("status is %d; accepted is 400 to 599", f.Status)
	}
	if f.Kind != Status && f.Kind != PartialBatch && f.Status != 0 {
		return fmt.Errorf("status goes with fault %q and %q, not %q", Status, PartialBatch, f.Kind)
	}
	if f.Code != "" && f.status() == 0 {
		return fmt.Errorf("code goes with fault %q, %q and %q, not %q", Status, Outage, PartialBatch, f.Kind)
	}
	if _, err := strconv.ParseUint(f.Code, 10, 32); err != nil && f.Code != "" {
		switch f.Provider {
		case catalog.Twilio:
			return fmt.Errorf("code is %q; Twilio's are numbers, as 21610", f.Code)
		case catalog.Vonage:
			return fmt.Errorf("code is %q; Vonage's are numbers, as 7", f.Code)
		}
	}
	return nil
}

func (f *Fault) validateScope() error {
	switch f.Scope {
	case "":
	case "entry":
	case "call":
		if f.byEntry() {
			return errors.New(`to, template and attempts judge notifications; leave scope out or set it to "entry"`)
		}
	default:
		return fmt.Errorf(`scope is %q; accepted are "call" and "entry"`, f.Scope)
	}
	if f.Kind == PartialBatch && f.byEntry() {
		return fmt.Errorf("fault %q chooses the notifications itself; to, template, attempts and scope %q go with %q", PartialBatch, "entry", Status)
	}
	return nil
}

// byEntry says whether the fault judges notifications, rather than calls.
func (f *Fault) byEntry() bool {
	return f.Scope == "entry" || f.To != "" || f.Template != "" || f.Attempts > 0
}

// status is what the fault answers with, or 0 where it does not answer by one.
func (f *Fault) status() int {
	switch f.Kind {
	case Outage:
		return http.StatusServiceUnavailable
	case Status:
		return f.Status
	case PartialBatch:
		if f.Status == 0 {
			return http.StatusInternalServerError
		}
		return f.Status
	}
	return 0
}
