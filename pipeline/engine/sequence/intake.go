package sequence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// The times of an intake. A store of keys gives a reservation longer than all of
// them together, so that nobody resumes what goes on.
const (
	// commitTime bounds a commit: the client waits no longer.
	commitTime = 10 * time.Second
	// keyTime bounds what is done to keys when a reservation ends.
	keyTime = 2 * time.Second
	// promptness is how old a reservation may be when its commit begins. An
	// older one may have been resumed by another, after a pause of this process:
	// what it commits is to be checked.
	promptness = 5 * time.Second
)

// reservation holds a request's keys until it ends. It has one user.
type reservation struct {
	store     *Store
	holder    Holder
	standings []pipeline.Standing // of all claims
	since     time.Time
	// held are the claims that are ours, of indexes heldAt among all.
	held          []pipeline.Claim
	heldAt        []int
	heldStandings []pipeline.Standing
	ended         bool // the keys are not ours to free
}

// Reserve takes the keys of a request. Without claims it asks nobody.
func (s *Store) Reserve(ctx context.Context, claims []pipeline.Claim) (pipeline.Reservation, error) {
	if err := s.log.Admit(); err != nil {
		return nil, err
	}
	r := &reservation{store: s, since: s.now(), ended: len(claims) == 0}
	if len(claims) == 0 {
		return r, nil
	}
	_, _ = rand.Read(r.holder[:]) // it never fails
	standings, err := s.keys.Reserve(ctx, r.holder, claims)
	if err != nil {
		var refused *pipeline.ClaimError
		if !errors.As(err, &refused) && !errors.Is(err, pipeline.ErrFull) {
			// Perhaps they are ours, and nobody else would get them until their
			// deadline. Which were resumed is not known: all become resumable.
			s.atKeys(ctx, "give up", func(ctx context.Context) error { return s.keys.Yield(ctx, r.holder, claims) })
		}
		return nil, err
	}
	r.standings = standings
	for i := range standings {
		if standings[i].Kind != pipeline.Replayed {
			r.held, r.heldAt, r.heldStandings = append(r.held, claims[i]), append(r.heldAt, i), append(r.heldStandings, standings[i])
		}
	}
	r.ended = len(r.held) == 0
	return r, nil
}

// atKeys does something to keys that is worth one try: their deadline does the
// rest. It is done even when ctx has ended.
func (s *Store) atKeys(ctx context.Context, what string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTime)
	defer cancel()
	if err := do(ctx); err != nil {
		s.slog.Warn("idempotency keys stay reserved until their deadline", slog.String("failed", what), slog.Any("error", err))
	}
}

// Standing is what became of each claim.
func (r *reservation) Standing() []pipeline.Standing { return r.standings }

// Release frees the keys that are still ours, unless something may have been
// written under them.
func (r *reservation) Release() {
	if r.ended {
		return
	}
	r.ended = true
	r.store.atKeys(context.Background(), "release", func(ctx context.Context) error {
		return r.store.keys.Release(ctx, r.holder, r.held, r.heldStandings)
	})
}

// yield lets the next request with the keys go on where this one ends.
func (r *reservation) yield(ctx context.Context) {
	if len(r.held) > 0 {
		r.store.atKeys(ctx, "give up", func(ctx context.Context) error { return r.store.keys.Yield(ctx, r.holder, r.held) })
	}
}

// Commit appends the records, notes what was replayed at the dead letters, and
// answers the keys. Once it has begun it does not end with ctx.
func (r *reservation) Commit(ctx context.Context, admissions []pipeline.Admission) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	held := !r.ended
	r.ended = true // from here on something may be written, also if this panics
	err := r.store.log.Append(ctx, r.entries(admissions))
	if errors.Is(err, pipeline.ErrFull) || errors.Is(err, pipeline.ErrUnavailable) {
		r.ended = !held // nothing was: Release frees
		return err
	}
	if err == nil {
		err = r.finish(ctx, admissions)
	}
	if err == nil {
		return nil
	}
	r.yield(ctx)
	if errors.Is(err, pipeline.ErrAmbiguous) {
		return err
	}
	return fmt.Errorf("%w: %w", pipeline.ErrAmbiguous, err)
}

// finish does what follows the append, whose records will be delivered whatever
// comes of it.
func (r *reservation) finish(ctx context.Context, admissions []pipeline.Admission) error {
	var replacements []pipeline.Replacement
	for i := range admissions {
		if dead := admissions[i].ReplayOf; !dead.IsZero() {
			replacements = append(replacements, pipeline.Replacement{Dead: dead, New: admissions[i].ID})
		}
	}
	if len(replacements) > 0 {
		err := r.store.persist(ctx, "history", func(ctx context.Context) error { return r.store.rows.Replayed(ctx, replacements) })
		if err != nil {
			return err
		}
	}
	if len(r.held) == 0 {
		return nil
	}
	results := r.results(admissions)
	return r.store.persist(ctx, "idempotency keys", func(ctx context.Context) error {
		return r.store.keys.Done(ctx, r.holder, r.held, r.heldStandings, results)
	})
}

// entries are the admissions as the log takes them. What a request may have
// queued before is to be checked.
func (r *reservation) entries(admissions []pipeline.Admission) []pipeline.LogEntry {
	late := len(r.held) > 0 && r.store.now().Sub(r.since) > promptness
	entries := make([]pipeline.LogEntry, len(admissions))
	for i := range admissions {
		a := &admissions[i]
		resumed := a.Claim >= 0 && r.standings[a.Claim].Kind == pipeline.Resumed
		entries[i] = pipeline.LogEntry{Record: a.Record, Result: a.Result, Check: resumed || late && a.Claim >= 0}
	}
	return entries
}

// results are the answers of the keys that are held, in the order of the
// admissions.
func (r *reservation) results(admissions []pipeline.Admission) [][]pipeline.Result {
	all := make([][]pipeline.Result, len(r.standings))
	for i := range admissions {
		if c := admissions[i].Claim; c >= 0 {
			all[c] = append(all[c], admissions[i].Result)
		}
	}
	held := make([][]pipeline.Result, len(r.held))
	for i, at := range r.heldAt {
		held[i] = all[at]
	}
	return held
}
