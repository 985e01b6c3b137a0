package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// mostMarks is how many marks of one kind are kept; a day of a pool that swings
// would fill a result with them.
const mostMarks = 200

// marks notes what happens during a run, in bounded memory. It is safe for
// concurrent use.
//
// A moment is noted by moment, as in
//
//	r.marks.moment(ScalingMark, "push wants 20 workers")
//
// and what lasts by lasting, which gives the function that ends it:
//
//	end := r.marks.lasting(FaultMark, "sendgrid: outage")
//	...
//	end()
type marks struct {
	mu    sync.Mutex
	began time.Time // of the load; what was noted before is at 0
	list  []*Mark
	more  map[MarkKind]int // how many of a kind were too many to keep
}

// start says that the load begins now.
func (m *marks) start(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began = now
}

// now is the time since the load began, in seconds; 0 before.
func (m *marks) now() float64 {
	if m.began.IsZero() {
		return 0
	}
	return time.Since(m.began).Seconds()
}

// moment notes that something happened now.
func (m *marks) moment(kind MarkKind, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(&Mark{At: m.now(), Kind: kind, Text: text})
}

// lasting notes that something begins now. The end that it gives may be called
// more than once; the first counts. What is not ended lasts as long as the run.
func (m *marks) lasting(kind MarkKind, text string) (end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mark := &Mark{At: m.now(), Kind: kind, Text: text}
	m.add(mark)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if mark.Until == nil {
			until := m.now()
			mark.Until = &until
		}
	}
}

// at notes something that happened at a moment that is known, but for what
// happened before the load.
func (m *marks) at(moment time.Time, kind MarkKind, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.began.IsZero() || moment.Before(m.began) {
		return
	}
	m.add(&Mark{At: moment.Sub(m.began).Seconds(), Kind: kind, Text: text})
}

func (m *marks) add(mark *Mark) {
	n := 0
	for _, other := range m.list {
		if other.Kind == mark.Kind {
			n++
		}
	}
	if n < mostMarks {
		m.list = append(m.list, mark)
		return
	}
	if m.more == nil {
		m.more = map[MarkKind]int{}
	}
	m.more[mark.Kind]++
}

// all gives the marks, oldest first. Those that were too many are one more at
// the end of their kind.
func (m *marks) all() []Mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Mark, 0, len(m.list)+len(m.more))
	last := map[MarkKind]float64{}
	for _, mark := range m.list {
		list = append(list, *mark)
		last[mark.Kind] = max(last[mark.Kind], mark.At)
	}
	for kind, n := range m.more {
		list = append(list, Mark{At: last[kind], Kind: kind, Text: fmt.Sprintf("and %d more", n)})
	}
	return sortMarks(list)
}

// sortMarks puts the oldest first.
func sortMarks(list []Mark) []Mark {
	slices.SortStableFunc(list, func(a, b Mark) int { return cmp.Compare(a.At, b.At) })
	return list
}

// lastEnd is when the last of a kind ended; ok is false if there was none, or
// if one has not ended yet.
func (m *marks) lastEnd(kind MarkKind) (end time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mark := range m.list {
		if mark.Kind != kind {
			continue
		}
		if mark.Until == nil {
			return 0, false
		}
		end, ok = max(end, time.Duration(*mark.Until*float64(time.Second))), true
	}
	return end, ok
}
