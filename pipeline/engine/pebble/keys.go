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
//	f partition                  a partition's mark and frontier
//	h day user-hash id           a history row: a user's rows of a day together
//	i generation key-hash        an idempotency key's answer
//	m name                       the format version and what the store was made with
//	o run 0 commit               outcomes of a load run, as one commit brought them
//	q partition offset           a block of records, named by its first offset
//	u partition offset           bytes in the queue that are no record
//	w lane due id                a record that waits for its retry
//	x lane                       the last retry of the lane that was handed out
const (
	prefixAccount   = 'a'
	prefixMark      = 'f'
	prefixRow       = 'h'
	prefixKey       = 'i'
	prefixMeta      = 'm'
	prefixRun       = 'o'
	prefixQueue     = 'q'
	prefixUnread    = 'u'
	prefixWaiting   = 'w'
	prefixRetryMark = 'x'
)

// idempotencyGeneration is the span of keys that expire together, in one range
// deletion instead of one tombstone each.
const (
	idempotencyGeneration = 4 * time.Hour
	idempotencyTTL        = 24 * time.Hour
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

func appendRowKey(b []byte, id pipeline.ID) []byte {
	day := id.Time().Unix() / (24 * 60 * 60)
	b = binary.BigEndian.AppendUint16(append(b, prefixRow), uint16(day))
	b = binary.BigEndian.AppendUint32(b, id.UserHash())
	return append(b, id[:]...)
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
