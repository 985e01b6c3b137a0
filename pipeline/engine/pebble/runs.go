package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// runs holds the outcomes of load runs in memory, so that a run's account is
// answered without a scan of the history. Each commit also writes what it
// brought, so a restart finds them again.
type runs struct {
	mu     sync.Mutex
	byName map[string]*runBitmaps
}

type runBitmaps struct {
	outcomes pipeline.RunOutcomes
	touched  uint64 // the commit that last brought an outcome
}

// runOutcome is the outcome of one notification of a load run.
type runOutcome struct {
	run      string
	sequence uint32
	state    pipeline.State
}

// noteOutcome keeps an outcome for its load run, if its ref is of one.
func (g *group) noteOutcome(state pipeline.State, ref string) {
	if run, sequence, ok := catalog.ParseRunRef(ref); ok {
		g.outcomes = append(g.outcomes, runOutcome{run, sequence, state})
	}
}

// writeOutcomes writes the commit's outcomes, a value a run, and makes room
// for a run that is new.
func (g *group) writeOutcomes() {
	// Nearly always they are of one run, and in order.
	slices.SortFunc(g.outcomes, func(a, b runOutcome) int { return strings.Compare(a.run, b.run) })
	for rest := g.outcomes; len(rest) > 0; {
		run := rest[0].run
		n := 1
		for n < len(rest) && rest[n].run == run {
			n++
		}
		g.scratch = appendOutcomes(g.scratch[:0], rest[:n])
		if evicted := g.w.store.runs.admit(run, g.w.commits); evicted != "" {
			prefix := runPrefix(evicted)
			g.deleteRange(prefix, prefixEnd(prefix))
		}
		g.set(runKey(run, g.w.commits), g.scratch)
		rest = rest[n:]
	}
}

func appendOutcomes(b []byte, outcomes []runOutcome) []byte {
	for _, o := range outcomes {
		b = binary.AppendUvarint(append(b, byte(o.state)), uint64(o.sequence))
	}
	return b
}

var errBadOutcomes = errors.New("bytes are not the outcomes of a load run")

func decodeOutcomes(outcomes []runOutcome, run string, b []byte) ([]runOutcome, error) {
	for len(b) > 0 {
		sequence, n := binary.Uvarint(b[1:])
		if n <= 0 || sequence > 1<<32-1 {
			return nil, fmt.Errorf("load run %q: %w", run, errBadOutcomes)
		}
		outcomes = append(outcomes, runOutcome{run, uint32(sequence), pipeline.State(b[0])})
		b = b[1+n:]
	}
	return outcomes, nil
}

// admit makes place for a run and returns the name of the one that had to go
// for it, the one that was touched longest ago, or nothing.
func (r *runs) admit(name string, commit uint64) (evicted string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.byName[name]; known != nil {
		known.touched = commit
		return ""
	}
	if len(r.byName) >= pipeline.MaxRuns {
		oldest := uint64(1<<64 - 1)
		for candidate, b := range r.byName {
			if b.touched < oldest {
				evicted, oldest = candidate, b.touched
			}
		}
		delete(r.byName, evicted)
	}
	r.get(name).touched = commit
	return evicted
}

// touch notes the last commit that brought an outcome of a run.
func (r *runs) touch(name string, commit uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.get(name)
	b.touched = max(b.touched, commit)
}

// get returns a run's bitmaps, empty ones for a new run. r.mu is held.
func (r *runs) get(name string) *runBitmaps {
	b := r.byName[name]
	if b == nil {
		if r.byName == nil {
			r.byName = map[string]*runBitmaps{}
		}
		b = &runBitmaps{outcomes: pipeline.RunOutcomes{}}
		r.byName[name] = b
	}
	return b
}

// publish adds outcomes to their runs' bitmaps.
func (r *runs) publish(outcomes []runOutcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range outcomes {
		b := r.get(o.run)
		bitmap := b.outcomes[o.state]
		if bitmap == nil {
			bitmap = roaring.New()
			b.outcomes[o.state] = bitmap
		}
		bitmap.Add(o.sequence)
	}
}

// RunOutcomes gives a copy of a load run's outcomes.
func (s *Store) RunOutcomes(_ context.Context, run string) (pipeline.RunOutcomes, error) {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	b := s.runs.byName[run]
	if b == nil {
		return nil, pipeline.ErrUnknownRun
	}
	outcomes := make(pipeline.RunOutcomes, len(b.outcomes))
	for state, bitmap := range b.outcomes {
		outcomes[state] = bitmap.Clone()
	}
	return outcomes, nil
}
