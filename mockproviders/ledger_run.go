package mockproviders

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/cespare/xxhash/v2"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// run is what was accepted of one load run.
type run struct {
	name     string
	touched  uint64 // when it last received something, on the ledger's clock
	total    Count
	provider [providerCount]runProvider
	repeats  map[uint32]*Repeat
	lossy    bool // not all its ids are kept by id
	clipped  bool // not all its repeats are kept, or it was dropped before
}

type runProvider struct {
	count  Count
	bitmap *roaring.Bitmap // the sequences accepted; nil for none
}

// Run is what was accepted of a load run.
type Run struct {
	Run       string
	Total     Count
	Providers map[string]RunProvider
	// Repeats lists what was accepted more than once, by sequence.
	Repeats []Repeat
	// Complete says that nothing of the run was forgotten to make room, nor any
	// of its repeats.
	Complete bool
}

// RunProvider is what one provider accepted of a load run.
type RunProvider struct {
	Count
	Sequences *roaring.Bitmap // those accepted at least once
}

// Repeat is a notification of a load run that was accepted more than once.
type Repeat struct {
	Sequence uint32 `json:"sequence"`
	ID       string `json:"id"`
	Sends    uint64 `json:"sends"`
}

// Sequences are those that any provider accepted.
func (r Run) Sequences() *roaring.Bitmap {
	all := roaring.New()
	for _, p := range r.Providers {
		if p.Sequences != nil {
			all.Or(p.Sequences)
		}
	}
	return all
}

// runOf finds the run that a ref belongs to, or none. Most entries of a call
// belong to the run of the one before, last.
func (l *Ledger) runOf(ref []byte, last *run) (*run, uint32) {
	name, sequence, ok := catalog.ParseRunRef(ref)
	if !ok {
		return nil, 0
	}
	if last != nil && last.name == string(name) {
		return last, sequence
	}
	r, ok := l.runs[string(name)]
	if !ok {
		r = l.openRun(string(name))
	}
	r.touched = l.clock
	return r, sequence
}

// openRun begins a run and makes room for it. A small run, whose ids are all
// kept, goes before a large one; else the least recently touched.
func (l *Ledger) openRun(name string) *run {
	if len(l.runs) >= maxRuns {
		var out *run
		for _, r := range l.runs {
			if out == nil || cmp.Or(
				cmp.Compare(large(r), large(out)),
				cmp.Compare(r.touched, out.touched)) < 0 {
				out = r
			}
		}
		l.dropRun(out)
	}
	r := &run{name: name, repeats: map[uint32]*Repeat{}, clipped: l.wasDropped(name)}
	l.runs[name] = r
	return r
}

// dropRun forgets a run but for its name. Duplicates of a small one are still
// found by their ids.
func (l *Ledger) dropRun(r *run) {
	delete(l.runs, r.name)
	l.listed -= len(r.repeats)
	l.lossy = l.lossy || r.lossy
	if len(l.dropped) >= maxDropped {
		l.forgot = true
		return
	}
	l.dropped[xxhash.Sum64String(r.name)] = struct{}{}
}

// wasDropped says whether a run may have been kept before.
func (l *Ledger) wasDropped(name string) bool {
	_, dropped := l.dropped[xxhash.Sum64String(name)]
	return dropped || l.forgot
}

func large(r *run) int {
	if r.lossy {
		return 1
	}
	return 0
}

// optimizeEvery is how many sequences a provider accepts between two passes
// that turn full stretches of its bitmap into ranges, so that a day's run stays
// as small as its gaps.
const optimizeEvery = 1 << 21

// recordRun counts an acceptance of a run, and says whether it is the
// provider's first and anybody's first.
func (l *Ledger) recordRun(r *run, p provider, sequence uint32, id []byte) firsts {
	own := &r.provider[p]
	if own.bitmap == nil {
		own.bitmap = roaring.New()
	}
	here := own.bitmap.CheckedAdd(sequence)
	anywhere := here
	for other := range r.provider {
		if b := r.provider[other].bitmap; provider(other) != p && b != nil && b.Contains(sequence) {
			anywhere = false
		}
	}
	own.count.add(here)
	r.total.add(anywhere)
	if here && own.count.Unique%optimizeEvery == 0 {
		own.bitmap.RunOptimize()
	}
	if !anywhere {
		l.listRepeat(r, sequence, id)
	}
	return firsts{here, anywhere}
}

// listRepeat keeps what came more than once, while there is room.
func (l *Ledger) listRepeat(r *run, sequence uint32, id []byte) {
	known, ok := r.repeats[sequence]
	switch {
	case ok:
		known.Sends++
	case l.listed < maxRepeats:
		l.listed++
		r.repeats[sequence] = &Repeat{Sequence: sequence, ID: string(id), Sends: 2}
	default:
		r.clipped = true
	}
}

// Run is what was accepted of a load run. The bitmaps are the caller's own.
func (l *Ledger) Run(name string) Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := Run{Run: name, Providers: map[string]RunProvider{}, Repeats: []Repeat{}, Complete: !l.wasDropped(name)}
	r, ok := l.runs[name]
	if !ok {
		return out
	}
	out.Total, out.Complete = r.total, !r.clipped
	for _, p := range providers() {
		own := &r.provider[p]
		if own.bitmap == nil {
			continue
		}
		own.bitmap.RunOptimize()
		out.Providers[p.String()] = RunProvider{Count: own.count, Sequences: own.bitmap.Clone()}
	}
	for _, repeat := range r.repeats {
		out.Repeats = append(out.Repeats, *repeat)
	}
	slices.SortFunc(out.Repeats, func(a, b Repeat) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return out
}
