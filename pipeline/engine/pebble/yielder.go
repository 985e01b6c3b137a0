package pebble

import (
	"errors"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// yielder lets those run who are waited for, whenever a table that nobody waits
// for has another block: of a flush, a compaction or the builder. Each of them
// would else keep a processor until the scheduler takes it away, 10 ms. Pebble
// knows it as a collector of block properties, of which it has none.
type yielder struct{}

func newYielder() pebble.BlockPropertyCollector { return yielder{} }

// Name is kept in the tables.
func (yielder) Name() string { return "notifyctl.yield" }

// AddPointKey does nothing.
func (yielder) AddPointKey(pebble.InternalKey, []byte) error { return nil }

// AddRangeKeys does nothing.
func (yielder) AddRangeKeys(sstable.Span) error { return nil }

// AddCollectedWithSuffixReplacement is not supported: our keys have no suffixes.
func (yielder) AddCollectedWithSuffixReplacement([]byte, []byte, []byte) error {
	return errors.New("keys have no suffixes to replace")
}

// SupportsSuffixReplacement says so.
func (yielder) SupportsSuffixReplacement() bool { return false }

// FinishDataBlock yields.
func (yielder) FinishDataBlock(buf []byte) ([]byte, error) {
	runtime.Gosched()
	return buf, nil
}

// AddPrevDataBlockToIndexBlock does nothing.
func (yielder) AddPrevDataBlockToIndexBlock() {}

// FinishIndexBlock gives no property.
func (yielder) FinishIndexBlock(buf []byte) ([]byte, error) { return buf, nil }

// FinishTable gives no property.
func (yielder) FinishTable(buf []byte) ([]byte, error) { return buf, nil }
