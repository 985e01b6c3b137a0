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

// reservedFor is how long the keys of a reservation are its holder's.
const reservedFor = 30 * time.Second

// keyDisk is a store of keys in memory that outlives processes.
type keyDisk struct {
	mu    sync.Mutex
	keys  map[pipeline.KeyHash]*keyRow
	limit int // of keys; 0 is none
}

type keyRow struct {
	body    pipeline.BodyHash
	stamp   pipeline.Stamp
	holder  Holder
	until   time.Time // the deadline of the holder
	done    bool
	results []pipeline.Result
}

func newKeyDisk() *keyDisk { return &keyDisk{keys: map[pipeline.KeyHash]*keyRow{}} }

// memoryKeys is a process's way to the keys.
type memoryKeys struct {
	*process
	disk *keyDisk
}

func (k *memoryKeys) Reserve(_ context.Context, h Holder, claims []pipeline.Claim) (standings []pipeline.Standing, err error) {
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
		case row == nil:
			standings[i] = pipeline.Standing{Kind: pipeline.Fresh, Stamp: c.Stamp}
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
			d.keys[claims[i].Key] = &keyRow{body: claims[i].Body, stamp: s.Stamp, holder: h, until: now.Add(reservedFor)}
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
				k.disk.keys[claims[i].Key] = &keyRow{body: claims[i].Body, stamp: standings[i].Stamp, done: true, results: results[i]}
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
