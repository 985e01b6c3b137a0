package kafka

import (
	"errors"
	"io"
	"sync/atomic"
)

// gate decides, once, whether a request may have been sent. kafka-go does not
// say at which point a request failed, but it reads the batches when it has a
// connection to write them to, and not before.
type gate struct{ state atomic.Int32 }

const (
	gateOpen int32 = iota
	gateBegun
	gateWithdrawn
)

var errWithdrawn = errors.New("the request was withdrawn")

// begin says whether the request may be written.
func (g *gate) begin() bool {
	return g.state.CompareAndSwap(gateOpen, gateBegun) || g.state.Load() == gateBegun
}

// withdraw says whether nothing of the request was written, which then stays
// so.
func (g *gate) withdraw() bool {
	return g.state.CompareAndSwap(gateOpen, gateWithdrawn) || g.state.Load() == gateWithdrawn
}

// gatedBatch is an encoded batch as kafka-go takes it.
type gatedBatch struct {
	gate *gate
	rest []byte
}

// WriteTo writes the batch, if its request was not withdrawn.
func (b *gatedBatch) WriteTo(w io.Writer) (int64, error) {
	if !b.gate.begin() {
		return 0, errWithdrawn
	}
	n, err := w.Write(b.rest)
	b.rest = b.rest[n:]
	return int64(n), err
}

// Read is what an io.Reader needs; kafka-go copies by WriteTo.
func (b *gatedBatch) Read(to []byte) (int, error) {
	if !b.gate.begin() {
		return 0, errWithdrawn
	}
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(to, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
