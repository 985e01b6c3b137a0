package pebble

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// The first byte of a key says what it holds. All numbers are big-endian, so
// that keys sort by value.
//
//	a                            the account's counters
//	b day                        about what the history of a day takes
//	d id                         a dead letter
//	e user-hash user             a user that is being erased
//	f partition                  a partition's mark and frontier
//	i generation key-hash        an idempotency key's answer
//	j commit                     the history rows that a commit brought, until a table has them
//	m name                       the format version and what the store was made with
//	o run 0 commit               outcomes of a load run, as one commit brought them
//	q partition offset           a block of records, named by its first offset
//	s day                        where the slices of a day begin
//	u partition offset           that a queue's bytes were no record, and were put aside
//	w lane due id                a record that waits for its retry
//	x lane                       the last retry of the lane that was handed out
//	z slice user-hash id         a history row: a user's rows of a slice of a day together
//
// History rows stand behind everything else, so that no table that is written of
// other keys lies around them: the tables of rows are merged among themselves.
const (
	prefixAccount   = 'a'
	prefixDayBytes  = 'b'
	prefixDead      = 'd'
	prefixErasure   = 'e'
	prefixMark      = 'f'
	prefixKey       = 'i'
	prefixJournal   = 'j'
	prefixMeta      = 'm'
	prefixRun       = 'o'
	prefixQueue     = 'q'
	prefixSlices    = 's'
	prefixUnread    = 'u'
	prefixWaiting   = 'w'
	prefixRetryMark = 'x'
	prefixRow       = 'z'
)

const (
	// idempotencyGeneration is the span of keys that expire together, in one
	// range deletion instead of one tombstone each. It is in the keys.
	idempotencyGeneration = 4 * time.Hour
	defaultKeyTTL         = 24 * time.Hour
)

func accountKey() []byte { return []byte{prefixAccount} }

func metaKey(name string) []byte { return append([]byte{prefixMeta}, name...) }

func markKey(partition int) []byte { return []byte{prefixMark, byte(partition)} }

func retryMarkKey(lane int) []byte { return []byte{prefixRetryMark, byte(lane)} }

func queueKey(partition int, offset int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixQueue, byte(partition)}, uint64(offset))
}

func unreadKey(partition int, offset int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixUnread, byte(partition)}, uint64(offset))
}

// queueOffset reads the offset back from a queue key.
func queueOffset(key []byte) (int64, error) {
	if len(key) != 10 || key[0] != prefixQueue {
		return 0, fmt.Errorf("queue key %x has not its shape", key)
	}
	return int64(binary.BigEndian.Uint64(key[2:])), nil
}

// day numbers the days of the history since 1970, in UTC.
type day uint16

const dayLength = 24 * time.Hour

func dayOf(t time.Time) day {
	return day(min(max(t.Unix()/int64(dayLength/time.Second), 0), 1<<16-1))
}

// begin is the first moment of the day.
func (d day) begin() time.Time { return time.Unix(int64(d)*int64(dayLength/time.Second), 0) }

func dayBytesKey(d day) []byte {
	return binary.BigEndian.AppendUint16([]byte{prefixDayBytes}, uint16(d))
}

func journalKey(commit uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixJournal}, commit)
}

func parseJournalKey(key []byte) (commit uint64, err error) {
	if len(key) != 9 || key[0] != prefixJournal {
		return 0, damagef("journal key %x has not its shape", key)
	}
	return binary.BigEndian.Uint64(key[1:]), nil
}

func slicesKey(d day) []byte { return binary.BigEndian.AppendUint16([]byte{prefixSlices}, uint16(d)) }

// A row's key: the slice and the user's hash stand before the id, and follow
// from it.
const rowKeySize = 1 + 4 + 4 + len(pipeline.ID{})

func appendRowKey(b []byte, in slice, id pipeline.ID) []byte {
	return append(appendUserKey(b, in, id.UserHash()), id[:]...)
}

// appendUserKey appends what the keys of a user's rows of a slice begin with.
func appendUserKey(b []byte, in slice, hash uint32) []byte {
	b = binary.BigEndian.AppendUint32(append(b, prefixRow), uint32(in))
	return binary.BigEndian.AppendUint32(b, hash)
}

// parseRowKey reads the parts of a row's key.
func parseRowKey(key []byte) (in slice, hash uint32, id pipeline.ID, err error) {
	if len(key) != rowKeySize || key[0] != prefixRow {
		return 0, 0, id, fmt.Errorf("history key %x has not its shape", key)
	}
	copy(id[:], key[9:])
	return slice(binary.BigEndian.Uint32(key[1:])), binary.BigEndian.Uint32(key[5:]), id, nil
}

// rowsBefore is the smallest row key that is not of a day before d.
func rowsBefore(d day) []byte {
	return binary.BigEndian.AppendUint32([]byte{prefixRow}, uint32(firstSlice(d)))
}

func deadKey(id pipeline.ID) []byte { return append([]byte{prefixDead}, id[:]...) }

func parseDeadKey(key []byte) (id pipeline.ID, err error) {
	if len(key) != 1+len(id) || key[0] != prefixDead {
		return id, fmt.Errorf("dead letter key %x has not its shape", key)
	}
	return pipeline.ID(key[1:]), nil
}

func erasureKey(user string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{prefixErasure}, pipeline.UserHash(user))
	return append(b, user...)
}

// highestID is above every id.
func highestID() pipeline.ID {
	var id pipeline.ID
	for i := range id {
		id[i] = 0xff
	}
	return id
}

// waitKey orders the waiting records of a lane: by due time, then by id.
type waitKey struct {
	due int64 // milliseconds since 1970
	id  pipeline.ID
}

func (k waitKey) append(b []byte, lane int) []byte {
	b = binary.BigEndian.AppendUint64(append(b, prefixWaiting, byte(lane)), uint64(k.due))
	return append(b, k.id[:]...)
}

// after is the smallest key behind k.
func (k waitKey) after(lane int) []byte { return append(k.append(nil, lane), 0) }

func (k waitKey) less(other waitKey) bool {
	return k.due < other.due || k.due == other.due && string(k.id[:]) < string(other.id[:])
}

func parseWaitKey(key []byte) (waitKey, error) {
	var k waitKey
	if len(key) != 10+len(k.id) || key[0] != prefixWaiting {
		return k, fmt.Errorf("waiting key %x has not its shape", key)
	}
	k.due = int64(binary.BigEndian.Uint64(key[2:10]))
	copy(k.id[:], key[10:])
	return k, nil
}

func generationOf(at time.Time) uint32 {
	return uint32(at.Unix() / int64(idempotencyGeneration/time.Second))
}

func idempotencyKey(generation uint32, key pipeline.KeyHash) []byte {
	b := binary.BigEndian.AppendUint32([]byte{prefixKey}, generation)
	return append(b, key[:]...)
}

// idempotencyKeys is from which key on, and before which, those of a generation
// lie.
func idempotencyKeys(generation uint32) (from, to []byte) {
	return idempotencyKey(generation, pipeline.KeyHash{}), idempotencyKey(generation+1, pipeline.KeyHash{})
}

func parseIdempotencyKey(key []byte) (hash pipeline.KeyHash, err error) {
	if len(key) != 1+4+len(hash) || key[0] != prefixKey {
		return hash, fmt.Errorf("idempotency key %x has not its shape", key)
	}
	return pipeline.KeyHash(key[5:]), nil
}

func runPrefix(run string) []byte { return append(append([]byte{prefixRun}, run...), 0) }

func runKey(run string, commit uint64) []byte {
	return binary.BigEndian.AppendUint64(runPrefix(run), commit)
}

// prefixEnd is the smallest key behind all that start with prefix, whose last
// byte is below 255.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	end[len(end)-1]++
	return end
}
