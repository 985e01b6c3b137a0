package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// deadLetters answers GET /v1/deadletters.
func (g *Gateway) deadLetters(w http.ResponseWriter, r *http.Request) {
	q := newQuery(r, "channel", "reason", "from", "to", "limit", "cursor")
	filter := pipeline.DeadFilter{Channel: q.channel(), Reason: q.text("reason", maxReason)}
	page := q.page()
	if p := q.problem(); p != nil {
		writeProblem(w, p)
		return
	}
	letters, next, err := g.cfg.DeadLetters.Dead(r.Context(), filter, page)
	if errors.Is(err, pipeline.ErrBadCursor) {
		writeProblem(w, badCursor())
		return
	}
	if err != nil {
		g.failed(w, r, "list dead letters", err)
		return
	}
	out := api.DeadLetterList{DeadLetters: make([]api.DeadLetter, len(letters)), NextCursor: string(next)}
	for i := range letters {
		out.DeadLetters[i] = deadLetterOf(&letters[i])
	}
	writeJSON(w, http.StatusOK, out)
}

// deadLetterOf is the wire form of a dead letter.
func deadLetterOf(l *pipeline.DeadLetter) api.DeadLetter {
	out := api.DeadLetter{Entry: entryOf(&l.Entry)}
	// Bytes that were no record may not tell what stands in an id.
	out.Channel, out.Priority = l.Queue.Channel.String(), l.Queue.Priority.String()
	if l.ID.IsZero() {
		out.ID, out.AcceptedAt = "", time.Time{}
	}
	if !l.ReplayedBy.IsZero() {
		out.ReplayedBy = l.ReplayedBy.String()
	}
	return out
}

// replay answers POST /v1/deadletters/replay.
func (g *Gateway) replay(w http.ResponseWriter, r *http.Request) {
	if g.draining.Load() {
		writeProblem(w, draining(w))
		return
	}
	a := w.(*answer)
	key, p := idempotencyKey(r)
	if p != nil {
		writeProblem(w, p)
		return
	}
	request := pipeline.Replay{Client: a.key.name, Key: key}
	done, ok := g.document(w, r, func(data []byte) ([]pipeline.Fault, error) { return decodeReplay(data, g.cfg.IDs, &request) })
	if !ok {
		return
	}
	defer done()
	// The call itself was counted as one. By filter the most it may choose is.
	most := len(request.IDs)
	if most == 0 {
		most = pipeline.MaxReplay
	}
	if p := a.key.limit.limited(most - 1); p != nil {
		writeProblem(w, p)
		return
	}
	replacements, err := g.cfg.Replayer.Replay(r.Context(), request)
	if err != nil {
		writeProblem(w, g.unreplayed(r, a, err))
		return
	}
	g.submitted(w, len(replacements))
	out := api.Replays{Results: make([]api.Replay, len(replacements))}
	for i, made := range replacements {
		out.Results[i] = api.Replay{ID: made.Dead.String(), ReplayID: made.New.String()}
	}
	writeJSON(w, http.StatusAccepted, out)
}

// unreplayed makes the answer to a replay that was not accepted.
func (g *Gateway) unreplayed(r *http.Request, a *answer, err error) *api.Problem {
	if not, ok := errors.AsType[*pipeline.NotReplayableError](err); ok {
		return faulty([]pipeline.Fault{{Entry: -1, Field: at("ids", not.Index), Detail: not.Detail}})
	}
	p, _ := (&body{}).refusal(err)
	if p.Status >= 500 {
		g.cfg.Logger.WarnContext(r.Context(), "a replay failed", "request_id", a.id[0], "code", p.Code, "error", err)
	}
	return p
}

// decodeReplay reads {"ids": [...]} or {"filter": {...}}. An error is a
// *malformedError or errTooMany.
func decodeReplay(data []byte, ids pipeline.IDKey, into *pipeline.Replay) ([]pipeline.Fault, error) {
	var d document
	var listed, filtered bool
	isObject, err := d.read(data, func(name string) error {
		switch name {
		case "ids":
			listed = true
			return d.idsInto(ids, &into.IDs)
		case "filter":
			filtered = true
			return d.filterInto(into)
		}
		return d.unknown(name)
	})
	if err != nil {
		return nil, err
	}
	if isObject && listed == filtered {
		d.fault("", "want ids or filter, one of them")
	}
	return d.faults, nil
}

// idsInto reads a list of our ids, none of them twice.
func (d *document) idsInto(key pipeline.IDKey, into *[]pipeline.ID) error {
	first := map[pipeline.ID]int{}
	isList, err := d.list("ids", func(i int) error {
		if i == pipeline.MaxReplay {
			return errTooMany
		}
		value, detail, err := d.text()
		if err != nil || detail != "" {
			d.fault(at("ids", i), detail)
			return err
		}
		id, err := key.Parse(value)
		if err != nil {
			d.fault(at("ids", i), "no dead letter of this id")
			return nil
		}
		if before, twice := first[id]; twice {
			d.fault(at("ids", i), fmt.Sprintf("stands at %d already", before))
			return nil
		}
		first[id] = i
		*into = append(*into, id)
		return nil
	})
	if err == nil && isList && len(first) == 0 && len(d.faults) == 0 {
		d.fault("ids", "want at least one id")
	}
	return err
}

// filterInto reads which dead letters are chosen. An empty filter is all.
func (d *document) filterInto(into *pipeline.Replay) error {
	_, err := d.object("filter", func(name string) error {
		field := "filter/" + escape(name)
		var value string
		switch name {
		case "channel", "reason", "from", "to":
			faults := len(d.faults)
			if err := d.textInto(field, &value); err != nil || len(d.faults) > faults {
				return err
			}
		default:
			d.fault(field, "unknown field")
			return d.skip(2)
		}
		ok, detail := true, ""
		switch name {
		case "channel":
			into.Filter.Channel, ok = pipeline.ParseChannel(value)
			detail = "want push, email or sms"
		case "reason":
			into.Filter.Reason, ok = value, value != "" && len(value) <= maxReason
			detail = fmt.Sprintf("want 1 to %d bytes", maxReason)
		case "from":
			into.From, ok = parseTime(value)
			detail = timeWanted
		case "to":
			into.To, ok = parseTime(value)
			detail = timeWanted
		}
		if !ok {
			d.fault(field, detail)
		}
		return nil
	})
	if err == nil && !into.From.IsZero() && !into.To.IsZero() && !into.From.Before(into.To) {
		d.fault("filter/from", "is not before to")
	}
	return err
}
