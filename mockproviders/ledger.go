package mockproviders

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// The ledger's bounds. Its memory stays under about 200 MB, whatever is sent.
const (
	// maxLedgerIDs is how many notifications are kept by id, about 100 bytes
	// each. What comes after them is counted alone.
	maxLedgerIDs = 1 << 20
	// maxRuns is how many load runs are kept; the least recently touched makes
	// room.
	maxRuns = 64
	// runIDs is how many notifications of one run are kept by id, too. A larger
	// run is kept by sequence alone.
	runIDs = 1 << 16
	// maxRepeats bounds the list of what came more than once.
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
	again     map[string][]sighting // the later acceptances of ids that came more than once
	repeats   int                   // how many those are
	runs      map[string]*run
	clock     uint64 // counts calls, for run.touched
	lossy     bool   // ids outside of runs were counted that were not kept
	evicted   bool   // a run was dropped
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
}

func (s sighting) send() Send { return Send{s.provider.String(), time.UnixMilli(s.at).UTC()} }

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
	l.repeats, l.lossy, l.evicted = 0, false, false
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
		id, ref := c.str(e.id), c.str(e.ref)
		r, sequence := l.runOf(ref, last)
		var here, anywhere bool
		switch {
		case r == nil:
			here, anywhere = l.recordID(p, id, ref, c.at)
		case r.total.Sends < runIDs:
			// Small runs are kept both ways: refs of their form are common, and
			// their ids are asked for.
			l.recordID(p, id, ref, c.at)
			here, anywhere = r.record(p, sequence, id)
		default:
			r.lossy = true
			here, anywhere = r.record(p, sequence, id)
		}
		if r != nil {
			last = r
		}
		l.providers[p].add(here)
		l.total.add(anywhere)
	}
}

// recordID keeps an acceptance by its id, and says whether it is the
// provider's first and anybody's first. Beyond its bound the ledger takes all
// for firsts.
func (l *Ledger) recordID(p provider, id, ref []byte, at time.Time) (here, anywhere bool) {
	first, seen := l.ids[string(id)]
	if !seen {
		if len(l.ids) >= maxLedgerIDs {
			l.lossy = true
			return true, true
		}
		both := string(id) + string(ref)
		l.ids[both[:len(id)]] = sighting{ref: both[len(id):], at: at.UnixMilli(), provider: p}
		return true, true
	}
	here = first.provider != p
	later := l.again[string(id)]
	for _, s := range later {
		here = here && s.provider != p
	}
	if l.repeats >= maxRepeats {
		l.lossy = true
		return here, false
	}
	l.repeats++
	l.again[string(id)] = append(later, sighting{at: at.UnixMilli(), provider: p})
	return here, false
}

// Totals is all that was accepted.
func (l *Ledger) Totals() Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := Totals{Total: l.total, Providers: make(map[string]Count, providerCount), Complete: !l.lossy && !l.evicted}
	for _, p := range providers() {
		t.Providers[p.String()] = l.providers[p]
	}
	return t
}

// Lookup is what is known of an id. One that was never accepted has no sends.
func (l *Ledger) Lookup(id string) Sends {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Sends{ID: id, Sends: []Send{}, Complete: !l.lossy}
	for _, r := range l.runs {
		s.Complete = s.Complete && !r.lossy
	}
	first, seen := l.ids[id]
	if !seen {
		return s
	}
	s.Ref = first.ref
	s.Sends = append(s.Sends, first.send())
	for _, later := range l.again[id] {
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
