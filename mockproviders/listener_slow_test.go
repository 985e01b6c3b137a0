package mockproviders

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// oneConn is a listener of one connection.
type oneConn struct {
	net.Listener
	conn net.Conn
}

func (l oneConn) Accept() (net.Conn, error) { return l.conn, nil }

func TestASlowListenerReadsOnceConnectionsAreMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		began := time.Now()
		conn, err := (&slowListener{Listener: oneConn{conn: theirs}, connect: 100 * time.Millisecond}).Accept()
		if err != nil || time.Since(began) != 0 {
			t.Fatalf("accepted after %v, %v", time.Since(began), err)
		}
		go func() {
			for range 2 {
				_, _ = ours.Write([]byte("x"))
			}
		}()
		b := make([]byte, 1)
		for range 2 { // the second waits no more
			if n, err := conn.Read(b); n != 1 || err != nil || time.Since(began) != 100*time.Millisecond {
				t.Errorf("read %d after %v, %v", n, time.Since(began), err)
			}
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestClosingASlowConnectionEndsItsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, theirs := net.Pipe()
		began := time.Now()
		conn, err := (&slowListener{Listener: oneConn{conn: theirs}, connect: time.Hour}).Accept()
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { _ = conn.Close() })
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || time.Since(began) != time.Second {
			t.Errorf("read %d after %v, %v", n, time.Since(began), err)
		}
	})
}
