package preference

import (
	"context"
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// flights lets lookups that ask the store for the same key at once share one
// read.
type flights struct {
	mu    sync.Mutex
	seats map[pipeline.PreferenceKey]seat
}

// flight is a read under way. What it found is there once it is done.
type flight struct {
	done  chan struct{}
	found []*pipeline.Preference
	err   error
}

// seat is a key's place in a flight.
type seat struct {
	*flight
	at   int
	mark int64 // of the key, when the flight began
}

// boarding is how the keys of one lookup travel.
type boarding struct {
	own    *flight
	keys   []pipeline.PreferenceKey // that the own flight reads
	at     []int                    // where they belong among the lookup's
	joined map[int]seat             // the others, by where they belong
}

// board finds a flight for each key: one under way that sees what this lookup
// must see, as no change has begun since it did; else its own.
func (f *flights) board(keys []pipeline.PreferenceKey, marks []int64) boarding {
	b := boarding{own: &flight{done: make(chan struct{})}}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, key := range keys {
		s, flying := f.seats[key]
		if flying && marks[i] != overlapped && s.mark == marks[i] {
			if b.joined == nil {
				b.joined = map[int]seat{}
			}
			b.joined[i] = s
			continue
		}
		if !flying && marks[i] != overlapped {
			if f.seats == nil {
				f.seats = map[pipeline.PreferenceKey]seat{}
			}
			f.seats[key] = seat{b.own, len(b.keys), marks[i]}
		}
		b.keys, b.at = append(b.keys, key), append(b.at, i)
	}
	return b
}

// land ends a flight: its passengers have their answer, and nobody joins any
// more.
func (f *flights) land(b *boarding, found []*pipeline.Preference, err error) {
	b.own.found, b.own.err = found, err
	f.mu.Lock()
	for _, key := range b.keys {
		if f.seats[key].flight == b.own {
			delete(f.seats, key)
		}
	}
	f.mu.Unlock()
	close(b.own.done)
}

// read reads keys that no cache has, each once for all lookups that ask for it
// now. A failed read, or one whose lookup was given up, fails no other: those
// read again.
func (f *flights) read(ctx context.Context, keys []pipeline.PreferenceKey, marks []int64, read func(context.Context, []pipeline.PreferenceKey) ([]*pipeline.Preference, error)) ([]*pipeline.Preference, error) {
	b := f.board(keys, marks)
	out := make([]*pipeline.Preference, len(keys))
	if len(b.keys) > 0 {
		found, err := read(ctx, b.keys)
		f.land(&b, found, err)
		if err != nil {
			return nil, err
		}
		for i, p := range found {
			out[b.at[i]] = p
		}
	}
	var failed []pipeline.PreferenceKey
	var at []int
	for i, s := range b.joined {
		select {
		case <-s.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if s.err != nil {
			failed, at = append(failed, keys[i]), append(at, i)
			continue
		}
		out[i] = s.found[s.at]
	}
	if len(failed) == 0 {
		return out, nil
	}
	found, err := read(ctx, failed)
	if err != nil {
		return nil, err
	}
	for i, p := range found {
		out[at[i]] = p
	}
	return out, nil
}
