package mockproviders

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
)

// The ledger's bounds. Its memory stays under about 300 MB, whatever is sent,
// beside the bitmaps of large runs: at most two bytes for each sequence sent,
// and next to nothing for stretches without gaps.
const (
	// maxLedgerIDs is how many notifications are kept by id, about 100 bytes
	// each, and maxLedgerText how many bytes their ids and refs take together.
	// What comes after them is counted alone.
	maxLedgerIDs  = 1 << 20
	maxLedgerText = 96 << 20
	// maxNameBytes is the longest id or ref that is kept as it is; a longer one
	// is kept as its hash.
	maxNameBytes = 256
	// maxRuns is how many load runs are kept; the least recently touched makes
	// room. Of maxDropped that did, the names are remembered, by hash.
	maxRuns    = 64
	maxDropped = 1 << 20
	// runIDs is how many notifications of one run are kept by id, too. A larger
	// run is kept by sequence alone.
	runIDs = 1 << 16
	// maxRepeats bounds what is listed of what came more than once: the
	// acceptances by id, and the notifications of all runs.
	maxRepeats = 1 << 17
)

// Ledger counts what the providers accepted, by id. A notification of a load
// run, whose ref reads run-sequence, is kept in a bitmap of its run; others are
// kept by id. It is safe for concurrent use; a whole call takes its lock once.
type Ledger struct {
	mu        sync.Mutex
	total     Count
	providers [providerCount]Count
	ids       map[string]sighting
	text      int                   // bytes of the ids and refs kept
	again     map[string][]sighting // the later acceptances of ids that came more than once
	repeats   int                   // how many those are
	runs      map[string]*run
	listed    int                 // notifications in the runs' lists of repeats
	clock     uint64              // counts calls, for run.touched
	lossy     bool                // ids that no bitmap holds were counted and not kept
	dropped   map[uint64]struct{} // hashes of the names of runs that made room
	forgot    bool                // not all of those are remembered
}

// Count counts acceptances.
type Count struct {
	Sends uint64 `json:"sends"`
	// Unique counts the notifications among them, Duplicates the acceptances
	// beyond the first of each: Sends = Unique + Duplicates.
	Unique     uint64 `json:"unique"`
	Duplicates uint64 `json:"duplicates"`
}

func (c *Count) add(fresh bool) {
	c.Sends++
	if fresh {
		c.Unique++
	} else {
		c.Duplicates++
	}
}

// Totals is all that was accepted, in total and by provider. A notification
// that two providers accepted is unique with each, and once a duplicate in the
// total.
type Totals struct {
	Total     Count            `json:"total"`
	Providers map[string]Count `json:"providers"`
	// Complete says that nothing was forgotten, so that no duplicate was missed.
	Complete bool `json:"complete"`
}

// Send is one acceptance.
type Send struct {
	Provider string    `json:"provider"`
	At       time.Time `json:"at"`
	// Event is what followed, where the mock plays it out: bounce, complaint,
	// suppressed or out_of_office.
	Event string `json:"event,omitempty"`
}

// Sends is what is known of one id.
type Sends struct {
	ID    string `json:"id"`
	Ref   string `json:"ref,omitempty"`
	Sends []Send `json:"sends"`
	// Complete says that every id is kept, so that none can be missing.
	Complete bool `json:"complete"`
}

// sighting is one acceptance of an id.
type sighting struct {
	ref      string // with the first
	at       int64  // Unix milliseconds
	provider provider
	event    event
	by       providerSet // with the first: all that accepted the id
}

// providerSet is a set of providers, a bit each.
type providerSet uint8

func (s providerSet) has(p provider) bool         { return s&(1<<p) != 0 }
func (s providerSet) with(p provider) providerSet { return s | 1<<p }

func (s sighting) send() Send {
	return Send{s.provider.String(), time.UnixMilli(s.at).UTC(), s.event.String()}
}

// NewLedger makes an empty ledger.
func NewLedger() *Ledger {
	l := &Ledger{}
	l.Reset()
	return l
}

// Reset starts over.
func (l *Ledger) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total, l.providers = Count{}, [providerCount]Count{}
	l.ids, l.again, l.runs = map[string]sighting{}, map[string][]sighting{}, map[string]*run{}
	l.text, l.repeats, l.listed = 0, 0, 0
	l.lossy, l.dropped, l.forgot = false, map[uint64]struct{}{}, false
}

// record counts the entries of a call that are not refused.
func (l *Ledger) record(p provider, c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock++
	var last *run
	for i := range c.entries {
		e := &c.entries[i]
		if e.refused != nil {
			continue
		}
		id, ref := bounded(c.str(e.id)), bounded(c.str(e.ref))
		r, sequence := l.runOf(ref, last)
		first := firsts{true, true}
		if r == nil || r.total.Sends < runIDs {
			// Small runs are kept both ways: refs of their form are common, and
			// their ids are asked for.
			byID, kept := l.recordID(id, ref, sighting{at: c.at.UnixMilli(), provider: p, event: e.event})
			first = byID
			switch {
			case kept:
			case r == nil:
				l.lossy = true
			default:
				r.lossy = true
			}
		} else {
			r.lossy = true
		}
		if r != nil {
			last = r
			first = first.and(l.recordRun(r, p, sequence, id))
		}
		l.providers[p].add(first.here)
		l.total.add(first.anywhere)
	}
}

// firsts says whether an acceptance is its provider's first of a notification,
// and anybody's.
type firsts struct{ here, anywhere bool }

func (f firsts) and(o firsts) firsts { return firsts{f.here && o.here, f.anywhere && o.anywhere} }

// bounded is a name as the ledger keeps it.
func bounded(name []byte) []byte {
	if len(name) <= maxNameBytes {
		return name
	}
	return appendHex([]byte("xxhash64:"), xxhash.Sum64(name))
}

// recordID keeps an acceptance by its id, or says that there is no room. What
// has no room is taken for a first.
func (l *Ledger) recordID(id, ref []byte, now sighting) (first firsts, kept bool) {
	seen, ok := l.ids[string(id)]
	if !ok {
		if len(l.ids) >= maxLedgerIDs || l.text+len(id)+len(ref) > maxLedgerText {
			return firsts{true, true}, false
		}
		l.text += len(id) + len(ref)
		both := string(id) + string(ref)
		now.ref, now.by = both[len(id):], now.by.with(now.provider)
		l.ids[both[:len(id)]] = now
		return firsts{true, true}, true
	}
	if first.here = !seen.by.has(now.provider); first.here {
		seen.by = seen.by.with(now.provider)
		l.ids[string(id)] = seen
	}
	if l.repeats >= maxRepeats {
		return first, false
	}
	l.repeats++
	l.again[string(id)] = append(l.again[string(id)], now)
	return first, true
}

// Totals is all that was accepted.
func (l *Ledger) Totals() Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := Totals{Total: l.total, Providers: make(map[string]Count, providerCount), Complete: !l.lossy}
	for _, p := range providers() {
		t.Providers[p.String()] = l.providers[p]
	}
	return t
}

// Lookup is what is known of an id. One that was never accepted has no sends.
func (l *Ledger) Lookup(id string) Sends {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := bounded([]byte(id))
	s := Sends{ID: id, Sends: []Send{}, Complete: !l.lossy}
	for _, r := range l.runs {
		s.Complete = s.Complete && !r.lossy
	}
	first, seen := l.ids[string(name)]
	if !seen {
		return s
	}
	s.Ref = first.ref
	s.Sends = append(s.Sends, first.send())
	for _, later := range l.again[string(name)] {
		s.Sends = append(s.Sends, later.send())
	}
	return s
}

// Duplicates lists the ids that were accepted more than once, in order.
func (l *Ledger) Duplicates() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	set := make(map[string]struct{}, len(l.again))
	for id := range l.again {
		set[id] = struct{}{}
	}
	for _, r := range l.runs {
		for _, repeat := range r.repeats {
			set[repeat.ID] = struct{}{}
		}
	}
	ids := slices.AppendSeq(make([]string, 0, len(set)), maps.Keys(set)) // an empty list, never null
	slices.Sort(ids)
	return ids
}
