package engine

import (
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/telemetry/tracing"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// Config says what a [System] is made of.
type Config struct {
	// Listen is the address of the HTTP interface; with port 0 a free one is
	// taken.
	Listen string
	// Hosts are names it answers to, beside loopback's and the address.
	Hosts []string
	// Keys are the API keys; nil: everybody may do everything.
	Keys *gateway.Keys
	// TLS is what connections are secured by; nil: they are not.
	TLS *tls.Config
	// Role is what the process does; empty is All.
	Role    Role
	Engines Engines
	// DataDir keeps across restarts what is embedded. Empty is a temporary
	// directory, removed at the end; the end then waits for what is queued. With
	// nothing embedded there is none.
	DataDir string
	// IDKey is the secret of the ids as 32 hexadecimal digits; empty is one
	// that Postgres keeps, or else the data directory.
	IDKey string

	Partitions int // of each queue
	Shards     int // of the preferences, while they are on none yet; with Postgres there is one an address
	Sharding   pipeline.Sharding
	// DailyLimits bound what users get; without Redis the counters start anew
	// with the process.
	DailyLimits pipeline.DailyLimits
	Workers     map[pipeline.Channel]int
	// Batches bound the notifications of a channel in one call; 0 is as many as
	// the provider takes.
	Batches map[pipeline.Channel]int
	// KeyTTL is how long an idempotency key is kept; 0 is 24 h.
	KeyTTL time.Duration
	// QueueBytes, IdempotencyBytes and HistoryBytes bound what the store holds;
	// 0 is no limit. Kafka has the first of them alone.
	QueueBytes       int64
	IdempotencyBytes int64
	HistoryBytes     int64

	Preferences Preferences
	Templates   Templates
	Providers   Providers
	Scaling     Scaling

	// Targets and Prices are the dashboard's: what is promised, and what is
	// charged.
	Targets telemetry.Targets
	Prices  telemetry.Prices
	// Tracer follows notifications; nil follows none. It is the caller's to
	// close, after the system.
	Tracer *tracing.Tracer

	Version string
	Log     *slog.Logger
	// Fatal is called when no promise can be kept any more, since the store
	// cannot write. It must end the process and not return.
	Fatal func(error)
}

// Preferences configures the caches before the preferences.
type Preferences struct {
	L1Entries int
	L1TTL     time.Duration
	L2TTL     time.Duration // of what others may change too: in Redis, and before Postgres
	L2Bytes   uint64
}

// Templates says where templates come from.
type Templates struct {
	// At is the folder, or the URL of a bucket, that holds those that are laid
	// over the shipped ones, and takes new ones; empty: a folder of the data
	// directory.
	At  string
	TTL time.Duration
}

// Providers says where notifications go. The URLs are of the mocks, or of the
// providers themselves.
type Providers struct {
	SendGrid    string
	FCM         string
	FCMBatch    bool
	Twilio      string
	TwilioBatch bool
	SES         string
	APNs        string
	Vonage      string
	Connections int // pooled, each provider
	// Unpooled has every call make a connection of its own, where connections
	// carry one call at a time.
	Unpooled bool
	// Push, Email and SMS say who sends; a channel whose choice is zero is
	// served by FCM, SendGrid or Twilio, with nobody behind.
	Push, Email, SMS ProviderChoice
}

// ProviderChoice says who sends a channel's notifications.
type ProviderChoice struct {
	Primary string // as the catalog names it
	Backup  string // while the primary is away; empty is none
	// Quota is what each of them takes a second, in notifications, and in
	// segments of SMS; 0 is no bound.
	Quota float64
}

// url is where a provider answers.
func (p *Providers) url(name string) string {
	switch name {
	case catalog.SendGrid:
		return p.SendGrid
	case catalog.SES:
		return p.SES
	case catalog.FCM:
		return p.FCM
	case catalog.APNs:
		return p.APNs
	case catalog.Twilio:
		return p.Twilio
	case catalog.Vonage:
		return p.Vonage
	}
	panic("BUG: there is no address of " + name)
}
