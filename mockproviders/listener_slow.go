package mockproviders

import (
	"net"
	"sync"
	"time"
)

// slowListener has a new connection take a while until anything is read from it,
// as one over a network does.
type slowListener struct {
	net.Listener
	connect time.Duration
}

// Accept takes a connection at once; it is its first Read that waits.
func (l *slowListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &slowConn{Conn: conn, ready: time.NewTimer(l.connect), closed: make(chan struct{})}, nil
}

// slowConn is read from once it is ready, or closed.
type slowConn struct {
	net.Conn
	ready  *time.Timer
	first  sync.Once
	once   sync.Once
	closed chan struct{}
}

// Read waits before the first byte.
func (c *slowConn) Read(b []byte) (int, error) {
	c.first.Do(func() {
		select {
		case <-c.ready.C:
		case <-c.closed:
		}
	})
	return c.Conn.Read(b)
}

// Close closes the connection, and ends a Read that waits.
func (c *slowConn) Close() error {
	c.once.Do(func() {
		c.ready.Stop()
		close(c.closed)
	})
	return c.Conn.Close()
}

// NetConn is the connection below, as with [crypto/tls.Conn].
func (c *slowConn) NetConn() net.Conn { return c.Conn }
