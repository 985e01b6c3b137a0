package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cespare/xxhash/v2"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Part says which part of a load a run sends, and when it begins. The zero value
// is all of it, at once.
//
// The shards of a run are processes, mostly on machines of their own, that load
// one system together. They agree on the run's name without talking to each
// other, since it follows from what all of them are given; the time of the start
// makes it one that was not used before.
type Part struct {
	Shard   *Shard    // nil for all of it
	StartAt time.Time // when the load begins; zero is as soon as the system is met
}

// startGrace is how long after its time a load may still begin: requests that
// are late by then are within what is sent late rather than dropped.
const startGrace = time.Second

// A LateStartError says that the time at which a load was to begin is over.
type LateStartError struct {
	At   time.Time
	Late time.Duration
}

// Error says by how much, and what to do.
func (e *LateStartError) Error() string {
	return fmt.Sprintf("the load was to begin at %s, which was %v ago; start it again with a time far enough ahead for every shard to be ready, such as half a minute",
		e.At.UTC().Format(time.RFC3339), e.Late.Round(100*time.Millisecond))
}

// check refuses a part that cannot be sent.
func (p *Part) check(now time.Time) error {
	if p.Shard != nil && p.StartAt.IsZero() {
		return fmt.Errorf("shard %d of %d: shards begin together, and need the time at which they do", p.Shard.Index, p.Shard.Of)
	}
	return p.late(now)
}

// late refuses a start that is over.
func (p *Part) late(now time.Time) error {
	if late := now.Sub(p.StartAt); !p.StartAt.IsZero() && late > startGrace {
		return &LateStartError{At: p.StartAt, Late: late}
	}
	return nil
}

// leads says whether what a run does once, and not by request, is this part's to
// do: the first shard does it for all.
func (p *Part) leads() bool { return p.Shard == nil || p.Shard.Index == 1 }

// of gives the schedule of the part.
func (p *Part) of(whole *load.Schedule) (*load.Schedule, error) {
	if p.Shard == nil {
		return whole, nil
	}
	return whole.Shard(p.Shard.Index, p.Shard.Of)
}

// left is how long it is until the start, 0 when it is over, and at most as long
// as said.
func (p *Part) left(atMost time.Duration) time.Duration {
	if p.StartAt.IsZero() {
		return atMost
	}
	return min(max(time.Until(p.StartAt), 0), atMost)
}

// await waits for the start.
func (p *Part) await(ctx context.Context) error {
	if p.StartAt.IsZero() {
		return nil
	}
	if err := p.late(time.Now()); err != nil {
		return err
	}
	timer := time.NewTimer(time.Until(p.StartAt))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runName names a run. One that is whole gets a name that is unique over
// processes and restarts, as idempotency keys and ledgers want it; that of a
// shard follows from all that the shards of a run have in common.
func runName(o *Options, stages []Stage) (string, error) {
	if o.Part.Shard == nil {
		return "run" + strconv.FormatInt(time.Now().UnixMilli(), 36) + strconv.FormatUint(rand.Uint64N(36*36*36*36), 36), nil
	}
	plan, err := o.Plan.Hash()
	if err != nil {
		return "", err
	}
	common, err := json.Marshal([]any{
		o.Scenario.Name, stages, plan, o.Scale, o.Batch, o.Users, o.Keys, o.Seed,
		o.Part.Shard.Of, o.Part.StartAt.UnixMilli(),
	})
	if err != nil {
		return "", fmt.Errorf("name the run: %w", err)
	}
	return "run" + strconv.FormatInt(o.Part.StartAt.UnixMilli(), 36) + strconv.FormatUint(xxhash.Sum64(common), 36), nil
}

// sequencesOf gives the sequences of the notifications that a schedule sends.
func sequencesOf(s *load.Schedule, batch int) *roaring.Bitmap {
	own := roaring.New()
	for slot := range s.Slots() {
		first := s.Number(slot) * uint64(batch)
		own.AddRange(first, first+uint64(batch))
	}
	own.RunOptimize()
	return own
}

// restrict leaves in the books what is about the sequences of a shard.
func (b *books) restrict(own *roaring.Bitmap) {
	for outcome, sequences := range b.outcomes {
		b.outcomes[outcome] = roaring.And(sequences, own)
	}
	if b.ledger == nil {
		return
	}
	ledger := *b.ledger
	ledger.Providers = map[string]mockproviders.RunProvider{}
	for name, p := range b.ledger.Providers {
		if p.Sequences != nil {
			p.Sequences = roaring.And(p.Sequences, own)
		}
		ledger.Providers[name] = p
	}
	ledger.Total = mockproviders.Count{Unique: ledger.Sequences().GetCardinality()}
	ledger.Repeats = nil
	for _, r := range b.ledger.Repeats {
		if own.Contains(r.Sequence) {
			ledger.Repeats = append(ledger.Repeats, r)
			ledger.Total.Duplicates += r.Sends - 1
		}
	}
	ledger.Total.Sends = ledger.Total.Unique + ledger.Total.Duplicates
	b.ledger = &ledger
}
