package engine

import (
	"log/slog"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Config says what a [System] is made of.
type Config struct {
	// Listen is the address of the HTTP interface; with port 0 a free one is
	// taken.
	Listen string
	// Hosts are names it answers to, beside loopback's and the address.
	Hosts []string
	// DataDir keeps everything across restarts. Empty is a temporary directory,
	// removed at the end; the end then waits for what is queued.
	DataDir string
	// IDKey is the secret of the ids as 32 hexadecimal digits; empty is one
	// that the data directory keeps.
	IDKey string

	Partitions int // of each queue
	Shards     int // of the preferences
	Workers    map[pipeline.Channel]int
	// QueueBytes, IdempotencyBytes and HistoryBytes bound what the store holds;
	// 0 is no limit.
	QueueBytes       int64
	IdempotencyBytes int64
	HistoryBytes     int64

	Preferences Preferences
	Templates   Templates
	Providers   Providers

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
	L2TTL     time.Duration
	L2Bytes   uint64
}

// Templates says where templates come from.
type Templates struct {
	Dir string // laid over the shipped ones; empty: those alone
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
	// SES, APNs and Vonage stand behind SendGrid, FCM and Twilio. Empty is no
	// backup.
	SES         string
	APNs        string
	Vonage      string
	Connections int // pooled, each provider
}
