package sequence

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// rowDisk is a history in memory that outlives processes.
type rowDisk struct {
	mu       sync.Mutex
	known    map[pipeline.ID]*rowsOf
	erased   map[string]time.Time
	replayed map[pipeline.ID]pipeline.ID
	aside    map[pipeline.Token]pipeline.DeadLetter
	runs     map[string]*run
	touches  int
}

// rowsOf is what was recorded of an id, in the order of the attempts.
type rowsOf struct {
	record pipeline.Record
	facts  []recordedFact
}

// recordedFact is a fact and the delivery that it is of, as they were.
type recordedFact struct {
	pipeline.Fact
	delivery pipeline.Delivery
}

// compare orders facts as their attempts came.
func (f *recordedFact) compare(o *recordedFact) int {
	return cmp.Or(cmp.Compare(len(f.delivery.Attempts), len(o.delivery.Attempts)), cmp.Compare(f.State, o.State), cmp.Compare(f.delivery.Token.Position, o.delivery.Token.Position))
}

// row puts together what is known.
func (k *rowsOf) row() (row pipeline.Row) {
	retries := map[pipeline.Token]time.Time{}
	var chosen *recordedFact
	var due time.Time
	for i := range k.facts {
		f := &k.facts[i]
		row.State = cmp.Or(row.State, pipeline.Sending)
		if f.Attempt.Class != 0 {
			row.Attempts = append(row.Attempts, f.Attempt)
		}
		if f.State == pipeline.Sending {
			continue
		}
		if f.State == pipeline.Retrying {
			retries[f.delivery.Token] = f.Due
		}
		if f.delivery.Due.After(due) {
			due = f.delivery.Due
		}
		if chosen == nil || f.State.Terminal() && !chosen.State.Terminal() ||
			f.State.Terminal() == chosen.State.Terminal() && !f.delivery.Due.Before(chosen.delivery.Due) {
			chosen = f
		}
	}
	if chosen != nil {
		row.State, row.Reason, row.EndedAt = chosen.State, chosen.Reason, chosen.At
		row.Token, row.Origin, row.DeliveryDue, row.Due = chosen.delivery.Token, chosen.delivery.Origin, due, retries[chosen.delivery.Token]
	}
	return row
}

// run is a load run's outcomes and when it was touched last.
type run struct {
	outcomes pipeline.RunOutcomes
	touched  int
}

func newRowDisk() *rowDisk {
	return &rowDisk{
		known: map[pipeline.ID]*rowsOf{}, erased: map[string]time.Time{}, replayed: map[pipeline.ID]pipeline.ID{},
		aside: map[pipeline.Token]pipeline.DeadLetter{}, runs: map[string]*run{},
	}
}

// memoryRows is a process's way to the history.
type memoryRows struct {
	*process
	disk *rowDisk
}

func (m *memoryRows) look(do func(d *rowDisk)) error {
	if err := m.pass("before looking", pipeline.ErrUnavailable); err != nil {
		return err
	}
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	do(m.disk)
	return nil
}

func (m *memoryRows) change(name string, do func(d *rowDisk)) error {
	return m.step(name, pipeline.ErrUnavailable, func() error {
		m.disk.mu.Lock()
		defer m.disk.mu.Unlock()
		do(m.disk)
		return nil
	})
}

// Record has a boundary behind each fact: they are of many partitions.
func (m *memoryRows) Record(_ context.Context, facts []pipeline.Fact) error {
	for i := range facts {
		if err := m.change("record", func(d *rowDisk) { d.record(&facts[i]) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *rowDisk) record(f *pipeline.Fact) {
	if f.State.Terminal() {
		d.note(f.Delivery.Ref, f.State)
	}
	if f.State == 0 || d.covers(f.Delivery) {
		return
	}
	k := d.known[f.Delivery.ID]
	if k == nil {
		k = &rowsOf{record: f.Delivery.Record}
		d.known[f.Delivery.ID] = k
	}
	fact := recordedFact{*f, *f.Delivery}
	at, found := slices.BinarySearchFunc(k.facts, fact, func(a, b recordedFact) int { return a.compare(&b) })
	if found {
		k.facts[at] = fact
		return
	}
	k.facts = slices.Insert(k.facts, at, fact)
}

// covers says whether a delivery's user was erased after its acceptance.
func (d *rowDisk) covers(delivery *pipeline.Delivery) bool {
	at, found := d.erased[delivery.UserID]
	return found && !delivery.AcceptedAt().After(at)
}

// note keeps the outcome of a load run's notification.
func (d *rowDisk) note(ref string, state pipeline.State) {
	cut := strings.LastIndexByte(ref, '-')
	if cut < 0 {
		return
	}
	number, err := strconv.ParseUint(ref[cut+1:], 10, 32)
	if err != nil {
		return
	}
	name := ref[:cut]
	if d.runs[name] == nil {
		d.runs[name] = &run{outcomes: pipeline.RunOutcomes{}}
	}
	r := d.runs[name]
	d.touches++
	r.touched = d.touches
	if r.outcomes[state] == nil {
		r.outcomes[state] = roaring.New()
	}
	r.outcomes[state].Add(uint32(number))
	if len(d.runs) > pipeline.MaxRuns {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(d.runs)), func(a, b string) int { return d.runs[a].touched - d.runs[b].touched })
		delete(d.runs, oldest)
	}
}

// rowOf is what is known of an id.
func (d *rowDisk) rowOf(id pipeline.ID) (row pipeline.Row) {
	row.ID = id
	if k := d.known[id]; k != nil {
		row = k.row()
		row.ID, row.Ref, row.UserID, row.ReplayOf = id, k.record.Ref, k.record.UserID, k.record.ReplayOf
	}
	return row
}

// entry is that of an id's row.
func (d *rowDisk) entry(id pipeline.ID) pipeline.Entry {
	e := d.rowOf(id).Entry
	if !e.State.Terminal() {
		e.EndedAt = time.Time{}
	}
	return e
}

func (m *memoryRows) Rows(_ context.Context, ids []pipeline.ID) (rows []pipeline.Row, err error) {
	err = m.look(func(d *rowDisk) {
		for _, id := range ids {
			rows = append(rows, d.rowOf(id))
		}
	})
	return rows, err
}

// ByID takes what has no row for queued, unless somebody was erased whose hash
// is in the id.
func (m *memoryRows) ByID(_ context.Context, ids []pipeline.ID) (entries []pipeline.Entry, err error) {
	err = m.look(func(d *rowDisk) {
		for _, id := range ids {
			e := d.entry(id)
			if e.State == 0 {
				e.State = pipeline.Queued
			}
			for user, at := range d.erased {
				if d.known[id] == nil && pipeline.UserHash(user) == id.UserHash() && !id.Time().After(at) {
					e.State = 0
				}
			}
			entries = append(entries, e)
		}
	})
	return entries, err
}

func (m *memoryRows) RunOutcomes(_ context.Context, name string) (outcomes pipeline.RunOutcomes, err error) {
	err = m.look(func(d *rowDisk) {
		if r := d.runs[name]; r != nil {
			outcomes = pipeline.RunOutcomes{}
			for state, sequences := range r.outcomes {
				outcomes[state] = sequences.Clone()
			}
		}
	})
	if err == nil && outcomes == nil {
		err = pipeline.ErrUnknownRun
	}
	return outcomes, err
}

// list pages through the ids that a list is of, newest first.
func (d *rowDisk) list(p *pipeline.Page, list pipeline.ListName, of func(k *rowsOf) bool) (ids []pipeline.ID, next pipeline.Cursor, err error) {
	var after pipeline.ID
	if p.After != "" {
		if after, err = p.After.Position(list); err != nil {
			return nil, "", err
		}
	}
	for id, k := range d.known {
		at := id.Time()
		if of(k) && (p.From.IsZero() || !at.Before(p.From)) && (p.To.IsZero() || at.Before(p.To)) && (after.IsZero() || bytes.Compare(id[:], after[:]) < 0) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b pipeline.ID) int { return bytes.Compare(b[:], a[:]) })
	if len(ids) > p.Limit {
		ids = ids[:p.Limit]
		next = pipeline.CursorAfter(list, ids[p.Limit-1])
	}
	return ids, next, nil
}

func (m *memoryRows) ByUser(_ context.Context, user string, p pipeline.Page) (entries []pipeline.Entry, next pipeline.Cursor, err error) {
	failed := m.look(func(d *rowDisk) {
		var ids []pipeline.ID
		ids, next, err = d.list(&p, p.NameList("user", user), func(k *rowsOf) bool { return k.record.UserID == user })
		for _, id := range ids {
			entries = append(entries, d.entry(id))
		}
	})
	if failed != nil {
		return nil, "", failed
	}
	return entries, next, err
}

// Erase returns when what is accepted next has a later time.
func (m *memoryRows) Erase(_ context.Context, user string) error {
	err := m.change("erase", func(d *rowDisk) {
		d.erased[user] = time.Now()
		for id, k := range d.known {
			if k.record.UserID == user {
				delete(d.known, id)
			}
		}
	})
	time.Sleep(2 * time.Millisecond)
	return err
}

func (m *memoryRows) Erased(_ context.Context, deliveries []*pipeline.Delivery) (erased []bool, err error) {
	err = m.look(func(d *rowDisk) {
		for _, delivery := range deliveries {
			erased = append(erased, d.covers(delivery))
		}
	})
	return erased, err
}

func (m *memoryRows) Replayed(_ context.Context, replacements []pipeline.Replacement) error {
	return m.change("note replays", func(d *rowDisk) {
		for _, r := range replacements {
			if d.letter(r.Dead).State == pipeline.Dead {
				d.replayed[r.Dead] = r.New
			}
		}
	})
}

func (m *memoryRows) PutAside(_ context.Context, undecodable []pipeline.Logged) error {
	return m.change("put aside", func(d *rowDisk) {
		for i := range undecodable {
			d.aside[undecodable[i].Token] = pipeline.DeadLetter{
				Entry: pipeline.Entry{State: pipeline.Dead, Reason: pipeline.ReasonUndecodable, EndedAt: time.Now()},
				Queue: undecodable[i].Queue(), Undecodable: undecodable[i].Undecodable,
			}
		}
	})
}

// letter is the dead letter of an id, if it is one.
func (d *rowDisk) letter(id pipeline.ID) pipeline.DeadLetter {
	k := d.known[id]
	if k == nil || k.row().State != pipeline.Dead {
		return pipeline.DeadLetter{}
	}
	l := pipeline.DeadLetter{Entry: d.entry(id), Queue: k.record.Queue(), ReplayedBy: d.replayed[id]}
	if l.ReplayedBy.IsZero() {
		record := k.record
		l.Record = &record
	}
	return l
}

func (m *memoryRows) DeadByID(_ context.Context, ids []pipeline.ID) (letters []pipeline.DeadLetter, err error) {
	err = m.look(func(d *rowDisk) {
		for _, id := range ids {
			letters = append(letters, d.letter(id))
		}
	})
	return letters, err
}

func (m *memoryRows) Dead(_ context.Context, f pipeline.DeadFilter, p pipeline.Page) (letters []pipeline.DeadLetter, next pipeline.Cursor, err error) {
	failed := m.look(func(d *rowDisk) {
		var ids []pipeline.ID
		ids, next, err = d.list(&p, p.NameList("dead", f.Channel.String(), f.Reason), func(k *rowsOf) bool {
			row := k.row()
			return row.State == pipeline.Dead && (f.Channel == 0 || k.record.Channel == f.Channel) && (f.Reason == "" || row.Reason == f.Reason)
		})
		for _, id := range ids {
			l := d.letter(id)
			l.Record = nil
			letters = append(letters, l)
		}
		for _, l := range d.aside { // in no order: behind the others of the last page
			if next == "" && (f.Channel == 0 || l.Queue.Channel == f.Channel) && (f.Reason == "" || l.Reason == f.Reason) {
				letters = append(letters, l)
			}
		}
	})
	if failed != nil {
		return nil, "", failed
	}
	return letters, next, err
}
