package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

// ErrStreamEnded says that a server ended a stream in order, as it does when it
// drains.
var ErrStreamEnded = errors.New("the server ended the stream")

// WatchStatus takes a snapshot of the server once a second, until the context
// ends, the stream does, or take gives an error. It always gives an error that
// says why: [ErrStreamEnded] where the server wanted it so. A server that says
// nothing for as long as a call may take is given up.
func (c *Client) WatchStatus(ctx context.Context, take func(Status) error) error {
	const call = "GET /v1/status/stream"
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(c.http.Timeout, func() {
		cancel(fmt.Errorf("%s: nothing was heard for %v", call, c.http.Timeout))
	})
	defer silent.Stop()
	err := c.stream(ctx, call, func(event []byte) error {
		silent.Reset(c.http.Timeout)
		var s Status
		if err := json.Unmarshal(event, &s); err != nil {
			return fmt.Errorf("%s: decode an event: %w", call, err)
		}
		return take(s)
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// stream reads server-sent events of the kind status.
func (c *Client) stream(ctx context.Context, call string, take func(data []byte) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+"/v1/status/stream", nil)
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	endless := *c.http
	endless.Timeout = 0 // the caller watches over it
	response, err := endless.Do(r)
	if err != nil {
		return err // a *url.Error: it names the method and the address
	}
	defer func() { _ = response.Body.Close() }() // nothing more is wanted of it
	if response.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("%s: read the answer: %w", call, err)
		}
		a := answer{call, response.StatusCode, response.Header.Get("Retry-After"), body}
		return fmt.Errorf("%s: %w", call, a.problem())
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != "text/event-stream" {
		return fmt.Errorf("%s: the answer is %q, not a stream of events: is it a notifyctl server?", call, printable(response.Header.Get("Content-Type")))
	}
	return readEvents(response.Body, call, take)
}

// readEvents reads the events of a stream to its end. Of what the format allows
// it takes lines that end in LF or CRLF, and data over several of them.
func readEvents(body io.Reader, call string, take func(data []byte) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxAnswer)
	var kind string
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0:
			if kind == "status" && data != nil {
				if err := take(data); err != nil {
					return err
				}
			}
			kind, data = "", nil
		case string(field) == "event":
			kind = string(value)
		case string(field) == "data":
			if data != nil {
				data = append(data, '\n')
			}
			if data = append(data, value...); len(data) > maxAnswer {
				return fmt.Errorf("%s: %w: over %d bytes", call, ErrAnswerTooLarge, maxAnswer)
			}
			if data == nil {
				data = []byte{}
			}
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%s: %w: over %d bytes", call, ErrAnswerTooLarge, maxAnswer)
	case err != nil:
		return fmt.Errorf("%s: %w", call, err)
	}
	return ErrStreamEnded
}
