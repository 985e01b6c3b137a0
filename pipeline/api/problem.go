package api

import (
	"fmt"
	"net/http"
	"strings"
)

// ProblemType is the media type of a [Problem].
const ProblemType = "application/problem+json"

// The codes of problems: the word that a program decides by.
const (
	CodeMalformed    = "malformed"     // 400: no JSON, or not well-formed
	CodeUnauthorized = "unauthorized"  // 401: no API key, or one that is not known
	CodeForbidden    = "forbidden"     // 403: from a foreign web page, or a key without the scope
	CodeNotFound     = "not_found"     // 404
	CodeMethod       = "method"        // 405
	CodeTimeout      = "timeout"       // 408: the body came too slowly
	CodeRunning      = "running"       // 409: the first request with the key has not ended
	CodeExists       = "exists"        // 409: a template's version was written before, with another body
	CodeResharding   = "resharding"    // 409: one reshard runs already
	CodeShardsInUse  = "shards_in_use" // 409: a reshard must have the preferences alone
	CodeTooLarge     = "too_large"     // 413
	CodeMediaType    = "media_type"    // 415
	CodeMisdirected  = "misdirected"   // 421: a Host that is not served here
	CodeInvalid      = "invalid"       // 422: fields at fault
	CodeConflict     = "conflict"      // 422: the key was used with another body
	CodeRate         = "rate"          // 429: the client is over its own limit; nothing was accepted
	CodeInternal     = "internal"      // 500
	CodeAdmission    = "admission"     // 503: too much is in progress; nothing was accepted
	CodeUnavailable  = "unavailable"   // 503: a store does not answer; nothing was accepted
	CodeAmbiguous    = "ambiguous"     // 503: some entries may be queued; repeat with the same keys
	CodeDraining     = "draining"      // 503: the server is about to stop; nothing was accepted
	CodeStreams      = "streams"       // 503: too many streams of the status are open
)

// Problem is an answer other than 2xx, as RFC 9457 has it. As an error it is
// what [Client]'s methods return for such an answer.
type Problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Code   string  `json:"code,omitempty"`
	Errors []Fault `json:"errors,omitempty"` // fields at fault
	// RetryAfter is the header's value in seconds, 0 without one; it is not in
	// the body.
	RetryAfter int `json:"-"`
}

// Fault is one field at fault.
type Fault struct {
	Pointer string `json:"pointer"` // RFC 6901, from the body's root
	Detail  string `json:"detail"`
}

// Error gives the problem in one line.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", p.Status, http.StatusText(p.Status))
	if p.Code != "" {
		fmt.Fprintf(&b, " (%s)", p.Code)
	}
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for i, f := range p.Errors {
		if i == 3 {
			fmt.Fprintf(&b, "; and %d more", len(p.Errors)-i)
			break
		}
		fmt.Fprintf(&b, "; %s: %s", f.Pointer, f.Detail)
	}
	return printable(b.String())
}

// printable replaces control and escape characters, since a server's words may
// end on a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
