package tui

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

const (
	// windowTime is what rates and percentiles of tables are over: long enough
	// to be read, short enough to show what has just begun.
	windowTime = 10 * time.Second
	// heldTime is how long a server's numbers stand for those of a second in
	// which it said nothing, since it speaks about once a second.
	heldTime = 2500 * time.Millisecond
	// mostTracks bounds what a server can make the screen remember by naming
	// things.
	mostTracks = 192
	// longestGap is the most seconds that are filled in as not seen, after a
	// machine slept for instance.
	longestGap = 4 * fineSeconds
)

// A history is what the screen remembers: numbers over time, made of what grows
// from one moment to the next, and what happened.
type history struct {
	begun   time.Time // when second 0 began; zero before the first moment
	next    int       // the second that is sampled next
	stretch int       // seconds that a point of a course is long
	tracks  map[string]*track
	words   []word // the server's last ones, of one start of its
	said    map[string]float64
	load    map[string]float64 // of the load test
	counted time.Duration      // up to where its seconds are in
	events  events
}

// A word is a status and when it came.
type word struct {
	seen   time.Time
	status *api.Status
}

func newHistory() *history {
	return &history{stretch: 1, tracks: map[string]*track{}, events: newEvents()}
}

// clone gives a history that no longer grows.
func (h *history) clone() *history {
	c := *h
	c.tracks = make(map[string]*track, len(h.tracks))
	for name, t := range h.tracks {
		copied := *t
		copied.course = slices.Clone(t.course)
		c.tracks[name] = &copied
	}
	c.words = slices.Clone(h.words)
	c.said, c.load = maps.Clone(h.said), maps.Clone(h.load)
	c.events = h.events.clone()
	return &c
}

// take notes a moment.
func (h *history) take(m *Moment) {
	if h.begun.IsZero() {
		h.begun = m.At
	}
	h.listen(m)
	h.events.take(m)
	second := int(m.At.Sub(h.begun) / time.Second)
	if second < h.next {
		return
	}
	h.countLoad(m)
	h.skip(min(second, h.next+longestGap))
	h.sample(m)
}

// skip fills in seconds in which nobody looked.
func (h *history) skip(to int) {
	for h.next < to {
		h.append(nil)
	}
}

// sample appends what is known as the value of the next second.
func (h *history) sample(m *Moment) {
	values := maps.Clone(h.load)
	if values == nil {
		values = map[string]float64{}
	}
	if m.Server.Status != nil && m.At.Sub(m.Server.Seen) < heldTime {
		maps.Copy(values, h.said)
	}
	h.append(values)
}

// append adds a second to all tracks; what is not among the values is NaN.
func (h *history) append(values map[string]float64) {
	for name := range values {
		if h.tracks[name] == nil && len(h.tracks) < mostTracks {
			h.tracks[name] = &track{first: h.next, next: h.next}
		}
	}
	if h.next/h.stretch >= coursePoints {
		h.stretch *= 2
		for _, t := range h.tracks {
			t.widen()
		}
	}
	for name, t := range h.tracks {
		v, ok := values[name]
		if !ok || math.IsInf(v, 0) {
			v = math.NaN()
		}
		t.add(v, h.stretch)
	}
	h.next++
}

// listen takes the server's word, if it is a new one.
func (h *history) listen(m *Moment) {
	s := m.Server.Status
	if s == nil || len(h.words) > 0 && h.words[len(h.words)-1].seen.Equal(m.Server.Seen) {
		return
	}
	if n := len(h.words); n > 0 && restarted(h.words[n-1].status, s) {
		h.words = nil
	}
	h.words = append(h.words, word{m.Server.Seen, s})
	for len(h.words) > 2 && m.Server.Seen.Sub(h.words[1].seen) >= windowTime {
		h.words = slices.Delete(h.words, 0, 1)
	}
	before := h.words[max(len(h.words)-2, 0)]
	h.said = numbers(span{before.status, s, m.Server.Seen.Sub(before.seen).Seconds()})
}

// restarted says whether a server has started anew between two words of it: it
// counts from 0 again.
func restarted(then, now *api.Status) bool {
	return !then.Started.Equal(now.Started) || now.Resources.CPUSeconds < then.Resources.CPUSeconds ||
		now.API.Accepted < then.API.Accepted || now.API.Refused < then.API.Refused
}

// window is from ten seconds ago, or since the server's start if that was
// later, to its last word.
func (h *history) window() span {
	if len(h.words) == 0 {
		return span{&api.Status{}, &api.Status{}, 0}
	}
	first, last := h.words[0], h.words[len(h.words)-1]
	return span{first.status, last.status, last.seen.Sub(first.seen).Seconds()}
}

// countLoad takes the seconds of a load test that are new, as one: the moments
// that it counts in are not the screen's.
func (h *history) countLoad(m *Moment) {
	if m.Run == nil {
		return
	}
	seconds := m.Run.Seconds
	from, _ := slices.BinarySearchFunc(seconds, h.counted, func(s load.Second, at time.Duration) int {
		if s.At <= at {
			return -1
		}
		return 1
	})
	fresh := seconds[from:]
	if len(fresh) == 0 {
		if m.Run.Elapsed-h.counted > heldTime || m.over() {
			h.load = nil
		}
		return
	}
	h.counted = fresh[len(fresh)-1].At
	h.load = loadNumbers(fresh, m.Run.Batch)
}

// last is the newest value of a number, NaN without one.
func (h *history) last(name string) float64 {
	t := h.tracks[name]
	if t == nil {
		return math.NaN()
	}
	return t.mean(h.next-1, h.next, h.stretch)
}

// values gives so many values of a number, that cover a time up to now.
func (h *history) values(name string, seconds, columns int) []float64 {
	values := make([]float64, columns)
	t := h.tracks[name]
	for i := range values {
		values[i] = math.NaN()
		if t != nil {
			from := h.next - seconds + i*seconds/columns
			values[i] = t.mean(from, max(h.next-seconds+(i+1)*seconds/columns, from+1), h.stretch)
		}
	}
	return values
}
