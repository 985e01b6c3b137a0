package pebble

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// maxGroup bounds the changes of one commit, and maxGroupBytes its size.
	maxGroup      = 1024
	maxGroupBytes = 8 << 20
	// maxBlock bounds the records of a block, so that the range deletion
	// behind a mark knows how far back a block can begin.
	maxBlock = 4096
	// maxRoom bounds the memory of a block that is kept for another, and maxRooms
	// their number.
	maxRoom  = 64 << 10
	maxRooms = 64
	// trimEvery is how many ended records a partition gathers before their
	// blocks are deleted: each range deletion costs every later scan a little.
	trimEvery = 2 * maxBlock
	// expireEvery is how often expired idempotency keys are looked for.
	expireEvery = time.Minute
	// maxLinger is how long a change that nobody outside waits for is kept for
	// one that somebody does: at a low rate half of the commits are spared so.
	maxLinger = 5 * time.Millisecond
	// shareLinger is how long a change that a client waits for is kept for others
	// that clients wait for, when these come faster than manyRate a second: a commit
	// costs more than what one of so many asks for. The rate is looked at so often
	// as rateEvery.
	shareLinger = time.Millisecond
	manyRate    = 2000
	rateEvery   = 10 * time.Millisecond
)

// change is one caller's part of a commit.
type change struct {
	// build adds to the commit. It runs in the writer.
	build func(g *group)
	// publish lets readers see it. It runs after the sync, under Store.mu.
	publish func()
	// patient lets it wait for others to share their commit, up to maxLinger.
	patient bool
	done    chan error
}

// writer is the one goroutine that changes the store. All fields but changes
// belong to it.
type writer struct {
	store      *Store
	changes    chan *change
	finished   sync.WaitGroup
	partitions []writtenPartition
	group      group // the commit under construction, in the memory of the one before
	lanes      []writtenLane
	account    pipeline.Account
	keys       map[uint32]*keptKeys // by generation
	days       map[day]int64        // about what the history of each day takes
	// commits numbers the commits, without a gap: a log that was cut off or is
	// gone shows by it.
	commits      uint64
	acknowledged *acknowledged
	// many says that clients' changes come fast; counted of them came since.
	many    bool
	counted int
	since   time.Time
}

// countClients sees how fast the changes come that clients wait for.
func (w *writer) countClients(changes []*change) {
	for _, c := range changes {
		if !c.patient {
			w.counted++
		}
	}
	now := time.Now()
	if past := now.Sub(w.since); past >= rateEvery {
		w.many = float64(w.counted) >= manyRate*past.Seconds()
		w.counted, w.since = 0, now
	}
}

// keptKeys is the idempotency keys of a generation.
type keptKeys struct {
	count  int64
	filter *keyFilter
}

// addKey counts a key that is being written. Who looks for it from now on finds
// that the generation may hold it.
func (w *writer) addKey(generation uint32, key pipeline.KeyHash) {
	kept := w.keys[generation]
	if kept == nil {
		kept = &keptKeys{filter: newKeyFilter(generation, true)}
		w.keys[generation] = kept
	}
	kept.count++
	kept.filter.add(key)
}

// writtenPartition is a partition as the last built commit leaves it.
type writtenPartition struct {
	window
	end      int64 // the next record's offset
	frontier int64 // everything below may have been sent
	trimmed  int64 // blocks below are deleted
	unread   bool  // bytes of it were put aside
}

// writtenLane is a lane's waiting records as the last built commit leaves them.
type writtenLane struct {
	leased map[waitKey]struct{} // handed out and not settled
}

func newWriter(s *Store, partitions int) *writer {
	queues := len(pipeline.Queues())
	w := &writer{
		store:      s,
		changes:    make(chan *change, maxGroup),
		partitions: make([]writtenPartition, queues*partitions),
		lanes:      make([]writtenLane, queues),
		keys:       map[uint32]*keptKeys{},
		days:       map[day]int64{},
	}
	w.group = group{w: w, open: make(map[int]*block, 8)}
	for i := range w.lanes {
		w.lanes[i].leased = map[waitKey]struct{}{}
	}
	return w
}

func (w *writer) start() { w.finished.Go(w.run) }

// stop ends the writer after the changes it was given.
func (w *writer) stop() {
	close(w.changes)
	w.finished.Wait()
}

// submit gives the writer a change and waits for its end. A cancelled ctx ends
// only the wait for a place: a change that was taken is always waited for, so
// that its end is known.
func (w *writer) submit(ctx context.Context, build func(*group), publish func()) error {
	return w.give(ctx, &change{build: build, publish: publish, done: make(chan error, 1)})
}

// submitPatiently is submit of a change that no client waits for.
func (w *writer) submitPatiently(ctx context.Context, build func(*group), publish func()) error {
	return w.give(ctx, &change{build: build, publish: publish, patient: true, done: make(chan error, 1)})
}

func (w *writer) give(ctx context.Context, c *change) error {
	select {
	case w.changes <- c:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-c.done
}

func (w *writer) run() {
	pending := make([]*change, 0, maxGroup)
	ticker := time.NewTicker(expireEvery)
	defer ticker.Stop()
	linger := time.NewTimer(maxLinger)
	defer linger.Stop()
	for {
		select {
		case first, open := <-w.changes:
			if !open {
				return
			}
			pending = w.gather(append(pending[:0], first), linger)
			w.countClients(pending)
			w.commit(pending)
		case <-ticker.C:
			if len(w.expired()) > 0 {
				w.commit([]*change{{build: expire, done: make(chan error, 1)}})
			}
		}
	}
}

// gather takes the changes that are waiting already. While all of them are
// patient it waits for one that is not, and where many come for those of a while.
func (w *writer) gather(pending []*change, linger *time.Timer) []*change {
	patient := pending[0].patient
	if linger.Reset(shareLinger); patient {
		linger.Reset(maxLinger)
	}
	for len(pending) < maxGroup {
		var c *change
		var open bool
		select {
		case c, open = <-w.changes:
		default:
			if !patient && !w.many {
				return pending
			}
			select {
			case c, open = <-w.changes:
			case <-linger.C:
				return pending
			}
		}
		if !open {
			return pending
		}
		if pending = append(pending, c); patient && !c.patient {
			patient = false
			linger.Reset(shareLinger)
		}
	}
	return pending
}

// commit writes changes, in as many batches as their size asks for.
func (w *writer) commit(changes []*change) {
	for len(changes) > 0 {
		began := time.Now()
		g := &w.group
		g.begin()
		n := 0
		for n < len(changes) && (n == 0 || g.size() < maxGroupBytes) {
			changes[n].build(g)
			n++
		}
		g.finish()
		size := g.size()
		err := g.commit()
		if err == nil {
			w.publish(g, changes[:n])
		}
		for _, c := range changes[:n] {
			c.done <- err
		}
		if w.store.cfg.Committed != nil {
			w.store.cfg.Committed(n, size, time.Since(began))
		}
		changes = changes[n:]
	}
}

// publish shows readers what a commit brought.
func (w *writer) publish(g *group, changes []*change) {
	s := w.store
	// Before what was settled leaves the windows, so that it is in one of them
	// at any moment.
	s.recent.publish(g.journal, w.commits)
	s.mu.Lock()
	for i := range g.blocks {
		s.publishBlock(&g.blocks[i])
	}
	for _, c := range changes {
		if c.publish != nil {
			c.publish()
		}
	}
	s.account = w.account
	s.mu.Unlock()
	s.runs.publish(g.outcomes)
}

// expired lists the generations of idempotency keys that nobody is answered by
// any more.
func (w *writer) expired() []uint32 {
	oldest := generationOf(w.store.cfg.Now().Add(-w.store.cfg.KeyTTL))
	var gone []uint32
	for generation := range w.keys {
		if generation < oldest {
			gone = append(gone, generation)
		}
	}
	return gone
}

// expire is the change that drops expired generations.
func expire(g *group) {
	for _, generation := range g.w.expired() {
		delete(g.w.keys, generation)
		g.deleteRange(idempotencyKey(generation, pipeline.KeyHash{}), idempotencyKey(generation+1, pipeline.KeyHash{}))
		g.keysChanged = true
	}
}

// group is one commit under construction.
type group struct {
	w           *writer
	batch       *pebble.Batch
	open        map[int]*block // blocks being filled, by partition
	blocks      []block        // blocks that are full, and at the end all
	rooms       [][]byte       // for blocks, of commits before
	outcomes    []runOutcome
	keysChanged bool
	day         day // whose history is being counted
	dayBytes    int64
	scratch     []byte
	journal     []byte // the history rows
	failed      error
}

// begin starts another commit. Nobody uses the memory of the last one any more:
// its batch and its readers have copies of what they need.
func (g *group) begin() {
	for i := range g.blocks {
		if value := g.blocks[i].value; cap(value) <= maxRoom && len(g.rooms) < maxRooms {
			g.rooms = append(g.rooms, value)
		}
	}
	clear(g.blocks)
	clear(g.outcomes)
	*g = group{
		w: g.w, batch: g.w.store.db.NewBatch(), open: g.open, rooms: g.rooms,
		blocks: g.blocks[:0], outcomes: g.outcomes[:0], scratch: g.scratch[:0], journal: g.journal[:0],
	}
	if cap(g.scratch) > maxRoom {
		g.scratch = nil
	}
	if cap(g.journal) > maxJournalRoom {
		g.journal = nil
	}
}

// room gives memory for a block, with place for its header.
func (g *group) room() []byte {
	if n := len(g.rooms); n > 0 {
		room := g.rooms[n-1]
		g.rooms = g.rooms[:n-1]
		return room[:blockHeader]
	}
	return make([]byte, blockHeader, 4<<10)
}

func (g *group) size() int { return g.batch.Len() + g.openBytes() + len(g.journal) }

func (g *group) openBytes() int {
	n := 0
	for _, b := range g.open {
		n += len(b.value)
	}
	return n
}

func (g *group) set(key, value []byte) {
	if err := g.batch.Set(key, value, nil); err != nil && g.failed == nil {
		g.failed = err
	}
}

func (g *group) delete(key []byte) {
	if err := g.batch.Delete(key, nil); err != nil && g.failed == nil {
		g.failed = err
	}
}

func (g *group) deleteRange(from, to []byte) {
	if err := g.batch.DeleteRange(from, to, nil); err != nil && g.failed == nil {
		g.failed = err
	}
}

// enqueue adds a record to the block of its partition.
func (g *group) enqueue(partition int, r *pipeline.Record) {
	p := &g.w.partitions[partition]
	b := g.open[partition]
	if b == nil {
		b = &block{partition: partition, first: p.end, value: g.room()}
		g.open[partition] = b
	}
	b.append(r, &g.scratch)
	p.end++
	if b.count == maxBlock {
		g.closeBlock(b)
	}
}

func (g *group) closeBlock(b *block) {
	binary.BigEndian.PutUint32(b.value, uint32(b.count))
	g.set(queueKey(b.partition, b.first), b.value)
	g.blocks = append(g.blocks, *b)
	delete(g.open, b.partition)
}

// finish completes the batch: the open blocks, the outcomes of load runs, and
// the counters, which thus always agree with the rest.
func (g *group) finish() {
	for _, b := range g.open {
		g.closeBlock(b)
	}
	g.w.commits++
	g.writeJournal()
	g.writeOutcomes()
	g.writeDay()
	g.set(accountKey(), appendAccount(nil, &g.w.account, g.w.commits))
	if g.keysChanged {
		g.writeKeyCounts()
	}
}

func (g *group) commit() error {
	defer func() { _ = g.batch.Close() }()
	err := g.failed
	if err == nil {
		err = g.batch.Commit(pebble.Sync)
	}
	if err == nil {
		err = g.w.acknowledged.write(g.w.commits)
	}
	if err != nil {
		// The written state has run ahead of the disk: going on would promise
		// what is not there.
		err = fmt.Errorf("write to the store in %s: %w", g.w.store.cfg.Dir, err)
		g.w.store.cfg.Fatal(err)
	}
	return err
}

// writeMark writes a partition's mark and frontier.
func (g *group) writeMark(partition int) {
	p := &g.w.partitions[partition]
	value := binary.BigEndian.AppendUint64(nil, uint64(p.mark))
	g.set(markKey(partition), binary.BigEndian.AppendUint64(value, uint64(p.frontier)))
	if p.mark-p.trimmed >= trimEvery+maxBlock {
		// The block that holds the mark may begin up to maxBlock before it.
		behind := p.mark - maxBlock
		g.deleteRange(queueKey(partition, 0), queueKey(partition, behind))
		if p.unread {
			g.deleteRange(unreadKey(partition, 0), unreadKey(partition, behind))
		}
		p.trimmed = behind
	}
}
