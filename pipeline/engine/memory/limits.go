package memory

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// limitShards is how many locks the users' counters are divided over.
	limitShards = 64
	// userBytes is what a counter takes of the map that holds it (measured:
	// 19 to 38, by how full the map is).
	userBytes = 40
)

// Limits counts in the process. It is a [pipeline.Limits] that never fails and
// forgets everything with its process. It is bounded: users for whom there is no
// room on a day are not limited on it.
type Limits struct {
	seed    maphash.Seed
	perPart int // counters of a part
	parts   [limitShards]limitPart
}

// limitPart has the counters of some users, of one day.
type limitPart struct {
	mu  sync.Mutex
	day int64 // since 1970
	// taken counts by a hash under a secret of the process, so that nobody can
	// make another's id collide with his own; 64 bits make it improbable that
	// it happens by itself (10 million users: 3 in a million).
	taken map[uint64]int64
}

// NewLimits makes counters that take about so many bytes at most.
func NewLimits(maxBytes uint64) *Limits {
	return &Limits{seed: maphash.MakeSeed(), perPart: int(max(1, maxBytes/userBytes/limitShards))}
}

// TakeDaily takes a token for each key. It never fails.
func (l *Limits) TakeDaily(_ context.Context, at time.Time, keys []pipeline.PreferenceKey, limits pipeline.DailyLimits, granted []bool) error {
	day := dayOf(at)
	for i, key := range keys {
		h := maphash.Comparable(l.seed, key)
		granted[i] = l.parts[h%limitShards].take(day, h, limits.Of(key.Channel), l.perPart)
	}
	return nil
}

func dayOf(at time.Time) int64 { return at.Unix() / (24 * 60 * 60) }

func (p *limitPart) take(day int64, user uint64, limit int64, most int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if day > p.day || p.taken == nil {
		p.day, p.taken = day, map[uint64]int64{}
	}
	taken, known := p.taken[user]
	if taken >= limit {
		return false
	}
	if known || len(p.taken) < most {
		p.taken[user] = taken + 1
	}
	return true
}

// ReturnDaily gives tokens back. It never fails.
func (l *Limits) ReturnDaily(_ context.Context, at time.Time, keys []pipeline.PreferenceKey) error {
	day := dayOf(at)
	for _, key := range keys {
		h := maphash.Comparable(l.seed, key)
		l.parts[h%limitShards].giveBack(day, h)
	}
	return nil
}

func (p *limitPart) giveBack(day int64, user uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch taken := p.taken[user]; {
	case day < p.day || taken == 0:
	case taken == 1:
		delete(p.taken, user)
	default:
		p.taken[user] = taken - 1
	}
}

// Users is how many users' counters of the last day are held.
func (l *Limits) Users() int {
	n := 0
	for i := range l.parts {
		p := &l.parts[i]
		p.mu.Lock()
		n += len(p.taken)
		p.mu.Unlock()
	}
	return n
}
