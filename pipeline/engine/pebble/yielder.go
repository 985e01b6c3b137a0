package pebble

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

const (
	// yieldBlocks is how many blocks of a table are written at a stretch: about a
	// third of a millisecond.
	yieldBlocks = 4
	// yieldFor is how long whoever works for nobody who waits then sleeps.
	yieldFor = 50 * time.Microsecond
)

// giveWay lets those run who are waited for. Going behind them in the scheduler's
// queue, as by runtime.Gosched, is not enough: a processor that finds its next in
// a queue does not look what has come from the network, so that two who work for
// nobody and take turns on two processors keep requests in the sockets until the
// scheduler looks by the clock, every 10 ms.
func giveWay() { time.Sleep(yieldFor) }

// yielder gives way whenever a table that nobody waits for has some more blocks:
// of a flush, a compaction or the builder. Each of them would else keep a
// processor until the scheduler takes it away. Pebble knows it as a collector of
// block properties, of which it has none.
type yielder struct{ blocks int }

func newYielder() pebble.BlockPropertyCollector { return &yielder{} }

// Name is kept in the tables.
func (*yielder) Name() string { return "notifyctl.yield" }

// AddPointKey does nothing.
func (*yielder) AddPointKey(pebble.InternalKey, []byte) error { return nil }

// AddRangeKeys does nothing.
func (*yielder) AddRangeKeys(sstable.Span) error { return nil }

// AddCollectedWithSuffixReplacement is not supported: our keys have no suffixes.
func (*yielder) AddCollectedWithSuffixReplacement([]byte, []byte, []byte) error {
	return errors.New("keys have no suffixes to replace")
}

// SupportsSuffixReplacement says so.
func (*yielder) SupportsSuffixReplacement() bool { return false }

// FinishDataBlock gives way after some of them.
func (y *yielder) FinishDataBlock(buf []byte) ([]byte, error) {
	if y.blocks++; y.blocks%yieldBlocks == 0 {
		giveWay()
	}
	return buf, nil
}

// AddPrevDataBlockToIndexBlock does nothing.
func (*yielder) AddPrevDataBlockToIndexBlock() {}

// FinishIndexBlock gives no property.
func (*yielder) FinishIndexBlock(buf []byte) ([]byte, error) { return buf, nil }

// FinishTable gives no property.
func (*yielder) FinishTable(buf []byte) ([]byte, error) { return buf, nil }
