package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// notification answers GET /v1/notifications/{id}.
func (g *Gateway) notification(w http.ResponseWriter, r *http.Request) {
	notFound := problem(http.StatusNotFound, api.CodeNotFound, "no such notification")
	id, err := g.cfg.IDs.Parse(r.PathValue("id"))
	if err != nil {
		writeProblem(w, notFound)
		return
	}
	entries, err := g.cfg.History.ByID(r.Context(), []pipeline.ID{id})
	if err != nil {
		g.failed(w, r, "look up a notification", err)
		return
	}
	if len(entries) != 1 {
		panic("BUG: the history gave " + strconv.Itoa(len(entries)) + " entries for one id")
	}
	if entries[0].State == 0 {
		writeProblem(w, notFound)
		return
	}
	writeJSON(w, http.StatusOK, entryOf(&entries[0]))
}

// entryOf is the wire form of a history entry.
func entryOf(e *pipeline.Entry) api.Entry {
	out := api.Entry{
		ID:         e.ID.String(),
		Ref:        e.Ref,
		UserID:     e.UserID,
		Channel:    e.ID.Channel().String(),
		Priority:   e.ID.Priority().String(),
		State:      e.State.String(),
		AcceptedAt: e.ID.Time().UTC(),
		Reason:     e.Reason,
		Attempts:   make([]api.Attempt, len(e.Attempts)),
	}
	if !e.EndedAt.IsZero() {
		out.EndedAt = e.EndedAt.UTC()
	}
	if !e.ReplayOf.IsZero() {
		out.ReplayOf = e.ReplayOf.String()
	}
	for i, a := range e.Attempts {
		out.Attempts[i] = api.Attempt{Provider: a.Provider, At: a.At.UTC(), Result: a.Class.String(), Error: a.Error}
	}
	return out
}

// runOutcomes answers GET /v1/runs/{run}/outcomes.
func (g *Gateway) runOutcomes(w http.ResponseWriter, r *http.Request) {
	run := r.PathValue("run")
	outcomes, err := g.cfg.History.RunOutcomes(r.Context(), run)
	if errors.Is(err, pipeline.ErrUnknownRun) {
		writeProblem(w, problem(http.StatusNotFound, api.CodeNotFound, "no outcomes of such a run; the last "+strconv.Itoa(pipeline.MaxRuns)+" are kept"))
		return
	}
	if err != nil {
		g.failed(w, r, "read a run's outcomes", err)
		return
	}
	out := api.RunOutcomes{Run: run, Outcomes: make(map[string]*roaring.Bitmap, len(outcomes))}
	for state, sequences := range outcomes {
		out.Outcomes[state.String()] = sequences
	}
	writeJSON(w, http.StatusOK, out)
}

// status answers GET /v1/status.
func (g *Gateway) status(w http.ResponseWriter, r *http.Request) {
	s, err := g.snapshot(r.Context())
	if err != nil {
		g.failed(w, r, "take a snapshot", err)
		return
	}
	writeJSON(w, http.StatusOK, s)
}

// snapshot takes the status, with what the gateway itself knows.
func (g *Gateway) snapshot(ctx context.Context) (api.Status, error) {
	s, err := g.cfg.Status(ctx)
	if err != nil {
		return s, err
	}
	s.Ready = g.Readiness(ctx).Status == statusReady
	s.Draining = g.draining.Load()
	return s, nil
}

// failed answers for a store that did not, and logs why.
func (g *Gateway) failed(w http.ResponseWriter, r *http.Request, doing string, err error) {
	if r.Context().Err() == nil {
		g.cfg.Logger.WarnContext(r.Context(), "a store failed", "request_id", w.(*answer).id, "doing", doing, "error", err)
	}
	writeProblem(w, problem(http.StatusServiceUnavailable, api.CodeUnavailable, "could not "+doing+": a store does not answer"))
}

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, status int, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		panic("BUG: an answer that is no JSON: " + err.Error())
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(data)))
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data) // a client that is gone needs no answer
}
