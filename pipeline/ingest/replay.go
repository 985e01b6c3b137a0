package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry/tracing"
)

// replaySpace is the client that claims the keys of dead letters. No API key
// has such a name.
const replaySpace = "\x00replay"

// Replay sends dead letters again. Its nil error is the promise behind a 202.
// Nothing was accepted after a *[pipeline.NotReplayableError], a
// *[pipeline.ClaimError], [pipeline.ErrFull] and [pipeline.ErrUnavailable];
// after [pipeline.ErrAmbiguous] some may be, and the same request resumes it.
//
// Every dead letter has a key of its own, made of its id, so that it is sent
// again once however often and by how many that is asked for. A new id follows
// from the key's stamp, and so does the whole answer from the stamp of the
// request's own key: nothing else is kept for a repetition.
func (g *Ingest) Replay(ctx context.Context, r pipeline.Replay) ([]pipeline.Replacement, error) {
	letters, err := g.choose(ctx, &r)
	if err != nil {
		return nil, err
	}
	// As many sequences as there can be letters, so that those of two requests
	// never overlap.
	stamp := pipeline.Stamp{At: g.cfg.Now(), First: g.cfg.IDs.Reserve(pipeline.MaxReplay)}
	var claims []pipeline.Claim
	if r.Key != "" {
		claims = append(claims, pipeline.Claim{
			Key: keyHash(r.Client, r.Key), Body: bodyHash(appendReplay(nil, &r)), Stamp: stamp, Entries: len(letters),
		})
	}
	own := len(claims) // before the letters' claims
	for i := range letters {
		claims = append(claims, pipeline.Claim{
			Key: keyHash(replaySpace, letters[i].ID.String()), Body: bodyHash(letters[i].ID[:]),
			Stamp: pipeline.Stamp{At: stamp.At, First: stamp.First + uint32(i)},
		})
	}
	ctx = g.cfg.Tracer.Accept(ctx)
	defer g.cfg.Tracer.End(ctx)
	reservation, err := g.cfg.Intake.Reserve(ctx, claims)
	g.cfg.Tracer.Done(ctx, tracing.Reserve)
	if err != nil {
		return nil, err
	}
	defer reservation.Release()
	standings := reservation.Standing()
	if own == 1 && standings[0].Kind == pipeline.Replayed {
		return g.replayedBefore(ctx, &r, standings[0])
	}
	replacements, fresh := g.replacements(letters, standings[own:])
	for i := range fresh {
		fresh[i].Claim = own - 1
	}
	if err := g.decide(ctx, newLists(fresh)); err != nil {
		return nil, err
	}
	if len(claims) > 0 {
		err := reservation.Commit(ctx, fresh)
		g.cfg.Tracer.Done(ctx, tracing.Commit)
		if err != nil {
			return nil, err
		}
	}
	g.observe(ctx, fresh)
	if replayed := len(replacements) - len(fresh); replayed > 0 {
		g.cfg.Observer.Replayed(replayed)
	}
	return replacements, nil
}

// replacements makes the new notifications of letters, and lists those that are
// still to be committed.
func (g *Ingest) replacements(letters []pipeline.DeadLetter, standings []pipeline.Standing) (all []pipeline.Replacement, fresh []pipeline.Admission) {
	all = make([]pipeline.Replacement, 0, len(letters))
	for i := range letters {
		letter := &letters[i]
		if letter.Record == nil { // replayed before its key was forgotten
			all = append(all, pipeline.Replacement{Dead: letter.ID, New: letter.ReplayedBy})
			continue
		}
		id := g.cfg.IDs.Make(standings[i].Stamp.At, &letter.Record.Notification, standings[i].Stamp.First)
		all = append(all, pipeline.Replacement{Dead: letter.ID, New: id})
		if standings[i].Kind == pipeline.Replayed {
			continue
		}
		fresh = append(fresh, pipeline.Admission{Record: pipeline.Record{
			ID: id, ReplayOf: letter.ID, Notification: letter.Record.Notification,
		}})
	}
	return all, fresh
}

// choose finds the dead letters that are asked for.
func (g *Ingest) choose(ctx context.Context, r *pipeline.Replay) ([]pipeline.DeadLetter, error) {
	ids := r.IDs
	byFilter := len(ids) == 0
	if byFilter {
		err := g.filtered(ctx, r, func(l *pipeline.DeadLetter) bool {
			if !l.ID.IsZero() && l.ReplayedBy.IsZero() {
				ids = append(ids, l.ID)
			}
			return len(ids) < pipeline.MaxReplay
		})
		if err != nil || len(ids) == 0 {
			return nil, err
		}
	}
	found, err := g.cfg.DeadLetters.DeadByID(ctx, ids)
	if err != nil {
		return nil, unavailable(err)
	}
	var letters []pipeline.DeadLetter
	for i := range found {
		detail := notReplayable(&found[i])
		switch {
		case detail == "":
			letters = append(letters, found[i])
		case !byFilter:
			return nil, &pipeline.NotReplayableError{Index: i, Detail: detail}
		}
	}
	return letters, nil
}

// notReplayable says why a dead letter cannot be sent again, or that it can by
// nothing.
func notReplayable(l *pipeline.DeadLetter) string {
	switch {
	case l.State == 0:
		return "no dead letter of this id"
	case l.Record == nil && l.ReplayedBy.IsZero():
		return "what the queue held is no notification, and cannot be sent again"
	}
	return ""
}

// filtered goes through the dead letters that a request's filter lets pass, the
// newest first, until visit gives false.
func (g *Ingest) filtered(ctx context.Context, r *pipeline.Replay, visit func(*pipeline.DeadLetter) bool) error {
	page := pipeline.Page{From: r.From, To: r.To, Limit: pipeline.MaxPage}
	for {
		letters, next, err := g.cfg.DeadLetters.Dead(ctx, r.Filter, page)
		if err != nil {
			return unavailable(err)
		}
		for i := range letters {
			if !visit(&letters[i]) {
				return nil
			}
		}
		if next == "" {
			return nil
		}
		page.After = next
	}
}

// replayedBefore gives the answer to the first request with the key again.
func (g *Ingest) replayedBefore(ctx context.Context, r *pipeline.Replay, first pipeline.Standing) ([]pipeline.Replacement, error) {
	all := []pipeline.Replacement{}
	if len(r.IDs) > 0 {
		letters, err := g.choose(ctx, r)
		if err != nil {
			return nil, err
		}
		for i := range letters {
			all = append(all, pipeline.Replacement{Dead: letters[i].ID, New: letters[i].ReplayedBy})
		}
	} else if len(first.Results) > 0 {
		err := g.filtered(ctx, r, func(l *pipeline.DeadLetter) bool {
			if madeUnder(l.ReplayedBy, first.Stamp) {
				all = append(all, pipeline.Replacement{Dead: l.ID, New: l.ReplayedBy})
			}
			return len(all) < len(first.Results)
		})
		if err != nil {
			return nil, err
		}
	}
	g.cfg.Observer.Replayed(len(all))
	return all, nil
}

// madeUnder says whether an id is one of a replay's request.
func madeUnder(id pipeline.ID, s pipeline.Stamp) bool {
	return !id.IsZero() && id.Time().UnixMilli() == s.At.UnixMilli() && (id.Sequence()-s.First)%pipeline.Sequences < pipeline.MaxReplay
}

// unavailable makes an error of the store one that says that nothing was
// written.
func unavailable(err error) error {
	if errors.Is(err, pipeline.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
}

// appendReplay appends the form of a request, by which two are the same.
func appendReplay(b []byte, r *pipeline.Replay) []byte {
	b = append(append(b, replaySpace...), byte(r.Filter.Channel))
	b = pipeline.AppendText(b, r.Filter.Reason)
	b = pipeline.AppendTime(pipeline.AppendTime(b, r.From), r.To)
	for _, id := range r.IDs {
		b = append(b, id[:]...)
	}
	return b
}
