package sequence

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// keyBytes is what a key counts, about.
const keyBytes = 96

// The times of keys in memory, where a test does not ask for others.
const (
	reservedFor = 30 * time.Second // until the deadline of a reservation
	answeredFor = time.Hour
)

// keyDisk is a store of keys in memory that outlives processes.
type keyDisk struct {
	mu    sync.Mutex
	keys  map[pipeline.KeyHash]*keyRow
	limit int // of keys; 0 is none

	reserved, answered time.Duration
}

type keyRow struct {
	body    pipeline.BodyHash
	stamp   pipeline.Stamp
	kind    pipeline.StandingKind // the holder's
	holder  Holder
	until   time.Time // the deadline of the holder, or of the answer
	done    bool
	results []pipeline.Result
}

func newKeyDisk() *keyDisk {
	return &keyDisk{keys: map[pipeline.KeyHash]*keyRow{}, reserved: reservedFor, answered: answeredFor}
}

// memoryKeys is a process's way to the keys.
type memoryKeys struct {
	*process
	disk *keyDisk
}

func (k *memoryKeys) Reserve(ctx context.Context, h Holder, claims []pipeline.Claim) (standings []pipeline.Standing, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
	}
	err = k.step("reserve", pipeline.ErrUnavailable, func() error {
		standings, err = k.disk.reserve(h, claims)
		return err
	})
	return standings, err
}

func (d *keyDisk) reserve(h Holder, claims []pipeline.Claim) ([]pipeline.Standing, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limit > 0 && len(d.keys) >= d.limit {
		return nil, fmt.Errorf("%w: of %d keys", pipeline.ErrFull, len(d.keys))
	}
	now := time.Now()
	standings := make([]pipeline.Standing, len(claims))
	for i := range claims {
		c := &claims[i]
		row := d.keys[c.Key]
		switch {
		case row == nil, row.done && !row.until.After(now):
			standings[i] = pipeline.Standing{Kind: pipeline.Fresh, Stamp: c.Stamp}
		case !row.done && row.holder == h && row.body == c.Body && row.until.After(now):
			standings[i] = pipeline.Standing{Kind: row.kind, Stamp: row.stamp}
		case !row.done && row.until.After(now):
			return nil, &pipeline.ClaimError{Claim: i, Err: pipeline.ErrRunning}
		case row.body != c.Body:
			return nil, &pipeline.ClaimError{Claim: i, Err: pipeline.ErrConflict}
		case row.done:
			standings[i] = pipeline.Standing{Kind: pipeline.Replayed, Stamp: row.stamp, Results: row.results}
		default:
			standings[i] = pipeline.Standing{Kind: pipeline.Resumed, Stamp: row.stamp}
		}
	}
	for i, s := range standings {
		if s.Kind != pipeline.Replayed {
			d.keys[claims[i].Key] = &keyRow{body: claims[i].Body, stamp: s.Stamp, kind: s.Kind, holder: h, until: now.Add(d.reserved)}
		}
	}
	return standings, nil
}

// ours gives the row of a claim, if the holder has it.
func (d *keyDisk) ours(h Holder, c *pipeline.Claim) *keyRow {
	if row := d.keys[c.Key]; row != nil && !row.done && row.holder == h {
		return row
	}
	return nil
}

func (k *memoryKeys) Done(_ context.Context, h Holder, claims []pipeline.Claim, standings []pipeline.Standing, results [][]pipeline.Result) error {
	return k.step("done", pipeline.ErrUnavailable, func() error {
		k.disk.mu.Lock()
		defer k.disk.mu.Unlock()
		for i := range claims {
			if k.disk.keys[claims[i].Key] == nil || k.disk.ours(h, &claims[i]) != nil {
				k.disk.keys[claims[i].Key] = &keyRow{body: claims[i].Body, stamp: standings[i].Stamp, done: true, results: results[i], until: time.Now().Add(k.disk.answered)}
			}
		}
		return nil
	})
}

func (k *memoryKeys) Release(_ context.Context, h Holder, claims []pipeline.Claim, standings []pipeline.Standing) error {
	return k.step("release", pipeline.ErrUnavailable, func() error {
		k.disk.mu.Lock()
		defer k.disk.mu.Unlock()
		for i := range claims {
			switch row := k.disk.ours(h, &claims[i]); {
			case row == nil:
			case standings[i].Kind == pipeline.Resumed:
				row.until = time.Time{}
			default:
				delete(k.disk.keys, claims[i].Key)
			}
		}
		return nil
	})
}

func (k *memoryKeys) Yield(_ context.Context, h Holder, claims []pipeline.Claim) error {
	return k.step("yield", pipeline.ErrUnavailable, func() error {
		k.disk.mu.Lock()
		defer k.disk.mu.Unlock()
		for i := range claims {
			if row := k.disk.ours(h, &claims[i]); row != nil {
				row.until = time.Time{}
			}
		}
		return nil
	})
}
