package provider

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// errTimeout ends a call that took too long.
var errTimeout = errors.New("the provider did not answer in time")

// reply is what came of one HTTP call.
type reply struct {
	status int // 0 when no answer came
	header http.Header
	// body is what was read of the answer, at most the limit.
	body *buffer
	// whole says that the body was read to its end.
	whole bool
	// class and words say what came of the call when no answer came.
	class pipeline.AnswerClass
	words string
}

func (r *reply) release() {
	if r.body != nil {
		r.body.release()
		r.body = nil
	}
}

// maxBegins is how often a call is made that does not come to its beginning on
// a shared connection.
const maxBegins = 10

// post makes a call with the body, which it holds for as long as the transport
// needs. At most limit bytes of the answer are read. The header is shared by
// calls and is not changed.
func (c *connections) post(ctx context.Context, to *url.URL, header http.Header, body *buffer, limit int) reply {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(c.options.ConnectTimeout+c.options.ReadTimeout, func() { cancel(errTimeout) })
	defer timer.Stop()
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				written.Store(true)
				timer.Reset(c.options.ReadTimeout)
			}
		},
	})
	for begins := 1; ; begins++ {
		written.Store(false)
		r, err := c.once(request(ctx, to, header, body), limit)
		if err == nil {
			return r
		}
		if c.shared == nil || begins == maxBegins || ctx.Err() != nil || !notBegun(err, written.Load()) {
			return failed(ctx, err, written.Load())
		}
	}
}

// request is made by hand: http.NewRequest would parse the URL again.
func request(ctx context.Context, to *url.URL, header http.Header, body *buffer) *http.Request {
	return (&http.Request{
		Method: http.MethodPost, URL: to, Host: to.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: body.reader(), ContentLength: int64(len(body.Buf)),
		GetBody: func() (io.ReadCloser, error) { return body.reader(), nil },
	}).WithContext(ctx)
}

// once makes a call and takes what is needed of its answer.
func (c *connections) once(request *http.Request, limit int) (reply, error) {
	response, err := c.client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	r := reply{status: response.StatusCode, header: response.Header, body: c.buffers.get()}
	r.whole = r.body.readFrom(response.Body, response.ContentLength, limit)
	return r, nil
}

// failed says what came of a call without an answer. Until the request is
// written in whole no provider processes it: a body that ends early is no
// JSON, nor as long as its header says. From then on nobody knows.
func failed(ctx context.Context, err error, written bool) reply {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, which may name an account
	}
	r := reply{class: pipeline.Transient, words: cleanString(err.Error())}
	if written {
		r.class = pipeline.Ambiguous
	}
	return r
}

// maxRetryAfter bounds the wait that a provider can ask for.
const maxRetryAfter = time.Hour

// retryAfter is the wait that an answer asks for, or 0: Retry-After in seconds
// or as a date, else a reset time in Unix seconds under the header named.
func retryAfter(header http.Header, reset string) time.Duration {
	if value := header.Get("Retry-After"); value != "" {
		if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
			return boundedWait(time.Duration(seconds) * time.Second)
		}
		if at, err := http.ParseTime(value); err == nil {
			return boundedWait(time.Until(at))
		}
	}
	if reset == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(header.Get(reset), 10, 64); err == nil {
		return boundedWait(time.Until(time.Unix(seconds, 0)))
	}
	return 0
}

func boundedWait(wait time.Duration) time.Duration { return min(max(wait, 0), maxRetryAfter) }
