// Package catalog holds what is known of the notification providers: which
// channel they serve, what they take in one call, how fast, and under which
// names our ids travel to them. It is a leaf: the planner sizes by it, the
// clients keep to it and the mocks enforce it, so that the three cannot
// disagree.
//
// A figure carries its source and the date it was read. A provider's limits are
// its published ones; an account may have been granted others.
package catalog

// The names our own identifiers travel under. Providers take them in different
// places (a provider's file says where), always under these names but for
// Vonage, which has one field for both.
const (
	// IDName names the notification's id.
	IDName = "notification_id"
	// RefName names the client's own reference, which stands beside the id.
	RefName = "notification_ref"
	// TemplateName names the template of the notification, where a client says
	// it; the providers pass it through.
	TemplateName = "notification_template"
)

// The names of the providers, as plans, metrics and addresses spell them.
const (
	SendGrid = "sendgrid"
	SES      = "ses"
	FCM      = "fcm"
	APNs     = "apns"
	Twilio   = "twilio"
	Vonage   = "vonage"
)

// The channels that providers serve, as plans and the API spell them.
const (
	Push  = "push"
	Email = "email"
	SMS   = "sms"
)

// Provider is what is known of one provider.
type Provider struct {
	Name    string
	Title   string // as the provider writes itself
	Channel string
	// BaseURL is where the provider's API answers; a mock stands in for it
	// under a prefix of the provider's name.
	BaseURL string
	// MaxBatch is how many notifications one call takes on the batch wire; 1
	// where there is no such wire.
	MaxBatch int
	// RealBatch says that the provider offers the batch wire today. Where it
	// does not, only the mocks serve it.
	RealBatch bool
	// Multiplexed says that the API is made for HTTP/2, where one connection
	// carries many calls at once.
	Multiplexed bool
	// MaxRequestBytes bounds the body of one call.
	MaxRequestBytes int
	// MaxMessageBytes bounds one notification's payload; 0 where the provider
	// counts otherwise.
	MaxMessageBytes int
	// Quota is how many notifications a second the default account may send;
	// 0 where it is granted per account.
	Quota float64
}

// Providers lists the providers, by channel, the primaries first.
func Providers() []Provider {
	return []Provider{
		fcm(), apns(),
		sendGrid(), ses(),
		twilio(), vonage(),
	}
}

// Lookup finds a provider by its name.
func Lookup(name string) (Provider, bool) {
	for _, p := range Providers() {
		if p.Name == name {
			return p, true
		}
	}
	return Provider{}, false
}
