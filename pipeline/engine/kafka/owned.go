package kafka

import (
	"sort"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// owned is a partition of a lease. The lease's mu guards it.
type owned struct {
	*topic
	number int32
	token  int32 // what tokens of its records call it
	window
	counts
	frontier
	// next is behind the last record that was handed out, or, of a delay topic,
	// that came due.
	next int64
	// doubtUntil is the frontier of the owner before, who may have sent what lies
	// below.
	doubtUntil int64
	// unknown is where the partition ended when Kafka was found to have no commit
	// of it: what lies below may have left before that.
	unknown int64
	// settled is the mark of the last acknowledged commit, so that nothing above
	// it is ever deleted.
	settled int64
	// changed says that a commit is to take the partition along.
	changed bool

	// ready holds records that were read and not handed out, in order, without
	// those that had left. fetched is behind the last that was read, readBytes
	// what is in memory: of a delay topic also what came due and was not handed
	// out. fetching says that a request for more is under way.
	ready     []queued
	fetched   int64
	readBytes int
	fetching  bool
	leader    int32 // who is asked for more, or noLeader
}

// noLeader is the leader of a partition that has none, or is not known to.
const noLeader = -1

// queued is a record that was read and not handed out.
type queued struct {
	offset int64
	size   int
	// at is when it is due: at its acceptance in a main topic, else a delay after
	// it was queued.
	at    time.Time
	entry *entry
	// raw is what the record held, when that is no entry; then entry is nil.
	raw []byte
}

// newOwned takes a partition over from where its last commit left it.
func newOwned(t *topic, number, token int32, c *commit) *owned {
	return &owned{
		topic: t, number: number, token: token,
		window: c.window, counts: c.counts, frontier: frontier{acknowledged: c.frontier},
		next: c.mark, fetched: c.mark, doubtUntil: c.frontier, unknown: c.unknown, settled: c.mark, changed: true,
		leader: noLeader,
	}
}

// limit is the end of what may be handed out now: the window's, or the frontier.
func (o *owned) limit() int64 { return min(o.mark+windowSize, o.acknowledged) }

// due is how many of the records that were read may be handed out now.
func (o *owned) due() int {
	limit := o.limit()
	if n := len(o.ready); n == 0 || o.ready[n-1].offset < limit {
		return n
	}
	return sort.Search(len(o.ready), func(i int) bool { return o.ready[i].offset >= limit })
}

// take removes the first record of ready.
func (o *owned) take() queued {
	q := o.ready[0]
	o.ready[0] = queued{} // its memory is the delivery's
	o.ready = o.ready[1:]
	if len(o.ready) == 0 {
		o.ready = nil
	}
	o.next = q.offset + 1
	return q
}

// inDoubt says whether a former owner may have sent the record at offset.
func (o *owned) inDoubt(offset int64) bool { return offset < o.doubtUntil }

// hungry says whether more should be read: less than half of its portion is in
// memory, and the window has room for what would come.
func (o *owned) hungry(portion int) bool {
	return !o.fetching && o.readBytes < portion/2 && o.room(o.fetched) > 0
}

// drawnBack is the lowest frontier that leaves nothing out that may have been
// sent and has not left: what was handed out and has not left lies below
// outstanding, and what a former owner may have sent below its frontier.
func (o *owned) drawnBack(outstanding int64) int64 {
	if o.doubtUntil > o.mark+windowSize {
		return max(o.doubtUntil, outstanding) // beyond the window nothing has left
	}
	for last := o.doubtUntil - 1; last >= o.mark; last-- {
		if !o.left(last) {
			return max(last+1, outstanding)
		}
	}
	return max(o.mark, outstanding)
}

// commit is what is to be committed now, with a frontier.
func (o *owned) commit(frontier int64) *commit {
	return &commit{window: o.window, counts: o.counts, frontier: frontier, handed: max(o.next, o.reach()), unknown: max(o.unknown, o.mark)}
}

// The tokens of a channel's records call a partition by its topic's place among
// the channel's and its number. No token is zero.
const tokenPartitionBits = 24

// tokenPartition is what tokens call a partition of the topic at a place, from 0,
// of channelTopics.all.
func tokenPartition(place int, number int32) int32 {
	return int32(place+1)<<tokenPartitionBits | number
}

// tokenOf names a record.
func (o *owned) tokenOf(offset int64) pipeline.Token {
	return pipeline.Token{Partition: o.token, Position: offset}
}
