package pebble

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// sliceRows is how many rows a slice gets before the next one of its day begins:
// those of as many segments as the store merges at once, see options, so that a
// row is written to a table twice.
const sliceRows = 4 * segmentRows

// slice numbers the parts of the history, in the order of time: the day, and
// which part of it, 16 bits each. A day has as many as it has rows for, so that
// what is written now does not lie between what was written a minute ago: the
// store merges the tables of a slice among themselves, and then leaves them alone.
type slice uint32

func firstSlice(d day) slice { return slice(d) << 16 }

func (s slice) day() day { return day(s >> 16) }

// sliced says into which slices each day is divided. A day's first slice begins
// with it; where the others begin is kept. A slice begins behind every id that is
// in a table, so an id, once it is in a table, is of the same slice for good.
//
// Readers have the begins; the rest belongs to the builder.
type sliced struct {
	begins atomic.Pointer[map[day][]int64]
	days   map[day]*slicedDay
	rows   int // of a slice that is complete
}

// slicedDay is a day as its tables are.
type slicedDay struct {
	begins []int64 // of the slices but the first, milliseconds since 1970
	rows   int64   // of the last slice
	newest int64   // the last millisecond that has a row
}

// of is the slice of an id.
func (s *sliced) of(id pipeline.ID) slice {
	f := s.finder()
	return f.of(id)
}

// finder finds the slices of many ids as they are now.
func (s *sliced) finder() sliceFinder { return sliceFinder{begins: *s.begins.Load()} }

// sliceFinder keeps the slice that it found last: ids that come one after
// another are mostly of one.
type sliceFinder struct {
	begins   map[day][]int64
	in       slice
	from, to int64 // of in, milliseconds since 1970
}

func (f *sliceFinder) of(id pipeline.ID) slice {
	at := id.Time()
	millis := at.UnixMilli()
	if f.from <= millis && millis < f.to {
		return f.in
	}
	d := dayOf(at)
	begins := f.begins[d]
	number, _ := slices.BinarySearch(begins, millis+1)
	f.in, f.from, f.to = firstSlice(d)+slice(number), d.begin().UnixMilli(), (d + 1).begin().UnixMilli()
	if number > 0 {
		f.from = begins[number-1]
	}
	if number < len(begins) {
		f.to = begins[number]
	}
	return f.in
}

// publish shows readers where the slices begin.
func (s *sliced) publish() {
	begins := make(map[day][]int64, len(s.days))
	for d, known := range s.days {
		if len(known.begins) > 0 {
			begins[d] = known.begins
		}
	}
	s.begins.Store(&begins)
}

// written counts rows that tables have now, and lets another slice begin where
// one is complete. It returns the days that have changed, to be kept; readers
// are shown nothing yet.
func (s *sliced) written(brought map[slice]broughtRows, horizon day) (changed map[day]*slicedDay) {
	maps.DeleteFunc(s.days, func(d day, _ *slicedDay) bool { return d < horizon })
	changed = map[day]*slicedDay{}
	for in, b := range brought {
		known := s.days[in.day()]
		if known == nil {
			known = &slicedDay{}
			s.days[in.day()] = known
		}
		if in == firstSlice(in.day())+slice(len(known.begins)) {
			known.rows += int64(b.rows)
		}
		known.newest = max(known.newest, b.newest)
		changed[in.day()] = known
	}
	for _, known := range changed {
		if known.rows >= int64(s.rows) && len(known.begins) < 1<<16-1 {
			known.begins, known.rows = append(slices.Clip(known.begins), known.newest+1), 0
		}
	}
	return changed
}

// broughtRows is what a segment brings to a slice.
type broughtRows struct {
	rows   int
	newest int64
}

// brings counts what a segment brings to each slice, but for the days before
// the horizon.
func (s *sliced) brings(g *segment, horizon day) map[slice]broughtRows {
	brought := map[slice]broughtRows{}
	var in slice
	var b broughtRows
	find := s.finder()
	for id := range g.ids() {
		next := find.of(id)
		if next.day() < horizon {
			continue
		}
		if next != in {
			brought[in] = b
			in, b = next, brought[next]
		}
		b.rows++
		b.newest = max(b.newest, id.Time().UnixMilli())
	}
	brought[in] = b
	maps.DeleteFunc(brought, func(_ slice, b broughtRows) bool { return b.rows == 0 })
	return brought
}

func appendSlicedDay(b []byte, d *slicedDay) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(d.rows))
	b = binary.BigEndian.AppendUint64(b, uint64(d.newest))
	for _, begin := range d.begins {
		b = binary.BigEndian.AppendUint64(b, uint64(begin))
	}
	return b
}

func decodeSlicedDay(b []byte) (*slicedDay, error) {
	if len(b) < 16 || len(b)%8 != 0 {
		return nil, damagef("the slices of a day, %x, have not their shape", b)
	}
	d := &slicedDay{rows: int64(binary.BigEndian.Uint64(b)), newest: int64(binary.BigEndian.Uint64(b[8:]))}
	for b = b[16:]; len(b) > 0; b = b[8:] {
		d.begins = append(d.begins, int64(binary.BigEndian.Uint64(b)))
	}
	if !slices.IsSorted(d.begins) {
		return nil, damagef("the slices of a day do not follow each other")
	}
	return d, nil
}

// recoverSlices reads where the slices begin.
func (s *Store) recoverSlices() (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixSlices}, UpperBound: []byte{prefixSlices + 1}})
	if err != nil {
		return fmt.Errorf("scan the history's slices: %w", err)
	}
	defer closeIter(it, &err)
	s.sliced.days = map[day]*slicedDay{}
	for valid := it.First(); valid; valid = it.Next() {
		key := it.Key()
		if len(key) != 3 {
			return damagef("the key of a day's slices, %x, has not its shape", key)
		}
		if s.sliced.days[day(binary.BigEndian.Uint16(key[1:]))], err = decodeSlicedDay(it.Value()); err != nil {
			return err
		}
	}
	s.sliced.publish()
	return nil
}
