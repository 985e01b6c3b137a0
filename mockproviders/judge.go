package mockproviders

import (
	"bytes"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

// judge applies a fault script to calls. Its decisions follow from the seed, a
// fault's place in the script, and the number of the call or the notification's
// name and attempt: the same seed gives the same faults again.
type judge struct {
	seed    uint64
	script  Script
	began   time.Time
	numbers []atomic.Uint64 // calls that a fault judged, one a fault

	mu       sync.Mutex
	attempts map[attemptKey]uint32 // attempts that a fault judged and let fail
}

// attemptKey names a notification under a fault. Names are hashed, so that an
// endless run of attempts takes a bounded memory.
type attemptKey struct {
	name  uint64
	fault uint32
}

// maxAttemptKeys bounds the notifications whose attempts are counted. Beyond
// it, a notification counts as being past its first attempts.
const maxAttemptKeys = 1 << 20

func newJudge(seed uint64, script Script, began time.Time) *judge {
	return &judge{
		seed: seed, script: script, began: began,
		numbers: make([]atomic.Uint64, len(script.Faults)), attempts: map[attemptKey]uint32{},
	}
}

// verdict is what happens to a call beside what its entries' refusals say.
type verdict struct {
	kind  FaultKind // empty, or what happens instead of an answer
	no    *refusal  // of kind outage or status
	delay time.Duration
	drip  time.Duration
}

// judge decides on a call, and refuses the entries that a fault alone concerns.
func (j *judge) judge(w wire, c *call) verdict {
	var v verdict
	since := c.at.Sub(j.began)
	for i := range j.script.Faults {
		f := &j.script.Faults[i]
		if !f.active(since) || f.Provider != "" && f.Provider != w.provider().String() {
			continue
		}
		if f.byEntry() {
			j.judgeEntries(i, f, w, c, &v)
			continue
		}
		number := j.numbers[i].Add(1)
		switch {
		case !j.chance(f, uint64(i), number):
		case f.Kind == PartialBatch:
			j.refuseSome(f, w, c, uint64(i), number)
		default:
			v.add(f, w)
		}
	}
	return v
}

func (f *Fault) active(since time.Duration) bool {
	began := since - time.Duration(f.At)
	return began >= 0 && (f.For == 0 || began < time.Duration(f.For))
}

// add lets a fault act on the whole call. The first that answers in place of
// the provider stands.
func (v *verdict) add(f *Fault, w wire) {
	switch f.Kind {
	case Slow:
		v.delay += time.Duration(f.Delay)
	case Drip:
		v.drip = max(v.drip, time.Duration(f.Delay))
	default:
		if v.kind == "" {
			v.kind = f.Kind
			if status := f.status(); status != 0 {
				v.no = f.refusal(w)
			}
		}
	}
}

func (f *Fault) refusal(w wire) *refusal {
	no := w.refusal(f.status(), f.Code)
	no.retryAfter = time.Duration(f.RetryAfter)
	return no
}

// refuseSome refuses a share of a call's entries, at least one and not all. The
// seed and the call's number say which.
func (j *judge) refuseSome(f *Fault, w wire, c *call, at, number uint64) {
	n := len(c.entries)
	if n < 2 {
		return
	}
	share := f.Share
	if share == 0 {
		share = 0.5
	}
	refused := min(n-1, max(1, int(math.Round(share*float64(n)))))
	no := f.refusal(w)
	random := rand.New(rand.NewPCG(mix(j.seed+at), number))
	for _, i := range random.Perm(n)[:refused] {
		c.entries[i].refuse(no)
	}
}

func (j *judge) judgeEntries(at int, f *Fault, w wire, c *call, v *verdict) {
	hit := false
	for i := range c.entries {
		e := &c.entries[i]
		if e.refused != nil || !fits(f.To, c.str(e.to)) || !fits(f.Template, c.str(e.template)) || !j.strikes(at, f, c, e) {
			continue
		}
		hit = true
		if f.status() != 0 {
			e.refuse(f.refusal(w))
		}
	}
	if hit && f.status() == 0 {
		v.add(f, w)
	}
}

// fits says whether a text is one of those that a pattern stands for. An empty
// pattern stands for all.
func fits(pattern string, text []byte) bool {
	if pattern == "" {
		return true
	}
	rest := []byte(pattern)
	rest, before := bytes.CutPrefix(rest, []byte("*"))
	rest, after := bytes.CutSuffix(rest, []byte("*"))
	switch {
	case before && after:
		return bytes.Contains(text, rest)
	case before:
		return bytes.HasSuffix(text, rest)
	case after:
		return bytes.HasPrefix(text, rest)
	}
	return bytes.Equal(text, rest)
}

// strikes decides on one notification, by its ref, which runs repeat, or its
// id. What it lets fail is counted, so that its next attempt is judged anew.
func (j *judge) strikes(at int, f *Fault, c *call, e *entry) bool {
	name := c.str(e.ref)
	if len(name) == 0 {
		name = c.str(e.id)
	}
	key := attemptKey{name: xxhash.Sum64(name), fault: uint32(at)}
	j.mu.Lock()
	defer j.mu.Unlock()
	attempt, known := j.attempts[key]
	if f.Attempts > 0 && (int64(attempt) >= int64(f.Attempts) || !known && len(j.attempts) >= maxAttemptKeys) {
		return false
	}
	if !j.chance(f, uint64(at), mix(key.name)^uint64(attempt)) {
		if f.Attempts == 0 {
			delete(j.attempts, key)
		}
		return false
	}
	if known || len(j.attempts) < maxAttemptKeys {
		j.attempts[key] = attempt + 1
	}
	return true
}

// chance draws from the seed whether a fault shows.
func (j *judge) chance(f *Fault, at, number uint64) bool {
	if f.Rate == nil {
		return true
	}
	// 53 bits fill a float64 in [0, 1) evenly.
	draw := float64(mix(mix(j.seed+at)^number)>>11) / (1 << 53)
	return draw < *f.Rate
}
