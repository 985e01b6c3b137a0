package pebble

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/notifyctl/notifyctl/pipeline"
)

// keyBytes is about what an idempotency key takes on the disk, its share of
// filters and indexes included.
const keyBytes = 96

// runningKeys is the set of idempotency keys whose first request has not
// ended. Its lock is held alone.
type runningKeys struct {
	mu      sync.Mutex
	running map[pipeline.KeyHash]struct{}
	// count is how many done keys are kept, and generations lists the filters of
	// those that hold any, newest first: a look-up asks no others.
	count       atomic.Int64
	generations atomic.Pointer[[]*keyFilter]
}

// take adds all of the claims' keys, or none and the index of one that runs.
func (r *runningKeys) take(claims []pipeline.Claim) (busy int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range claims {
		if _, taken := r.running[claims[i].Key]; taken {
			return i, false
		}
	}
	for i := range claims {
		r.running[claims[i].Key] = struct{}{}
	}
	return 0, true
}

func (r *runningKeys) free(keys []pipeline.KeyHash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range keys {
		delete(r.running, k)
	}
}

// reservation holds a request's keys until it ends.
type reservation struct {
	store     *Store
	claims    []pipeline.Claim
	standings []pipeline.Standing
	held      []pipeline.KeyHash // fresh keys, in the running set
}

// Reserve looks the keys up and marks the fresh ones as running. The running
// set comes first: a key that ends between the two is then found done.
func (s *Store) Reserve(ctx context.Context, claims []pipeline.Claim) (pipeline.Reservation, error) {
	if err := s.admit(len(claims)); err != nil {
		return nil, err
	}
	r := &reservation{store: s, claims: claims}
	if len(claims) == 0 {
		return r, nil
	}
	if busy, ok := s.keys.take(claims); !ok {
		return nil, &pipeline.ClaimError{Claim: busy, Err: pipeline.ErrRunning}
	}
	r.held = make([]pipeline.KeyHash, len(claims))
	for i := range claims {
		r.held[i] = claims[i].Key
	}
	if err := r.lookUp(ctx); err != nil {
		r.Release()
		return nil, err
	}
	return r, nil
}

// admit refuses when a limit is reached, before anything is reserved.
func (s *Store) admit(claims int) error {
	s.mu.Lock()
	queued := s.queuedBytes()
	s.mu.Unlock()
	if limit := s.cfg.QueueBytes; limit > 0 && queued >= limit {
		return fmt.Errorf("%w: about %d bytes are queued, and the limit is %d", pipeline.ErrFull, queued, limit)
	}
	if free := s.disk.free(s.now()); free < uint64(s.cfg.MinFreeBytes) {
		return fmt.Errorf("%w: %d bytes are left on the disk of %s", pipeline.ErrFull, free, s.cfg.Dir)
	}
	if s.retention.full.Load() {
		return fmt.Errorf("%w: history takes about %d bytes, its limit is %d, and no day of it may be dropped yet", pipeline.ErrFull, s.history.Load(), s.cfg.HistoryBytes)
	}
	if limit := s.cfg.IdempotencyBytes; claims > 0 && limit > 0 && s.keys.count.Load()*keyBytes >= limit {
		return fmt.Errorf("%w: %d idempotency keys take all of their %d bytes", pipeline.ErrFull, s.keys.count.Load(), limit)
	}
	return nil
}

// Space tells what is compared with the limits.
func (s *Store) Space() []pipeline.Space {
	s.mu.Lock()
	queued := s.queuedBytes()
	s.mu.Unlock()
	return []pipeline.Space{
		{Part: pipeline.QueueSpace, Bytes: queued, Limit: s.cfg.QueueBytes},
		{Part: pipeline.HistorySpace, Bytes: s.history.Load(), Limit: s.cfg.HistoryBytes},
		{Part: pipeline.IdempotencySpace, Bytes: s.keys.count.Load() * keyBytes, Limit: s.cfg.IdempotencyBytes},
	}
}

// lookUp finds the claims that were answered before, and frees their keys.
func (r *reservation) lookUp(ctx context.Context) error {
	r.standings = make([]pipeline.Standing, len(r.claims))
	var fresh, answered []pipeline.KeyHash
	for i := range r.claims {
		if err := ctx.Err(); err != nil {
			return err
		}
		answer, found, err := r.store.answer(r.claims[i].Key)
		if err != nil {
			return fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
		}
		if !found {
			r.standings[i] = pipeline.Standing{Kind: pipeline.Fresh, Stamp: r.claims[i].Stamp}
			fresh = append(fresh, r.claims[i].Key)
			continue
		}
		if answer.body != r.claims[i].Body {
			return &pipeline.ClaimError{Claim: i, Err: pipeline.ErrConflict}
		}
		r.standings[i] = pipeline.Standing{Kind: pipeline.Replayed, Stamp: answer.stamp, Results: answer.results}
		answered = append(answered, r.claims[i].Key)
	}
	// The answered keys need no owner.
	r.store.keys.free(answered)
	r.held = fresh
	return nil
}

// Standing is what became of each claim.
func (r *reservation) Standing() []pipeline.Standing { return r.standings }

// Release frees the keys that are still held.
func (r *reservation) Release() {
	r.store.keys.free(r.held)
	r.held = nil
}

// Commit joins the next group commit, and returns when it is synced.
func (r *reservation) Commit(ctx context.Context, admissions []pipeline.Admission) error {
	defer r.Release()
	replays, err := r.store.replays(admissions)
	if err != nil {
		return fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
	}
	err = r.store.submitRows(ctx, func(g *group) {
		r.build(g, admissions)
		for _, replayed := range replays {
			g.setLetter(replayed.of, replayed.value)
		}
	}, nil)
	if err != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
	}
	return err
}

func (r *reservation) build(g *group, admissions []pipeline.Admission) {
	s := r.store
	perLane := len(s.lanes[0].partitions)
	answers := make([]answer, len(r.claims))
	for i := range admissions {
		a := &admissions[i]
		g.w.account.Accepted++
		if a.State.Terminal() {
			g.endAtIngest(a)
		} else {
			g.enqueue(laneNumber(a.Queue())*perLane+partitionOf(a.ID, perLane), &a.Record)
		}
		if a.Claim >= 0 {
			answers[a.Claim].results = append(answers[a.Claim].results, a.Result)
		}
	}
	generation := generationOf(s.now())
	for i := range r.claims {
		if r.standings[i].Kind != pipeline.Fresh {
			continue
		}
		answers[i].body, answers[i].stamp = r.claims[i].Body, r.standings[i].Stamp
		g.scratch = appendAnswer(g.scratch[:0], &answers[i])
		g.set(idempotencyKey(generation, r.claims[i].Key), g.scratch)
		g.w.addKey(generation, r.claims[i].Key)
		g.keysChanged = true
	}
}

// endAtIngest writes the row of an admission that has ended.
func (g *group) endAtIngest(a *pipeline.Admission) {
	g.ended(a.State, a.Ref)
	if g.w.store.erasures.covers(a.UserID, a.ID) {
		g.scratch = appendErasedRow(g.scratch[:0], a.State)
		g.setRow(a.ID, g.scratch)
		return
	}
	g.scratch = appendIngestRow(g.scratch[:0], a)
	g.setRow(a.ID, g.scratch)
	if a.State == pipeline.Dead {
		g.scratch = appendDeadRecord(g.scratch[:0], &a.Record, a.Reason)
		g.setLetter(a.ID, g.scratch)
	}
}

// answer is what a key's first request was told: the ids are remade from the
// stamp and the body.
type answer struct {
	body    pipeline.BodyHash
	stamp   pipeline.Stamp
	results []pipeline.Result
}

// appendAnswer appends an answer.
func appendAnswer(b []byte, a *answer) []byte {
	b = append(b, a.body[:]...)
	return pipeline.AppendResults(pipeline.AppendStamp(b, a.stamp), a.results)
}

var errBadAnswer = errors.New("bytes are not an idempotency key's answer")

func decodeAnswer(value string) (answer, error) {
	d := pipeline.NewDecoder(value)
	var a answer
	copy(a.body[:], d.Take(len(a.body)))
	a.stamp = d.Stamp()
	a.results = d.Results()
	if d.Failed() {
		return answer{}, errBadAnswer
	}
	return a, nil
}

// answer looks a key up in the generations that hold any, newest first.
func (s *Store) answer(key pipeline.KeyHash) (answer, bool, error) {
	now := s.now()
	oldest := generationOf(now.Add(-s.cfg.KeyTTL))
	for _, f := range *s.keys.generations.Load() {
		if f.generation < oldest {
			break
		}
		if !f.mayHold(key) {
			continue
		}
		value, found, err := s.get(idempotencyKey(f.generation, key))
		if err != nil {
			return answer{}, false, err
		}
		if !found {
			continue
		}
		a, err := decodeAnswer(value)
		if err != nil {
			return answer{}, false, err
		}
		// A generation holds keys up to its span older than the rest of it.
		return a, now.Sub(a.stamp.At) < s.cfg.KeyTTL, nil
	}
	return answer{}, false, nil
}
