package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of what a client reads.
const (
	maxAnswer         = 8 << 20
	maxOutcomesAnswer = 64 << 20 // the bitmaps of a day's run at full rate, in the worst case
	defaultTimeout    = 10 * time.Second
)

// ErrAnswerTooLarge says that a server sent more than a client reads.
var ErrAnswerTooLarge = errors.New("the answer is too large")

// Client calls one server. It follows no redirect, uses no proxy and reads
// bounded answers; which addresses may be called is its caller's to decide,
// through the dial function. It is safe for concurrent use.
type Client struct {
	base *url.URL
	key  string
	http *http.Client
}

// ClientOptions configure a [Client].
type ClientOptions struct {
	// Key is the API key that calls come under; empty: none.
	Key string
	// Timeout bounds a call from dial to the answer's last byte; 10 s when 0.
	Timeout time.Duration
	// DialContext connects; where addresses are checked or pinned, it is done
	// here. The net package's dialer when nil.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// NewClient makes a client for the server at base, as in http://127.0.0.1:8080.
func NewClient(base string, o ClientOptions) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("server address: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("server address %q: want http://host:port", u.Redacted())
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("server address %q: want no path", u.Redacted())
	}
	u.Path = ""
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.DialContext == nil {
		o.DialContext = (&net.Dialer{}).DialContext
	}
	return &Client{base: u, key: o.Key, http: &http.Client{
		Timeout: o.Timeout,
		Transport: &http.Transport{
			Proxy:                  nil, // what is measured is the server, and addresses were checked
			DialContext:            o.DialContext,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close gives up the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status takes a snapshot of the server.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.get(ctx, "/v1/status", maxAnswer, &s)
	return s, err
}

// Ready asks whether the server is ready. A server that answers that it is not
// is no error.
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	a, err := c.do(ctx, http.MethodGet, "/readyz", nil, nil, maxAnswer)
	if err != nil {
		return Readiness{}, err
	}
	var r Readiness
	if a.status == http.StatusServiceUnavailable && json.Unmarshal(a.body, &r) == nil && r.Status != "" {
		return r, nil
	}
	return r, a.decode(&r)
}

// Notification asks what became of a notification.
func (c *Client) Notification(ctx context.Context, id string) (Entry, error) {
	var e Entry
	err := c.get(ctx, "/v1/notifications/"+url.PathEscape(id), maxAnswer, &e)
	return e, err
}

// RunOutcomes asks for the outcomes of a load run.
func (c *Client) RunOutcomes(ctx context.Context, run string) (RunOutcomes, error) {
	var r RunOutcomes
	err := c.get(ctx, "/v1/runs/"+url.PathEscape(run)+"/outcomes", maxOutcomesAnswer, &r)
	return r, err
}

// Submit sends notifications under an idempotency key, or without one when it
// is empty.
func (c *Client) Submit(ctx context.Context, notifications []Notification, key string) (Accepted, error) {
	header := http.Header{}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	var accepted Accepted
	err := c.send(ctx, http.MethodPost, "/v1/notifications", header, Submission{notifications}, &accepted)
	return accepted, err
}

// Preferences asks what a user wants.
func (c *Client) Preferences(ctx context.Context, user string) (Preferences, error) {
	var p Preferences
	err := c.get(ctx, "/v1/users/"+url.PathEscape(user)+"/preferences", maxAnswer, &p)
	return p, err
}

// SetPreferences sets what a user wants of the channels that p names.
func (c *Client) SetPreferences(ctx context.Context, user string, p Preferences) error {
	return c.send(ctx, http.MethodPut, "/v1/users/"+url.PathEscape(user)+"/preferences", nil, p, nil)
}

// Reshard begins to move the preferences to so many shards. [Status] says how
// far that is.
func (c *Client) Reshard(ctx context.Context, to uint32) error {
	return c.send(ctx, http.MethodPost, "/v1/reshard", nil, ReshardRequest{To: to}, nil)
}

func (c *Client) get(ctx context.Context, path string, limit int64, out any) error {
	a, err := c.do(ctx, http.MethodGet, path, nil, nil, limit)
	if err != nil {
		return err
	}
	return a.decode(out)
}

func (c *Client) send(ctx context.Context, method, path string, header http.Header, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode the body of %s %s: %w", method, path, err)
	}
	a, err := c.do(ctx, method, path, header, body, maxAnswer)
	if err != nil {
		return err
	}
	return a.decode(out)
}

// answer is what a server said, read whole.
type answer struct {
	call       string // "GET /v1/status"
	status     int
	retryAfter string
	body       []byte
}

func (c *Client) do(ctx context.Context, method, path string, header http.Header, body []byte, limit int64) (answer, error) {
	call := method + " " + path
	// path is already escaped, so it is appended to the base's text.
	r, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", call, err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return answer{}, err // a *url.Error: it names the method and the address
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	err = errors.Join(err, response.Body.Close())
	if err != nil {
		return answer{}, fmt.Errorf("%s: read the answer: %w", call, err)
	}
	if int64(len(data)) > limit {
		return answer{}, fmt.Errorf("%s: %w: over %d bytes", call, ErrAnswerTooLarge, limit)
	}
	return answer{call, response.StatusCode, response.Header.Get("Retry-After"), data}, nil
}

// decode reads a 2xx answer into out, unless that is nil, and makes a *Problem
// of any other.
func (a answer) decode(out any) error {
	if a.status < 200 || a.status > 299 {
		return fmt.Errorf("%s: %w", a.call, a.problem())
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return fmt.Errorf("%s: decode the answer: %w", a.call, err)
	}
	return nil
}

func (a answer) problem() *Problem {
	p := &Problem{}
	if json.Unmarshal(a.body, p) != nil || p.Status != a.status {
		p = &Problem{Status: a.status, Title: http.StatusText(a.status)}
	}
	if s, err := strconv.Atoi(a.retryAfter); err == nil && s > 0 {
		p.RetryAfter = s
	}
	return p
}
