package provider

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/go-faster/jx"
)

// maxPooledBytes is the largest buffer that is kept for another call.
const maxPooledBytes = 2 << 20

// buffers pools the bodies of requests and answers.
type buffers struct{ pool sync.Pool }

// buffer is a pooled body. The transport may read a request's body, and close
// it, after the call has returned; so the buffer goes back to the pool only
// when its last holder lets go.
type buffer struct {
	jx.Writer
	holders atomic.Int32
	home    *buffers
}

func (p *buffers) get() *buffer {
	b, ok := p.pool.Get().(*buffer)
	if !ok {
		b = &buffer{home: p}
	}
	b.holders.Store(1)
	return b
}

func (b *buffer) release() {
	switch n := b.holders.Add(-1); {
	case n < 0:
		panic("BUG: a buffer was released twice")
	case n > 0 || cap(b.Buf) > maxPooledBytes:
	default:
		b.Reset()
		b.home.pool.Put(b)
	}
}

// reader gives the buffer's bytes as a request's body, which holds the buffer
// until it is closed.
func (b *buffer) reader() *bodyReader {
	b.holders.Add(1)
	r := &bodyReader{buffer: b}
	r.rest.Reset(b.Buf)
	return r
}

// bodyReader is a request's body. HTTP/2's transport may close it while it
// reads it in another goroutine: the lock makes sure that nobody reads the
// buffer once it is back in the pool.
type bodyReader struct {
	mu     sync.Mutex
	rest   bytes.Reader
	buffer *buffer // nil once closed
}

var errBodyClosed = errors.New("the request's body is closed")

// Read reads on, until it is closed.
func (r *bodyReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buffer == nil {
		return 0, errBodyClosed
	}
	return r.rest.Read(p)
}

// WriteTo writes what is left in one piece.
func (r *bodyReader) WriteTo(w io.Writer) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buffer == nil {
		return 0, errBodyClosed
	}
	return r.rest.WriteTo(w)
}

// Close lets go of the buffer.
func (r *bodyReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buffer != nil {
		r.buffer.release()
		r.buffer = nil
	}
	return nil
}

// readFrom reads at most limit bytes into the buffer. It says whether that was
// all there is.
func (b *buffer) readFrom(r io.Reader, length int64, limit int) (whole bool) {
	if length > 0 && length <= int64(limit) {
		b.Grow(int(length) + 1) // one more, to see the end without growing
	}
	for len(b.Buf) <= limit {
		if len(b.Buf) == cap(b.Buf) {
			b.Grow(max(512, cap(b.Buf)))
		}
		n, err := r.Read(b.Buf[len(b.Buf):cap(b.Buf)])
		b.Buf = b.Buf[:len(b.Buf)+n]
		if err != nil {
			if len(b.Buf) > limit {
				break
			}
			return errors.Is(err, io.EOF)
		}
	}
	b.Buf = b.Buf[:limit]
	return false
}
