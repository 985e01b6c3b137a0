package provider

import (
	"io"
	"net"
	"strings"
	"testing"
)

// writes counts what is written to a connection.
type writes struct {
	net.Conn
	written strings.Builder
	calls   int
}

func (w *writes) Write(p []byte) (int, error) {
	w.calls++
	return w.written.Write(p)
}

// TestReadFromMemory: a connection takes what the transport has left of a body by
// one write.
func TestReadFromMemory(t *testing.T) {
	var pool buffers
	b := pool.get()
	defer b.release()
	text := strings.Repeat("a body ", 50_000)
	b.RawStr(text)
	body := b.reader()
	first := make([]byte, 1000)
	if _, err := io.ReadFull(body, first); err != nil {
		t.Fatal(err)
	}
	w := &writes{}
	limited := &io.LimitedReader{R: body, N: int64(len(text) - len(first))} // as the transport has it
	n, err := (&countedConn{Conn: w}).ReadFrom(limited)
	if err != nil || n != int64(len(text)-len(first)) || w.calls != 1 || limited.N != 0 || string(first)+w.written.String() != text {
		t.Errorf("wrote %d bytes by %d writes, %d left, %v", n, w.calls, limited.N, err)
	}
	if err := body.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := body.WriteTo(w); err == nil {
		t.Errorf("%d bytes of a closed body were written", n)
	}
}

// TestReadFromStream: what is not in memory goes by a buffer, to its limit.
func TestReadFromStream(t *testing.T) {
	w := &writes{}
	stream := io.LimitReader(struct{ io.Reader }{strings.NewReader("stream")}, 4)
	if n, err := (&countedConn{Conn: w}).ReadFrom(stream); n != 4 || err != nil || w.written.String() != "stre" {
		t.Errorf("wrote %d bytes, %q, %v", n, w.written.String(), err)
	}
}
