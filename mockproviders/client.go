package mockproviders

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// maxLedgerAnswer bounds what is read of an answer: a bitmap of 2^32 sequences
// takes 512 MiB at the very worst, those of real runs a few megabytes.
const maxLedgerAnswer = 256 << 20

// LedgerClient reads the ledger of a running server, and sets its faults.
type LedgerClient struct {
	base  string
	token string
	http  *http.Client
}

// NewLedgerClient makes a client for the mocks at a base URL, as
// http://127.0.0.1:8090. The token is that of their control, or empty. The
// HTTP client decides on timeouts and addresses; nil means one that waits 30 s
// and follows no redirect.
func NewLedgerClient(base, token string, client *http.Client) (*LedgerClient, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the mocks' address %q is no http URL; write it like http://127.0.0.1:8090", base)
	}
	if client == nil {
		client = &http.Client{
			Timeout:       30 * time.Second,
			Transport:     &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &LedgerClient{base: strings.TrimSuffix(base, "/"), token: token, http: client}, nil
}

// Totals is all that was accepted.
func (c *LedgerClient) Totals(ctx context.Context) (Totals, error) {
	var t Totals
	return t, c.get(ctx, "/_mock/ledger", nil, &t)
}

// Lookup is what is known of an id.
func (c *LedgerClient) Lookup(ctx context.Context, id string) (Sends, error) {
	var s Sends
	return s, c.get(ctx, "/_mock/ledger", url.Values{"id": {id}}, &s)
}

// Duplicates lists the ids that were accepted more than once.
func (c *LedgerClient) Duplicates(ctx context.Context) ([]string, error) {
	var d duplicatesAnswer
	return d.IDs, c.get(ctx, "/_mock/ledger", url.Values{"duplicates": {"1"}}, &d)
}

// Run is what was accepted of a load run.
func (c *LedgerClient) Run(ctx context.Context, name string) (Run, error) {
	var a runAnswer
	if err := c.get(ctx, "/_mock/ledger", url.Values{"run": {name}, "format": {"roaring"}}, &a); err != nil {
		return Run{}, err
	}
	return a.decode()
}

// decode reads the bitmaps of an answer and holds them against its counts.
func (a *runAnswer) decode() (Run, error) {
	run := Run{
		Run: a.Run, Total: a.Total, Repeats: a.Repeats, Complete: a.Complete,
		Providers: make(map[string]RunProvider, len(a.Providers)),
	}
	for name, p := range a.Providers {
		bitmap := roaring.New()
		if err := bitmap.UnmarshalBinary(p.Bitmap); err != nil {
			return Run{}, fmt.Errorf("reading the bitmap of provider %q: %w", name, err)
		}
		if err := bitmap.Validate(); err != nil {
			return Run{}, fmt.Errorf("reading the bitmap of provider %q: %w", name, err)
		}
		if bitmap.GetCardinality() != p.Unique {
			return Run{}, fmt.Errorf("the bitmap of provider %q holds %d sequences, but %d are counted", name, bitmap.GetCardinality(), p.Unique)
		}
		run.Providers[name] = RunProvider{Count: p.Count, Sequences: bitmap}
	}
	return run, nil
}

// Activity says how busy the mocks are.
func (c *LedgerClient) Activity(ctx context.Context) (Activity, error) {
	var a Activity
	return a, c.get(ctx, "/_mock/status", nil, &a)
}

// Reset has the ledger start over.
func (c *LedgerClient) Reset(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "/_mock/ledger", nil, nil)
}

// SetFaults puts a fault script in force; its times count from now.
func (c *LedgerClient) SetFaults(ctx context.Context, script Script) error {
	body, err := json.Marshal(script)
	if err != nil {
		return fmt.Errorf("writing the fault script: %w", err)
	}
	return c.do(ctx, http.MethodPut, "/_mock/faults", body, nil)
}

// Faults is the fault script in force.
func (c *LedgerClient) Faults(ctx context.Context) (Script, error) {
	var s Script
	return s, c.get(ctx, "/_mock/faults", nil, &s)
}

// ClearFaults ends all faults.
func (c *LedgerClient) ClearFaults(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "/_mock/faults", nil, nil)
}

func (c *LedgerClient) get(ctx context.Context, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, into)
}

func (c *LedgerClient) do(ctx context.Context, method, path string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the mocks: %w", err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("asking the mocks: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxLedgerAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the mocks' answer: %w", err)
	case len(answer) > maxLedgerAnswer:
		return fmt.Errorf("the mocks' answer is larger than %d bytes", maxLedgerAnswer)
	case response.StatusCode >= 300:
		return &ControlError{Status: response.StatusCode, Reason: reason(answer)}
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("reading the mocks' answer to %s: %w", path, err)
	}
	return nil
}

// ControlError is a refusal by the mocks' control.
type ControlError struct {
	Status int
	Reason string // may be empty; not to be trusted in a terminal
}

// Error gives the status and the reason, quoted.
func (e *ControlError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("the mocks answered %d; is this the address of a notifyctl mock?", e.Status)
	}
	return fmt.Sprintf("the mocks answered %d: %q", e.Status, e.Reason)
}

func reason(answer []byte) string {
	var problem struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer, &problem); err != nil {
		return ""
	}
	return problem.Error
}
