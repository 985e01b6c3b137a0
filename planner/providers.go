package planner

import (
	"errors"
	"fmt"
	"net/url"
	"unicode/utf8"

	"github.com/notifyctl/notifyctl/planner/catalog"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// Providers are the companies that deliver, by channel.
type Providers struct {
	Push        PushProviders  `json:"push"`
	Email       EmailProviders `json:"email"`
	SMS         SMSProviders   `json:"sms"`
	Connections units.Count    `json:"connections"` // pooled, to each provider
	CallTime    units.Duration `json:"call_time"`   // of a call with one notification
	BatchTime   units.Duration `json:"batch_time"`  // of a call with a batch
	URLs        ProviderURLs   `json:"urls"`
}

// PushProviders deliver push notifications.
type PushProviders struct {
	Primary  string      `json:"primary" provider:"push"`
	Backup   string      `json:"backup" provider:"push"`
	Wire     string      `json:"wire" oneof:"batch single"`
	Quota    units.Rate  `json:"quota"` // of one project
	Projects units.Count `json:"projects"`
}

// EmailProviders deliver e-mail.
type EmailProviders struct {
	Primary string `json:"primary" provider:"email"`
	Backup  string `json:"backup" provider:"email"`
	Charged string `json:"charged" provider:"email"` // whose prices the bill is reckoned by
}

// SMSProviders deliver text messages.
type SMSProviders struct {
	Primary    string       `json:"primary" provider:"sms"`
	Backup     string       `json:"backup" provider:"sms"`
	Wire       string       `json:"wire" oneof:"batch single"`
	Sender     string       `json:"sender" oneof:"short_code toll_free 10dlc"`
	SenderRate units.Rate   `json:"sender_rate"` // segments a second of one sender
	Senders    units.Count  `json:"senders"`
	Segments   units.Number `json:"segments" min:"1"`
	Text       MessageText  `json:"text"` // of a usual message; "" if segments says all
}

// A MessageText is the text of a usual message, from which its segments are
// counted; empty is none.
type MessageText string

// ParseMessageText reads a text that a provider would take.
func ParseMessageText(text string) (MessageText, error) {
	if n := utf8.RuneCountInString(text); n > catalog.TwilioBodyCharacters {
		return "", fmt.Errorf("%d characters; accepted are up to %d, as much as a provider takes", n, catalog.TwilioBodyCharacters)
	}
	return MessageText(text), nil
}

// countSegments takes the segments of a message from its text, where the plan
// gives one.
func (p *Plan) countSegments() []yamldoc.Fault {
	const key, textKey = "providers.sms.segments", "providers.sms.text"
	sms := &p.Providers.SMS
	if sms.Text == "" {
		return nil
	}
	counted := units.Exactly(float64(catalog.Segments(string(sms.Text))))
	if written := p.sources[key]; written.File != referenceName && sms.Segments.Range != counted {
		return []yamldoc.Fault{{Source: written, Key: key, Message: fmt.Sprintf("%s, and %s takes %s; accepted is one of the two",
			units.Format(units.Scalar, sms.Segments.Range), textKey, units.Format(units.Scalar, counted))}}
	}
	sms.Segments.Range, p.sources[key] = counted, p.sources[textKey]
	return nil
}

// ProviderURLs are the base URLs of the providers' APIs. An empty one is the
// mock provider that the deployment starts.
type ProviderURLs struct {
	SendGrid URL `json:"sendgrid"`
	SES      URL `json:"ses"`
	FCM      URL `json:"fcm"`
	APNs     URL `json:"apns"`
	Twilio   URL `json:"twilio"`
	Vonage   URL `json:"vonage"`
}

// A URL is the base URL of an API, without credentials; empty is none.
type URL string

// ParseURL reads a base URL. What would be a secret is refused: plans are
// shared, and secrets come from the environment.
func ParseURL(text string) (URL, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("the text is no URL; accepted is one like http://127.0.0.1:8090/sendgrid")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("a URL with credentials, a query or a fragment; accepted is scheme, host and path alone")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", fmt.Errorf("%q is no http or https URL; accepted is one like http://127.0.0.1:8090/sendgrid", text)
	}
	return URL(text), nil
}
