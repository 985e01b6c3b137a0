package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// blockHeader is the count of records, four bytes.
const blockHeader = 4

var errBadBlock = errors.New("bytes are not a block of records")

// block is the records that one commit added to a partition: the header, then
// each record behind its length, so that bytes that are no record can be
// passed over.
type block struct {
	partition int
	first     int64 // offset of the first record
	count     int64
	value     []byte
	oldest    time.Time // acceptance of the first record
}

func (b *block) append(r *pipeline.Record, scratch *[]byte) {
	if b.count == 0 {
		b.oldest = r.AcceptedAt()
	}
	*scratch = pipeline.AppendRecord((*scratch)[:0], r)
	b.value = binary.AppendUvarint(b.value, uint64(len(*scratch)))
	b.value = append(b.value, *scratch...)
	b.count++
}

// records is a block that is being read.
type records struct {
	next int64 // offset of the next record
	end  int64
	rest string
}

// openBlock reads a block's header.
func openBlock(first int64, value string) (records, error) {
	if len(value) < blockHeader {
		return records{}, errBadBlock
	}
	count := binary.BigEndian.Uint32([]byte(value[:blockHeader]))
	return records{next: first, end: first + int64(count), rest: value[blockHeader:]}, nil
}

// take returns the bytes of the next record.
func (r *records) take() (string, error) {
	size, n := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen32)]))
	if n <= 0 || size > uint64(len(r.rest)-n) {
		return "", fmt.Errorf("%w: record %d is cut short", errBadBlock, r.next)
	}
	record := r.rest[n : n+int(size)]
	r.rest = r.rest[n+int(size):]
	r.next++
	return record, nil
}

// accepted is when the next record was accepted, as its id says; the zero time
// when it is no record.
func (r *records) accepted() time.Time {
	_, n := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen32)]))
	if n <= 0 {
		return time.Time{}
	}
	id, ok := recordID(r.rest[n:])
	if !ok {
		return time.Time{}
	}
	return id.Time()
}

// recordID reads the id at the head of a record's bytes, behind their format.
func recordID(record string) (id pipeline.ID, ok bool) {
	if len(record) < 1+len(id) {
		return id, false
	}
	copy(id[:], record[1:])
	return id, true
}
