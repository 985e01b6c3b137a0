package cassandra

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"golang.org/x/time/rate"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// runOutcomes is the outcomes of one load run that one call brings. It is
// written as one bitmap a state, under a digest of it, so that a repetition
// writes the same. A run's bitmaps lie in the partition of the hour in which
// they were written, since a run may last for days.
type runOutcomes struct {
	run     string
	byState map[pipeline.State]*roaring.Bitmap
}

// outcomesOf gathers what facts bring to load runs. Nearly always that is one.
func outcomesOf(facts []pipeline.Fact) (all []runOutcomes) {
	for i := range facts {
		f := &facts[i]
		if !f.State.Terminal() {
			continue
		}
		run, sequence, ok := catalog.ParseRunRef(f.Delivery.Ref)
		if !ok {
			continue
		}
		at := slices.IndexFunc(all, func(r runOutcomes) bool { return r.run == run })
		if at < 0 {
			at = len(all)
			all = append(all, runOutcomes{run, map[pipeline.State]*roaring.Bitmap{}})
		}
		bitmap := all[at].byState[f.State]
		if bitmap == nil {
			bitmap = roaring.New()
			all[at].byState[f.State] = bitmap
		}
		bitmap.Add(sequence)
	}
	return all
}

// runNotes is the load runs that this process has seen to be among those that
// are kept, and how many it may bring that it has not. A client's own refs may
// have the form of a load run's, a name of its own each: then runs push one
// another out, of which not every one is worth the statements that it takes.
type runNotes struct {
	mu   sync.Mutex
	kept map[string]touch
	news *rate.Limiter
}

// touch is when this process last noted that a run goes on, and for which hour;
// zero when it has not.
type touch struct {
	at   time.Time
	hour int32
}

const (
	// newRuns is how many load runs a process may bring at once, and newRunEvery
	// how long it takes until it may bring another.
	newRuns     = 4 * pipeline.MaxRuns
	newRunEvery = 10 * time.Second
	// touchEvery is how old the note that a run goes on may be: runs that were
	// touched within as little of each other may be pushed out in any order.
	touchEvery = time.Second
)

// admit says whether outcomes of a run are to be written, and whether the run
// is new to this process.
func (n *runNotes) admit(run string) (admitted, isNew bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, known := n.kept[run]; known {
		return true, false
	}
	return n.news.Allow(), true
}

// keep notes which runs are kept.
func (n *runNotes) keep(runs []keptRun) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.kept
	n.kept = make(map[string]touch, len(runs)) // what was pushed out is new again when it is back
	for _, r := range runs {
		n.kept[r.name] = before[r.name]
	}
}

// touches says whether it is to be noted that a run goes on.
func (n *runNotes) touches(run string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := n.kept[run]
	since := now.Sub(last.at)
	return last.hour != hourOf(now) || since < 0 || since >= touchEvery
}

// touched notes that the list says of a run that it went on at a time.
func (n *runNotes) touched(run string, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, known := n.kept[run]; known {
		n.kept[run] = touch{at, hourOf(at)}
	}
}

const (
	insertRun      = "INSERT INTO load_runs (list, run, hour, touched) VALUES (0, ?, ?, ?)"
	insertOutcomes = "INSERT INTO load_run_outcomes (run, hour, state, digest, sequences) VALUES (?, ?, ?, ?, ?)"
	selectRuns     = "SELECT run, hour, touched FROM load_runs WHERE list = 0"
	selectOutcomes = "SELECT state, sequences FROM load_run_outcomes WHERE run = ? AND hour = ?"
	deleteRun      = "DELETE FROM load_runs WHERE list = 0 AND run = ?"
	deleteOutcomes = "DELETE FROM load_run_outcomes WHERE run = ? AND hour = ?"
)

// admitRuns leaves those runs whose outcomes are to be written, and says whether
// any of them is new.
func (s *Store) admitRuns(all []runOutcomes) (admitted []runOutcomes, anyNew bool) {
	for _, r := range all {
		if ok, isNew := s.runs.admit(r.run); ok {
			admitted, anyNew = append(admitted, r), anyNew || isNew
		}
	}
	return admitted, anyNew
}

// noteOutcomes writes what a call brings to a run: that the run was touched,
// unless that was noted just now, then its bitmaps.
func (s *Store) noteOutcomes(ctx context.Context, r *runOutcomes) error {
	now := s.now()
	if s.runs.touches(r.run, now) {
		if err := s.query(insertRun, r.run, hourOf(now), now.UnixMilli()).ExecContext(ctx); err != nil {
			return err
		}
		s.runs.touched(r.run, now)
	}
	for state, bitmap := range r.byState {
		bitmap.RunOptimize()
		form, err := bitmap.ToBytes()
		if err != nil {
			return fmt.Errorf("outcomes of the load run %q: %w", r.run, err)
		}
		digest := sha256.Sum256(form)
		if err := s.query(insertOutcomes, r.run, hourOf(now), int8(state), digest[:16], form).ExecContext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// keptRun is a load run as it is listed.
type keptRun struct {
	name    string
	hours   []int32 // in which outcomes of it were written
	touched time.Time
}

// keptRuns reads the load runs, the one that was touched last first.
func (s *Store) keptRuns(ctx context.Context) (runs []keptRun, err error) {
	found := s.query(selectRuns).IterContext(ctx).Scanner()
	for found.Next() {
		var (
			name    string
			hour    int32
			touched time.Time
		)
		if err := found.Scan(&name, &hour, &touched); err != nil {
			return nil, err
		}
		if len(runs) == 0 || runs[len(runs)-1].name != name {
			runs = append(runs, keptRun{name: name})
		}
		at := &runs[len(runs)-1]
		at.hours = append(at.hours, hour)
		if touched.After(at.touched) {
			at.touched = touched
		}
	}
	slices.SortFunc(runs, func(a, b keptRun) int {
		if c := b.touched.Compare(a.touched); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	return runs, found.Err()
}

// makeRoom deletes the load runs that are too many.
func (s *Store) makeRoom(ctx context.Context) error {
	runs, err := s.keptRuns(ctx)
	if err != nil {
		return err
	}
	kept := min(len(runs), pipeline.MaxRuns)
	for _, r := range runs[kept:] {
		if err := s.query(deleteRun, r.name).ExecContext(ctx); err != nil {
			return err
		}
		for _, hour := range r.hours {
			if err := s.query(deleteOutcomes, r.name, hour).ExecContext(ctx); err != nil {
				return err
			}
		}
	}
	s.runs.keep(runs[:kept])
	return nil
}

// RunOutcomes unites what was written of a load run. A sequence has one
// outcome, the first in the order of [pipeline.Outcomes], as its row has.
func (s *Store) RunOutcomes(ctx context.Context, run string) (outcomes pipeline.RunOutcomes, err error) {
	err = call(ctx, "read the outcomes of a load run", func(ctx context.Context) error {
		runs, err := s.keptRuns(ctx)
		if err != nil {
			return err
		}
		runs = runs[:min(len(runs), pipeline.MaxRuns)]
		at := slices.IndexFunc(runs, func(r keptRun) bool { return r.name == run })
		if at < 0 {
			return pipeline.ErrUnknownRun
		}
		outcomes, err = s.unite(ctx, &runs[at])
		return err
	})
	if errors.Is(err, pipeline.ErrUnknownRun) {
		return nil, pipeline.ErrUnknownRun
	}
	return outcomes, err
}

func (s *Store) unite(ctx context.Context, r *keptRun) (pipeline.RunOutcomes, error) {
	outcomes := pipeline.RunOutcomes{}
	for _, hour := range r.hours {
		found := s.query(selectOutcomes, r.name, hour).IterContext(ctx).Scanner()
		for found.Next() {
			var (
				state     int8
				sequences []byte
			)
			if err := found.Scan(&state, &sequences); err != nil {
				return nil, err
			}
			if err := addOutcomes(outcomes, pipeline.State(state), sequences); err != nil {
				return nil, fmt.Errorf("load run %q: %w", r.name, err)
			}
		}
		if err := found.Err(); err != nil {
			return nil, err
		}
	}
	ended := roaring.New()
	for _, state := range pipeline.Outcomes() {
		bitmap := outcomes[state]
		if bitmap == nil {
			continue
		}
		bitmap.AndNot(ended)
		if bitmap.IsEmpty() {
			delete(outcomes, state)
			continue
		}
		ended.Or(bitmap)
	}
	return outcomes, nil
}

// addOutcomes adds one stored bitmap to the outcomes of a run.
func addOutcomes(outcomes pipeline.RunOutcomes, state pipeline.State, form []byte) error {
	if !state.Terminal() {
		return fmt.Errorf("outcomes of the state %d: %w", state, errDamaged)
	}
	bitmap := roaring.New()
	if err := bitmap.UnmarshalBinary(form); err != nil {
		return fmt.Errorf("outcomes of the state %v: %w: %w", state, errDamaged, err)
	}
	if err := bitmap.Validate(); err != nil {
		return fmt.Errorf("outcomes of the state %v: %w: %w", state, errDamaged, err)
	}
	if outcomes[state] == nil {
		outcomes[state] = bitmap
		return nil
	}
	outcomes[state].Or(bitmap)
	return nil
}
