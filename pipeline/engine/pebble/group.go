package pebble

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
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
)

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
