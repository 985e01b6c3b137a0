package mockproviders

import (
	"net"
	"sync"
)

// limitListener bounds how many connections are open at a time; further ones
// wait to be accepted. It does what netutil.LimitListener does, whose
// connections hide the socket that a reset needs.
type limitListener struct {
	net.Listener
	open   chan struct{} // holds an element a connection
	closed chan struct{}
	once   sync.Once
}

func newLimitListener(l net.Listener, limit int) *limitListener {
	return &limitListener{Listener: l, open: make(chan struct{}, limit), closed: make(chan struct{})}
}

// Accept waits for a connection and for room for it.
func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.open <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.open
		return nil, err
	}
	return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { <-l.open })}, nil
}

// Close ends the listening, and an Accept that waits for room.
func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// limitedConn makes room when it is closed.
type limitedConn struct {
	net.Conn
	release func()
}

// Close closes the connection.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// NetConn is the connection below, as with [crypto/tls.Conn].
func (c *limitedConn) NetConn() net.Conn { return c.Conn }

// resetConn ends a connection by a reset rather than an orderly end.
func resetConn(conn net.Conn) {
	raw := conn
	for {
		outer, ok := raw.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		raw = outer.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close() // before TLS says goodbye
	_ = conn.Close()
}
