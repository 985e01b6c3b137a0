package scenarios

import (
	"time"

	"github.com/notifyctl/notifyctl/scenarios/trend"
)

// span is a part of a run that checks can be about: a stage, the drain, or all of
// it.
type span struct {
	name     string        // empty for the whole run
	from, to time.Duration // by the schedule; the drain has no end
	interval interval      // of what was seen in it
	before   interval      // of all that was seen before it
	trends   trends
	// cleared is when nothing was left waiting of what had been accepted by the
	// span's end; 0 until then.
	cleared time.Duration
}

// trends are the measurements of a span whose growth can be asked for.
type trends struct {
	latency, heap, rss, goroutines, connections, queue trend.Series
}

// warmUp is the share of a span that trends leave out: caches and pools fill, and
// that is no leak.
const warmUp = 0.1

// add adds what was seen of a part of the span.
func (s *span) add(i interval) {
	s.interval = s.interval.merge(i)
	if at := middle(i); at >= s.from+time.Duration(warmUp*float64(s.to-s.from)) {
		s.trends.add(at, &i)
	}
}

// middle is the moment that an interval stands for.
func middle(i interval) time.Duration { return i.from + (i.to-i.from)/2 }

func (t *trends) add(at time.Duration, i *interval) {
	if i.clients.answered() > 0 {
		t.latency.Add(at, milliseconds(i.clients.response.Quantile(0.99)))
	}
	if i.system.answers == 0 {
		return
	}
	l := &i.system.last
	t.heap.Add(at, float64(l.heap))
	t.goroutines.Add(at, float64(l.goroutines))
	t.connections.Add(at, float64(l.connections))
	t.queue.Add(at, float64(l.queue))
	if l.rss != nil {
		t.rss.Add(at, float64(*l.rss))
	}
}

// settle notes when what was accepted by the span's end has left the queues: the
// oldest that waits came later.
func (s *span) settle(at time.Duration, l *level) {
	if s.cleared == 0 && at > s.to && (!l.waiting || at-l.oldest >= s.to) {
		s.cleared = at
	}
}
