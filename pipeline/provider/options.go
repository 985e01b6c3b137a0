package provider

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// Options are what the clients of all providers have in common.
type Options struct {
	// BaseURL is where the provider's API answers, without a path of the API
	// itself: https://api.sendgrid.com, or http://127.0.0.1:8090/sendgrid.
	BaseURL string
	// Connections bounds the pooled connections; 0 means [DefaultConnections].
	Connections int
	// Unpooled has every call make a connection of its own, to show what pooling
	// is worth; where calls share connections by HTTP/2, they do so all the same.
	Unpooled bool
	// ConnectTimeout bounds the making of a connection, ReadTimeout the wait
	// for an answer and its reading once the request is written; 0 means 2 s
	// and 5 s.
	ConnectTimeout time.Duration
	ReadTimeout    time.Duration
	// Dial makes connections; nil means by TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Metrics counts the connections; nil means nobody does.
	Metrics *telemetry.ProviderRecorder
}

// What is used where [Options] say nothing.
const (
	DefaultConnections    = 100
	defaultConnectTimeout = 2 * time.Second
	defaultReadTimeout    = 5 * time.Second
)

// defaulted fills in what was left out.
func (o Options) defaulted() Options {
	if o.Connections <= 0 {
		o.Connections = DefaultConnections
	}
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = defaultConnectTimeout
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = defaultReadTimeout
	}
	return o
}

// endpoint is the URL of a path below the base URL.
func (o Options) endpoint(path string) (*url.URL, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("the provider's address %q is no http URL", o.BaseURL)
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the provider's address %q holds more than a host and a path", base.Redacted())
	}
	u, err := url.Parse(strings.TrimSuffix(o.BaseURL, "/") + path)
	if err != nil {
		return nil, fmt.Errorf("the provider's address %q: %w", o.BaseURL, err)
	}
	return u, nil
}

// Wire is the way messages travel to a provider.
type Wire uint8

// The wires.
const (
	Batch  Wire = iota // many messages a call
	Single             // one message a call, many calls at a time
)
