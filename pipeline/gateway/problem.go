package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// retryAfter is what a refused client is asked to wait, in seconds. What makes
// the system refuse passes in less than one, or in far more than one would ask
// for.
const retryAfter = 1

// problem makes an answer other than 2xx.
func problem(status int, code, detail string) *api.Problem {
	p := &api.Problem{
		// The codes are documented with the interface; there is no page for
		// each, and then RFC 9457 wants this.
		Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail,
	}
	if status == http.StatusServiceUnavailable {
		p.RetryAfter = retryAfter
	}
	return p
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, p *api.Problem) {
	data, err := json.Marshal(p)
	if err != nil {
		panic("BUG: a problem that is no JSON: " + err.Error())
	}
	header := w.Header()
	header.Set("Content-Type", api.ProblemType)
	header.Set("Content-Length", strconv.Itoa(len(data)))
	if p.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", challenge)
	}
	if p.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(data) // a client that is gone needs no answer
}

// pointer is where a fault lies, from the body's root.
func (b *body) pointer(f pipeline.Fault) string {
	prefix := ""
	if f.Entry >= 0 && b.list {
		prefix = "/notifications/" + strconv.Itoa(f.Entry)
	}
	if f.Field == "" {
		return prefix
	}
	return prefix + "/" + f.Field
}

// invalid makes the 422 of faults. Of several of one field the first stands.
func (b *body) invalid(faults []pipeline.Fault) *api.Problem {
	p := problem(http.StatusUnprocessableEntity, api.CodeInvalid, "")
	named := make(map[string]bool, len(faults))
	for _, f := range faults {
		at := b.pointer(f)
		if named[at] {
			continue
		}
		named[at] = true
		if len(p.Errors) < maxFaults {
			p.Errors = append(p.Errors, api.Fault{Pointer: at, Detail: f.Detail})
		}
	}
	switch n := len(named); {
	case n > len(p.Errors):
		p.Detail = fmt.Sprintf("%d faults, the first %d are listed; nothing was accepted", n, len(p.Errors))
	case n == 1:
		p.Detail = "1 fault; nothing was accepted"
	default:
		p.Detail = fmt.Sprintf("%d faults; nothing was accepted", n)
	}
	return p
}

// refusal makes the answer to a submission that ingest did not accept.
func (b *body) refusal(err error) (*api.Problem, telemetry.Refusal) {
	if invalid, ok := errors.AsType[*pipeline.InvalidError](err); ok {
		return b.invalid(invalid.Faults), telemetry.RefusedInvalid
	}
	switch {
	case errors.Is(err, pipeline.ErrConflict):
		p := problem(http.StatusUnprocessableEntity, api.CodeConflict, "the idempotency key was used before with another body; nothing was accepted")
		p.Errors = b.claimed(err, "was used before with another body")
		return p, telemetry.RefusedConflict
	case errors.Is(err, pipeline.ErrRunning):
		p := problem(http.StatusConflict, api.CodeRunning, "the first request with the idempotency key has not ended; repeat this one later")
		p.Errors = b.claimed(err, "the first request with this key has not ended")
		return p, telemetry.RefusedRunning
	case errors.Is(err, pipeline.ErrAmbiguous):
		return problem(http.StatusServiceUnavailable, api.CodeAmbiguous,
			"the commit began and its end is unknown: some entries may be queued; repeat the request with the same idempotency keys"), telemetry.RefusedAmbiguous
	case errors.Is(err, pipeline.ErrFull):
		return problem(http.StatusServiceUnavailable, api.CodeAdmission, "the system holds all that it can; nothing was accepted"), telemetry.RefusedAdmission
	case errors.Is(err, pipeline.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusServiceUnavailable, api.CodeUnavailable, "a store does not answer; nothing was accepted"), telemetry.RefusedUnavailable
	}
	return problem(http.StatusInternalServerError, api.CodeInternal, "an unexpected error; the server's log has it under the X-Request-Id"), telemetry.RefusedInternal
}

// claimed points at the key that was refused, where it stands in the body.
func (b *body) claimed(err error, detail string) []api.Fault {
	claim, ok := errors.AsType[*pipeline.ClaimError](err)
	if !ok || b.Key != "" {
		return nil // the key is in the header
	}
	nth := 0
	for i, key := range b.Keys {
		if key == "" {
			continue
		}
		if nth == claim.Claim {
			return []api.Fault{{Pointer: b.pointer(pipeline.Fault{Entry: i, Field: "idempotency_key"}), Detail: detail}}
		}
		nth++
	}
	return nil
}
