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
	foreign  *Foreign // nil for a target that has our API
	recorder *recorder
	firsts   firstAnswers
	timeout  time.Duration

	limit   int64
	busy    atomic.Int64
	full    atomic.Int64 // the last time, since the start, at which all connections were busy
	longest atomic.Int64 // of the bodies so far, or nearly so, in bytes
	buffers sync.Pool    // of *[]byte, for answers
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
	ctx, cancel := context.WithTimeout(run, e.timeout)
	defer cancel()
	request := r.WithContext(ctx) // whose header is the request's own: vegeta makes one for each
	delete(request.Header, "X-Vegeta-Seq")
	if key := e.traffic.AppendKey(nil, now.number); len(key) > 0 {
		request.Header["Idempotency-Key"] = []string{string(key)}
	}
	body := e.body(now.number)
	request.ContentLength = int64(len(body))
	request.Body = io.NopCloser(bytes.NewReader(body))

	s := sample{turn: now, sent: e.pacer.elapsed(), held: now.due <= e.lastFull()}
	var answer Answer
	s.kind, answer = e.send(ctx, request)
	s.done = e.pacer.elapsed()
	e.recorder.add(s, e.schedule.StageAt(now.due))
	e.firsts.keep(s.kind, s.done, answer)
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

// body writes the body of the request of a number. It is in memory of its own: the
// transport may still read it when the answer has come, and whatever told when it
// no longer does would keep it from sending the header and the body by one write.
func (e *exchange) body(number uint64) []byte {
	body := make([]byte, 0, e.longest.Load())
	if e.foreign != nil && e.foreign.Body != nil {
		body = e.foreign.Body.Append(body, e.traffic, number)
	} else {
		body = e.traffic.AppendBody(body, number)
	}
	if n := int64(len(body)); n > e.longest.Load() {
		e.longest.Store(n)
	}
	return body
}

// send sends a request and reads its answer to the end. Of an answer that does
// not accept it also says what it was.
func (e *exchange) send(ctx context.Context, request *http.Request) (Kind, Answer) {
	response, err := e.next.RoundTrip(request)
	if err != nil {
		return classifyError(ctx, err), Answer{Text: err.Error()}
	}
	buffer := e.buffer()
	defer e.buffers.Put(buffer)
	read := bytes.NewBuffer((*buffer)[:0])
	_, err = read.ReadFrom(io.LimitReader(response.Body, maxAnswer+1))
	*buffer = read.Bytes()
	err = errors.Join(err, response.Body.Close())
	kind := Malformed
	switch {
	case err != nil:
		kind = classifyError(ctx, err)
	case len(*buffer) > maxAnswer:
	case e.foreign != nil:
		kind = e.foreign.classify(response.StatusCode, response.Header, *buffer)
	default:
		kind = classify(response.StatusCode, *buffer, e.traffic.Batch())
	}
	if !e.firsts.wants(kind) {
		return kind, Answer{}
	}
	answer := Answer{Status: response.StatusCode, ContentType: response.Header.Get("Content-Type"), Text: string((*buffer)[:min(len(*buffer), excerptBytes)])}
	if err != nil {
		answer.Text += " (" + err.Error() + ")"
	}
	return kind, answer
}

func (e *exchange) buffer() *[]byte {
	if b, ok := e.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 256*e.traffic.Batch()) // more than a result of ours takes
	return &b
}
