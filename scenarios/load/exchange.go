package load

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// maxAnswer is the most of an answer that is read: a thousand results take a
// tenth of it.
const maxAnswer = 1 << 20

// roundTripper makes a transport of a function.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// exchange is the transport under vegeta's client. It writes the request's
// body, sends it, reads the answer and records what came of it; to vegeta
// every request succeeds. So the deadline covers the whole answer, errors are
// told apart by what they are and not by their words, and buffers are reused.
type exchange struct {
	next     *http.Transport
	pacer    *pacer
	schedule *Schedule
	traffic  *Traffic
	recorder *recorder
	timeout  time.Duration

	limit   int64
	busy    atomic.Int64
	full    atomic.Int64 // the last time, since the start, at which all connections were busy
	buffers sync.Pool    // of *[]byte
}

// enter takes one of the connections.
func (e *exchange) enter() {
	if e.busy.Add(1) >= e.limit {
		e.full.Store(int64(e.pacer.elapsed()))
	}
}

// leave gives it back.
func (e *exchange) leave() {
	if e.busy.Add(-1) == e.limit-1 {
		e.full.Store(int64(e.pacer.elapsed()))
	}
}

// lastFull is the last time at which every connection waited for the target,
// or -1. What was due before then and is late had to wait for the target; what
// became due later did not.
func (e *exchange) lastFull() time.Duration {
	if e.busy.Load() >= e.limit {
		return e.pacer.elapsed()
	}
	return time.Duration(e.full.Load())
}

// do sends one request of the schedule in place of vegeta's. The context is
// the run's, and ends when requests under way are given up.
func (e *exchange) do(run context.Context, r *http.Request) (*http.Response, error) {
	e.enter()
	defer e.leave()
	now := e.pacer.take()
	body := e.buffer()
	*body = e.traffic.AppendBody((*body)[:0], now.number)
	ctx, cancel := context.WithTimeout(run, e.timeout)
	defer cancel()
	request := r.Clone(ctx)
	delete(request.Header, "X-Vegeta-Seq")
	if key := e.traffic.AppendKey(nil, now.number); len(key) > 0 {
		request.Header.Set("Idempotency-Key", string(key))
	}
	request.ContentLength = int64(len(*body))
	request.Body = newLentBody(*body, func() { e.buffers.Put(body) })

	s := sample{turn: now, sent: e.pacer.elapsed(), held: now.due <= e.lastFull()}
	s.kind = e.send(ctx, request)
	s.done = e.pacer.elapsed()
	e.recorder.add(s, e.schedule.StageAt(now.due))
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

// send sends a request and reads its answer to the end.
func (e *exchange) send(ctx context.Context, request *http.Request) Kind {
	response, err := e.next.RoundTrip(request)
	if err != nil {
		return classifyError(ctx, err)
	}
	answer := e.buffer()
	defer e.buffers.Put(answer)
	read := bytes.NewBuffer((*answer)[:0])
	_, err = read.ReadFrom(io.LimitReader(response.Body, maxAnswer+1))
	*answer = read.Bytes()
	err = errors.Join(err, response.Body.Close())
	switch {
	case err != nil:
		return classifyError(ctx, err)
	case len(*answer) > maxAnswer:
		return Malformed
	}
	return classify(response.StatusCode, *answer, e.traffic.Batch())
}

func (e *exchange) buffer() *[]byte {
	if b, ok := e.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 512*e.traffic.Batch())
	return &b
}

// lentBody is a request's body in a buffer that is taken back when the body is
// closed. The transport may do that after the answer has come, and while it
// still reads.
type lentBody struct {
	mu   sync.Mutex
	rest *bytes.Reader // nil once closed
	back func()
}

func newLentBody(b []byte, back func()) *lentBody {
	return &lentBody{rest: bytes.NewReader(b), back: back}
}

// Read reads from the buffer while it is ours.
func (l *lentBody) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rest == nil {
		return 0, io.ErrClosedPipe
	}
	return l.rest.Read(p)
}

// Close gives the buffer back.
func (l *lentBody) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rest != nil {
		l.rest = nil
		l.back()
	}
	return nil
}
