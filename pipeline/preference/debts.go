package preference

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// maxDebts bounds the keys that are owed, some 20 MB. Of what is beyond it
	// L2 and the other services may believe what was before until they forget it.
	maxDebts = 100_000
	// payEvery is how often it is tried to pay, and paySlice how many keys at a
	// time.
	payEvery = time.Second
	paySlice = 1000
)

// debts are the keys of changes that L2 or the other services could not be told
// of. L2 may hold what was before, and longer than this process's own cache
// holds what is now: so lookups pass it over for these keys, and it is told
// again and again until it has heard.
type debts struct {
	mu     sync.Mutex
	keys   map[pipeline.PreferenceKey]int64 // by the version up to which what L2 holds is old
	paying bool
	closed bool
	done   sync.WaitGroup
}

// among says which of some keys are owed; nil when none is.
func (d *debts) among(keys []pipeline.PreferenceKey) (owed []bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.keys) == 0 {
		return nil
	}
	owed = make([]bool, len(keys))
	for i, key := range keys {
		_, owed[i] = d.keys[key]
	}
	return owed
}

// some gives up to paySlice of what is owed.
func (d *debts) some() map[pipeline.PreferenceKey]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	some := make(map[pipeline.PreferenceKey]int64, min(len(d.keys), paySlice))
	for key, version := range d.keys {
		if some[key] = version; len(some) == paySlice {
			break
		}
	}
	return some
}

// settle takes off what was paid, unless more is owed by now, and says whether
// that was all. Then nobody pays any more.
func (d *debts) settle(paid map[pipeline.PreferenceKey]int64) (all bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, version := range paid {
		if d.keys[key] == version {
			delete(d.keys, key)
		}
	}
	d.paying = len(d.keys) > 0
	return !d.paying
}

// close has nobody pay any more.
func (d *debts) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.done.Wait()
}

// owe notes keys of which L2 may hold what is old, up to a version, or of which
// the other services were not told.
func (s *Service) owe(keys []pipeline.PreferenceKey, version int64) {
	d := &s.debts
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	if d.keys == nil {
		d.keys = map[pipeline.PreferenceKey]int64{}
	}
	for _, key := range keys {
		old, known := d.keys[key]
		if !known {
			if len(d.keys) == maxDebts {
				continue
			}
			key.UserID = strings.Clone(key.UserID) // it may be a part of a whole request
		}
		// Each change is a debt of its own: what pays for the one before is not
		// to settle it.
		d.keys[key] = max(version, old+1)
	}
	if !d.paying {
		d.paying = true
		d.done.Go(s.pay)
	}
}

// pay pays at intervals until nothing is owed.
func (s *Service) pay() {
	ticker := time.NewTicker(payEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.closing.Done():
			return
		}
		some := s.debts.some()
		if s.paySome(s.closing, some) == nil && s.debts.settle(some) {
			return
		}
	}
}

// paySome puts what the store has of some keys into L2, and tells the other
// services of them.
func (s *Service) paySome(ctx context.Context, owed map[pipeline.PreferenceKey]int64) error {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	keys := make([]pipeline.PreferenceKey, 0, len(owed))
	for key := range owed {
		keys = append(keys, key)
	}
	s.refresh.Lock()
	err := s.refill(ctx, keys, owed)
	s.refresh.Unlock()
	if err != nil || s.bus == nil {
		return err
	}
	return s.bus.Publish(ctx, s.invalidations(keys))
}

// refill puts what the store has of keys into L2, and takes out of it what the
// store has not.
func (s *Service) refill(ctx context.Context, keys []pipeline.PreferenceKey, owed map[pipeline.PreferenceKey]int64) error {
	current, err := s.shards.Read(ctx, keys)
	if err != nil {
		return err
	}
	var rows []*pipeline.Preference
	var gone []pipeline.PreferenceKey
	var version int64
	for i, p := range current {
		if p.Version > 0 {
			rows = append(rows, p)
			continue
		}
		gone, version = append(gone, keys[i]), max(version, owed[keys[i]])
	}
	if len(rows) > 0 {
		if err := s.l2.Set(ctx, rows); err != nil {
			return err
		}
	}
	if len(gone) > 0 {
		return s.l2.Invalidate(ctx, gone, version)
	}
	return nil
}
