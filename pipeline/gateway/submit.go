package gateway

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// MaxBody is the most bytes of a request's body.
const MaxBody = 4 << 20

// maxPassedOver bounds what is read for nothing of a body that is too large.
const maxPassedOver = 4 * MaxBody

// submit answers POST /v1/notifications.
func (g *Gateway) submit(w http.ResponseWriter, r *http.Request) {
	if g.draining.Load() {
		writeProblem(w, draining(w))
		return
	}
	key, p := idempotencyKey(r)
	if p != nil {
		writeProblem(w, p)
		return
	}
	data, done, p := g.admitBody(w, r)
	if p != nil {
		writeProblem(w, p)
		return
	}
	defer done()
	b, err := decodeBody(data)
	if err != nil {
		writeProblem(w, undecodable(err))
		return
	}
	a := w.(*answer)
	b.Client, b.Key = a.key.name, key
	g.submitted(w, len(b.Notifications))
	receipts, refusal, why := g.accept(r, &b, a)
	if refusal != nil {
		g.cfg.Observer.Refused(why, len(b.Notifications))
		writeProblem(w, refusal)
		return
	}
	writeResults(a, receipts)
}

// draining makes the answer of a server that takes nothing more.
func draining(w http.ResponseWriter) *api.Problem {
	w.Header().Set("Connection", "close")
	return problem(http.StatusServiceUnavailable, api.CodeDraining, "the server is about to stop; nothing was accepted")
}

// accept hands a decoded body to ingest, unless it is refused as a whole.
func (g *Gateway) accept(r *http.Request, b *body, a *answer) ([]pipeline.Receipt, *api.Problem, telemetry.Refusal) {
	// The call itself was counted as one.
	if p := a.key.limit.limited(max(0, len(b.Notifications)-1)); p != nil {
		return nil, p, telemetry.RefusedRate
	}
	if !a.key.allows(ScopeSendTo) && slices.ContainsFunc(b.Notifications, func(n pipeline.Notification) bool { return n.To != "" }) {
		return nil, a.key.require(ScopeSendTo), telemetry.RefusedInvalid
	}
	if b.Key != "" {
		for i, key := range b.Keys {
			if key != "" {
				b.Faults = append(b.Faults, pipeline.Fault{Entry: i, Field: "idempotency_key", Detail: "a key on an entry beside the Idempotency-Key of the request"})
			}
		}
	}
	if len(b.root) > 0 {
		return nil, b.invalid(append(b.root, b.Faults...)), telemetry.RefusedInvalid
	}
	receipts, err := g.cfg.Ingester.Accept(r.Context(), b.Submission)
	if err != nil {
		p, why := b.refusal(err)
		if p.Status >= 500 {
			// The cause may name hosts and files: it is for the log alone.
			g.cfg.Logger.WarnContext(r.Context(), "a submission failed", "request_id", a.id[0], "code", p.Code, "error", err)
		}
		return nil, p, why
	}
	if len(receipts) != len(b.Notifications) || len(b.Faults) > 0 {
		panic(fmt.Sprintf("BUG: %d receipts for %d notifications with %d faults", len(receipts), len(b.Notifications), len(b.Faults)))
	}
	return receipts, nil, 0
}

// idempotencyKey reads the header.
func idempotencyKey(r *http.Request) (string, *api.Problem) {
	values := r.Header["Idempotency-Key"]
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || !validKey(values[0]) {
		return "", problem(http.StatusUnprocessableEntity, api.CodeInvalid, "the header Idempotency-Key: "+keyWanted)
	}
	return values[0], nil
}

// admitBody reads a request's body once there is a place for it. Without a
// problem the caller gives the place back by done.
func (g *Gateway) admitBody(w http.ResponseWriter, r *http.Request) (data []byte, done func(), p *api.Problem) {
	if p := checkBodyHeaders(r); p != nil {
		return nil, nil, p
	}
	if r.ContentLength > MaxBody {
		return nil, nil, g.tooLarge(w, r)
	}
	taken := r.ContentLength
	if taken < 0 { // chunked: as much as may come
		taken = MaxBody
	}
	if !g.admission.enter(taken) {
		return nil, nil, problem(http.StatusServiceUnavailable, api.CodeAdmission, "too much is in progress; nothing was accepted")
	}
	if data, p = g.readBody(w, r); p != nil {
		g.admission.leave(taken)
		return nil, nil, p
	}
	size := int64(len(data))
	g.admission.shrink(taken - size)
	return data, func() { g.admission.leave(size) }, nil
}

// checkBodyHeaders refuses a body for what its headers say of it.
func checkBodyHeaders(r *http.Request) *api.Problem {
	if !isJSON(r.Header.Get("Content-Type")) {
		return problem(http.StatusUnsupportedMediaType, api.CodeMediaType, "want Content-Type: application/json, in UTF-8")
	}
	if r.Header.Get("Content-Encoding") != "" {
		return problem(http.StatusUnsupportedMediaType, api.CodeMediaType, "want a body without Content-Encoding")
	}
	return nil
}

// isJSON says whether a Content-Type is JSON in its only encoding.
func isJSON(contentType string) bool {
	if contentType == "application/json" { // nearly always
		return true
	}
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	charset, given := parameters["charset"]
	return err == nil && mediaType == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}

// tooLarge refuses a body for its size. What is left of it is read first,
// within bounds: most clients write the whole of a body before they read, and a
// connection that is reset meanwhile would be all they see. A client that waits
// for leave to write (Expect) gets the answer in its place.
func (g *Gateway) tooLarge(w http.ResponseWriter, r *http.Request) *api.Problem {
	w.Header().Set("Connection", "close")
	if r.Header.Get("Expect") == "" && r.ContentLength <= maxPassedOver {
		// Without the deadline the server's bound of a whole request holds.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.cfg.BodyTimeout))
		_, _ = io.CopyN(io.Discard, r.Body, maxPassedOver) // the answer is the same
	}
	return problem(http.StatusRequestEntityTooLarge, api.CodeTooLarge, fmt.Sprintf("a body has at most %d bytes", MaxBody))
}

// readBody reads the body into memory of its own, in time.
func (g *Gateway) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *api.Problem) {
	deadline := http.NewResponseController(w)
	if err := deadline.SetReadDeadline(time.Now().Add(g.cfg.BodyTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, problem(http.StatusBadRequest, api.CodeMalformed, "the connection broke")
	}
	var data []byte
	var err error
	if r.ContentLength >= 0 {
		data = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, data)
	} else {
		data, err = io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, problem(http.StatusRequestTimeout, api.CodeTimeout, fmt.Sprintf("the body took longer than %v", g.cfg.BodyTimeout))
	case err != nil:
		w.Header().Set("Connection", "close")
		return nil, problem(http.StatusBadRequest, api.CodeMalformed, "the body is cut short or wrongly framed")
	case len(data) > MaxBody:
		return nil, g.tooLarge(w, r)
	}
	// Without this the deadline would end the connection's watch for a client
	// that goes away, and with it the request's context.
	if err := deadline.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, problem(http.StatusBadRequest, api.CodeMalformed, "the connection broke")
	}
	return data, nil
}

// undecodable makes the answer to a body that did not decode.
func undecodable(err error) *api.Problem {
	if errors.Is(err, errTooMany) {
		return problem(http.StatusRequestEntityTooLarge, api.CodeTooLarge, err.Error())
	}
	return problem(http.StatusBadRequest, api.CodeMalformed, err.Error())
}

// writeResults answers 202.
func writeResults(a *answer, receipts []pipeline.Receipt) {
	out := make([]byte, 0, 16+64*len(receipts))
	out = append(out, `{"results":[`...)
	for i := range receipts {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendResult(out, &receipts[i])
	}
	out = append(out, "]}"...)
	a.contentType[0], a.contentLength[0] = "application/json", strconv.Itoa(len(out))
	header := a.Header()
	header["Content-Type"], header["Content-Length"] = a.contentType[:], a.contentLength[:]
	a.WriteHeader(http.StatusAccepted)
	_, _ = a.Write(out) // a client that is gone repeats the request
}

func appendResult(out []byte, r *pipeline.Receipt) []byte {
	out = append(out, `{"id":"`...)
	out = r.ID.AppendTo(out)
	out = append(out, `","status":"`...)
	if r.State == pipeline.Queued {
		out = append(out, "accepted"...)
	} else {
		out = append(out, r.State.String()...)
	}
	out = append(out, '"')
	if r.Reason != "" {
		reason := jx.Writer{Buf: append(out, `,"reason":`...)}
		reason.Str(r.Reason)
		out = reason.Buf
	}
	if r.Replayed {
		out = append(out, `,"replayed":true`...)
	}
	return append(out, '}')
}
