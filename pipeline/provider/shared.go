package provider

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// sharedConns carries many calls at a time over few HTTP/2 connections. It
// opens one connection after another, and another only when all are full, up to
// a bound. The transport's own pool does neither: a burst of calls opens a
// connection each, and its bound does not hold for HTTP/2.
type sharedConns struct {
	transport *http.Transport
	timeout   time.Duration // of making a connection
	limit     int

	mu      sync.Mutex
	open    []*sharedConn
	dialing *dialing // under way, or nil
	waiting int      // calls that wait for room
	changed chan struct{}
	closed  bool
	dials   sync.WaitGroup
}

// sharedConn is a connection and how many calls were given to it. We count them
// ourselves: its own reservations wait for each other for ever when a server
// allows fewer calls than were reserved before it said so.
type sharedConn struct {
	*http.ClientConn
	calls int
}

// room says whether the connection takes another call.
func (c *sharedConn) room() bool { return c.calls < c.Available()+c.InFlight() }

// dialing is the making of a connection, for which several calls may wait.
type dialing struct {
	done chan struct{}
	err  error // once done
}

var errClosed = errors.New("the client is closed")

func newSharedConns(transport *http.Transport, o Options) *sharedConns {
	return &sharedConns{
		transport: transport, timeout: o.ConnectTimeout, limit: o.Connections,
		changed: make(chan struct{}),
	}
}

// RoundTrip makes a call on a connection with room, and waits for one when
// there is none.
func (s *sharedConns) RoundTrip(r *http.Request) (*http.Response, error) {
	conn, err := s.begin(r)
	if err != nil {
		return nil, errors.Join(&connectError{err}, r.Body.Close())
	}
	defer s.end(conn)
	return conn.RoundTrip(r)
}

// connectError says that no connection was to be had.
type connectError struct{ err error }

// Error gives the reason.
func (e *connectError) Error() string { return e.err.Error() }

// Unwrap gives what is wrapped.
func (e *connectError) Unwrap() error { return e.err }

// notBegun says whether a call that failed on a shared connection was not
// processed and may be made at once on another: the server refused to begin it
// (RFC 9113, 8.7), since a connection carries more calls than it allows until
// its settings are known; or the connection ended before it was written.
func notBegun(err error, written bool) bool {
	var connect *connectError
	if errors.As(err, &connect) {
		return false
	}
	var stream http2.StreamError
	return !written || errors.As(err, &stream) && stream.Code == http2.ErrCodeRefusedStream
}

// begin gives a call to a connection that has room for it.
func (s *sharedConns) begin(r *http.Request) (*sharedConn, error) {
	for {
		conn, dial, changed, err := s.pick(r)
		if conn != nil || err != nil {
			return conn, err
		}
		var done chan struct{}
		if dial != nil {
			done = dial.done
		}
		select {
		case <-changed:
		case <-done:
			err = dial.err
		case <-r.Context().Done():
			err = context.Cause(r.Context())
		}
		s.mu.Lock()
		s.waiting--
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
}

// pick gives a call to a connection with room. When there is none the call
// waits: for a connection that is being made, unless there are as many as may
// be, or for changed.
func (s *sharedConns) pick(r *http.Request) (conn *sharedConn, dial *dialing, changed <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, nil, errClosed
	}
	s.open = slices.DeleteFunc(s.open, func(c *sharedConn) bool { return c.Err() != nil })
	for _, c := range s.open {
		if c.room() {
			c.calls++
			return c, nil, nil, nil
		}
	}
	if s.dialing == nil && len(s.open) < s.limit {
		s.dialing = &dialing{done: make(chan struct{})}
		scheme, address, dial := r.URL.Scheme, addressOf(r), s.dialing
		s.dials.Go(func() { s.dial(dial, scheme, address) })
	}
	s.waiting++
	return nil, s.dialing, s.changed, nil
}

// end takes a call from its connection, and tells those who wait for room.
func (s *sharedConns) end(c *sharedConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.calls--
	if s.waiting > 0 {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// dial makes a connection. It does not end with the call that asked for it:
// others wait, too.
func (s *sharedConns) dial(d *dialing, scheme, address string) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	conn, err := s.transport.NewClientConn(ctx, scheme, address)
	s.mu.Lock()
	defer s.mu.Unlock()
	d.err, s.dialing = err, nil
	if err == nil {
		s.open = append(s.open, &sharedConn{ClientConn: conn})
	}
	close(d.done)
}

// addressOf is the host and port of a request.
func addressOf(r *http.Request) string {
	port := r.URL.Port()
	switch {
	case port != "":
	case r.URL.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(r.URL.Hostname(), port)
}

// close closes the connections, and waits for one that is being made.
func (s *sharedConns) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.dials.Wait()
	s.mu.Lock()
	open := s.open
	s.open = nil
	s.mu.Unlock()
	for _, c := range open {
		_ = c.Close() // there is nothing left to lose on it
	}
}
