package kafka

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// lane is a queue as its reader sees it: the partitions of its main topic that
// are ours, and the retries of its priority that have come due. The lease's mu
// guards it.
type lane struct {
	partitions []*owned
	rotation   int // the partition whose turn it is
	retries    []handout
	// wake tells its Await to look again, which looks by itself as watch says.
	wake  chan struct{}
	watch watch
}

// watch is what an Await waits for: so many records, or that the first that is due
// has been for a while.
type watch struct {
	maximum int
	since   time.Time // when the first came due; zero while none has
}

// missing says whether there is something to be cut now, or before the watch
// looks by itself.
func (w *watch) missing(due int, since time.Time) bool {
	return due >= w.maximum || due > 0 && (w.since.IsZero() || since.Before(w.since))
}

// handout is a record on its way to whoever sends it.
type handout struct {
	from *owned
	queued
}

// signal wakes the lane's Await where it would miss something: records come and
// windows move some hundred times a second, and a batch is cut some tens of times.
// When no Await waits, what it says does not matter, as the next looks first.
func (l *lane) signal() {
	if due, since := l.due(); !l.watch.missing(due, since) {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// due counts what could be handed out now, and says since when the first of it
// could.
func (l *lane) due() (n int, since time.Time) {
	earlier := func(at time.Time) {
		if n == 0 || at.Before(since) {
			since = at
		}
	}
	for _, o := range l.partitions {
		if due := o.due(); due > 0 {
			earlier(o.ready[0].at)
			n += due
		}
	}
	if len(l.retries) > 0 {
		earlier(l.retries[0].at)
		n += len(l.retries)
	}
	return n, since
}

// backlog counts the records of the main topic that could be handed out now.
func (l *lane) backlog() int {
	n := 0
	for _, o := range l.partitions {
		n += o.due()
	}
	return n
}

// take removes at most n records: retries that are due first, all of them when
// there is little else and otherwise at most half, and then records of the
// partitions, evenly and in turn.
func (l *lane) take(n int) []handout {
	retries := min(len(l.retries), n-min(l.backlog(), n/2))
	taken := make([]handout, 0, min(n, retries+l.backlog()))
	taken = append(taken, l.retries[:retries]...)
	clear(l.retries[:retries])
	l.retries = l.retries[retries:]
	for i := range l.partitions {
		left := len(l.partitions) - i
		o := l.partitions[(l.rotation+i)%len(l.partitions)]
		for range min(o.due(), (n-len(taken)+left-1)/left) {
			taken = append(taken, handout{o, o.take()})
		}
	}
	l.rotation++
	return taken
}

// oldest is when the first record that is in memory and was not handed out was
// accepted; zero when there is none.
func (l *lane) oldest() (at time.Time) {
	for _, o := range l.partitions {
		if len(o.ready) > 0 && (at.IsZero() || o.ready[0].at.Before(at)) {
			at = o.ready[0].at
		}
	}
	return at
}

// priorityOf is the queue that a record belongs to: that of its topic, or, in a
// delay topic, its own. What cannot be read has none and goes with the normal
// ones.
func (q *queued) priorityOf(t *topic) pipeline.Priority {
	switch {
	case t.priority != 0:
		return t.priority
	case q.entry == nil:
		return pipeline.Normal
	}
	return q.entry.Priority
}
