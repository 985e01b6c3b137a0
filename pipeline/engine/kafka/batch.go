package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// A record batch of version 2, as Kafka's documentation lays it out under
// "Message format", neither compressed nor in a transaction. Where its fields
// stand:
const (
	lengthAt        = 8  // of all that follows it
	leaderEpochAt   = 12 // which the broker fills in
	magicAt         = 16
	crcAt           = 17 // CRC-32C of all that follows it
	lastOffsetAt    = 23 // counted from the first record, as times are below
	firstTimeAt     = 27
	lastTimeAt      = 35
	producerAt      = 43
	producerEpochAt = 51
	sequenceAt      = 53
	countAt         = 57
	headerLen       = 61

	batchMagic    = 2
	noLeaderEpoch = 0xffffffff
	// sizeLen is what kafka-go wants in front of a raw batch: its length.
	sizeLen = 4
	// recordOverhead is the most that a record takes beside its key and value.
	recordOverhead = 32
	// maxBatch is the most bytes of a batch. Brokers refuse one over 1,048,588
	// bytes unless told otherwise.
	maxBatch = 900 << 10
)

// session is what a broker tells a producer's batches from others' by. The zero
// value is none.
type session struct {
	id    int64
	epoch int16
	given bool
}

// nextSequence is the sequence of the record after n from one. They count to
// 2^31-1 and begin again at 0.
func nextSequence(sequence int32, n int) int32 {
	return int32((int64(sequence) + int64(n)) & math.MaxInt32)
}

// batchEncoder writes one batch, behind its length.
type batchEncoder struct {
	b     []byte
	base  int64 // time of the first record, ms since 1970
	last  int64 // latest time
	count int
}

// newBatchEncoder starts a batch of at most size bytes of records, the first of
// which has the sequence given.
func newBatchEncoder(size int, by session, sequence int32, at int64) *batchEncoder {
	b := make([]byte, sizeLen+headerLen, sizeLen+headerLen+size)
	header := b[sizeLen:]
	binary.BigEndian.PutUint32(header[leaderEpochAt:], noLeaderEpoch)
	header[magicAt] = batchMagic
	binary.BigEndian.PutUint64(header[firstTimeAt:], uint64(at))
	binary.BigEndian.PutUint64(header[producerAt:], uint64(by.id))
	binary.BigEndian.PutUint16(header[producerEpochAt:], uint16(by.epoch))
	binary.BigEndian.PutUint32(header[sequenceAt:], uint32(sequence))
	return &batchEncoder{b: b, base: at, last: at}
}

// add appends a record.
func (e *batchEncoder) add(at int64, key, value []byte) {
	delta, offset := at-e.base, int64(e.count)
	size := 1 + varintLen(delta) + varintLen(offset) +
		varintLen(int64(len(key))) + len(key) + varintLen(int64(len(value))) + len(value) + 1
	b := binary.AppendVarint(e.b, int64(size))
	b = append(b, 0) // attributes, of which there are none
	b = binary.AppendVarint(b, delta)
	b = binary.AppendVarint(b, offset)
	b = append(binary.AppendVarint(b, int64(len(key))), key...)
	b = append(binary.AppendVarint(b, int64(len(value))), value...)
	e.b = append(b, 0) // headers, of which there are none
	e.last = max(e.last, at)
	e.count++
}

// finish fills in what depends on the records, and gives the batch.
func (e *batchEncoder) finish() []byte {
	batch := e.b[sizeLen:]
	binary.BigEndian.PutUint32(e.b, uint32(len(batch)))
	binary.BigEndian.PutUint32(batch[lengthAt:], uint32(len(batch)-lengthAt-4))
	binary.BigEndian.PutUint32(batch[lastOffsetAt:], uint32(e.count-1))
	binary.BigEndian.PutUint64(batch[lastTimeAt:], uint64(e.last))
	binary.BigEndian.PutUint32(batch[countAt:], uint32(e.count))
	binary.BigEndian.PutUint32(batch[crcAt:], crc32.Checksum(batch[crcAt+4:], crc32.MakeTable(crc32.Castagnoli)))
	return e.b
}

// varintLen is how many bytes [binary.AppendVarint] appends.
func varintLen(v int64) int {
	n := 1
	for zigzag := uint64(v)<<1 ^ uint64(v>>63); zigzag >= 0x80; zigzag >>= 7 {
		n++
	}
	return n
}
