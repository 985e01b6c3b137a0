package provider

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// idleConnections is how long a connection without a call is kept: less than
// servers keep theirs, since a connection that the server closes while a
// request is being written makes an ambiguous answer.
const idleConnections = 45 * time.Second

// connections are the pooled connections to one provider.
type connections struct {
	options   Options
	client    *http.Client
	transport *http.Transport
	shared    *sharedConns // nil where a connection carries one call at a time
	buffers   buffers
}

// newConnections makes the pool. With shared, calls share connections by
// HTTP/2, with prior knowledge where there is no TLS to agree on it; else a
// connection carries one call at a time, by HTTP/1.1, which is the cheaper for
// batches.
func newConnections(o Options, shared bool) *connections {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(shared)
	protocols.SetUnencryptedHTTP2(shared)
	protocols.SetHTTP1(!shared || strings.HasPrefix(o.BaseURL, "https:"))
	c := &connections{options: o}
	c.transport = &http.Transport{
		Proxy:               nil, // the address is the provider's, whatever the environment says
		DialContext:         c.dial,
		TLSHandshakeTimeout: o.ConnectTimeout,
		MaxConnsPerHost:     o.Connections,
		MaxIdleConns:        o.Connections,
		MaxIdleConnsPerHost: o.Connections,
		IdleConnTimeout:     idleConnections,
		DisableKeepAlives:   o.Unpooled && !shared,
		DisableCompression:  true,
		Protocols:           protocols,
		WriteBufferSize:     64 << 10, // batches are hundreds of kilobytes
		ReadBufferSize:      32 << 10,
		// A provider's headers are a few hundred bytes.
		MaxResponseHeaderBytes: 64 << 10,
	}
	c.client = &http.Client{
		Transport: c.transport,
		// A redirect would take notifications and credentials elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if shared {
		c.shared = newSharedConns(c.transport, o)
		c.client.Transport = c.shared
	}
	return c
}

// dial makes a connection and counts it.
func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.ConnectTimeout)
	defer cancel()
	dial := c.options.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil || c.options.Metrics == nil {
		return conn, err
	}
	c.options.Metrics.ConnectionOpened()
	return &countedConn{Conn: conn, metrics: c.options.Metrics}, nil
}

// Close ends the client, whose sends have ended, and closes its connections.
func (c *connections) Close() {
	if c.shared != nil {
		c.shared.close()
	}
	c.transport.CloseIdleConnections()
}

// countedConn counts its end, and writes what is in memory at once.
type countedConn struct {
	net.Conn
	metrics *telemetry.ProviderRecorder
	once    sync.Once
}

// Close closes the connection.
func (c *countedConn) Close() error {
	c.once.Do(c.metrics.ConnectionClosed)
	return c.Conn.Close()
}

// ReadFrom writes what it reads. A request's body, which is in memory and as long
// as its header says, takes one write and no copy; by [io.Copy] it would take a
// buffer, and a write for each 32 KB.
func (c *countedConn) ReadFrom(r io.Reader) (int64, error) {
	if limited, ok := r.(*io.LimitedReader); ok {
		if body, ok := limited.R.(io.WriterTo); ok {
			n, err := body.WriteTo(c.Conn)
			limited.N -= n
			return n, err
		}
	}
	return io.Copy(c.Conn, r)
}
