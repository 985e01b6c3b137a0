package kafka

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/notifyctl/notifyctl/pipeline"
)

// maxMetadata is the most bytes of metadata that a broker takes with a commit,
// unless it was told otherwise (offset.metadata.max.bytes).
const maxMetadata = 4096

// maxCount is more than any offset or count, and half of what an int64 holds, so
// that the sum of two does not overflow.
const maxCount = 1 << 62

// commitFormat is the version of a commit's metadata.
const commitFormat = 2

// The two forms of the set of records that left ahead of the mark. The shorter
// is used.
const (
	aheadAsRuns   = 0 // gaps and lengths in turn, as varints
	aheadAsBitmap = 1 // a bit a record from the mark on, lowest bit first, without zero bytes at its end
)

// errBadCommit says that a commit's metadata is none of ours.
var errBadCommit = errors.New("the commit's metadata is not of notifyctl, or is damaged")

// counts is how the records of a partition left, from its first on. They are
// cumulative and travel with the marks, so that they cover exactly what left,
// whoever owned the partition.
type counts struct {
	delivered, suppressed, expired, rateDropped, dead int64
	repeats                                           int64 // were copies of others
	moved                                             int64 // were queued again, as retries
	ambiguous, takeovers                              int64 // attempts, not records
	// ended is how many met an outcome, by priority: the records of a delay
	// topic are of all of them.
	ended [3]int64
}

// fields lists the counts in the order they are kept.
func (c *counts) fields() [12]*int64 {
	return [...]*int64{
		&c.delivered, &c.suppressed, &c.expired, &c.rateDropped, &c.dead, &c.repeats, &c.moved, &c.ambiguous, &c.takeovers,
		&c.ended[0], &c.ended[1], &c.ended[2],
	}
}

// outcome counts one.
func (c *counts) outcome(s pipeline.State, p pipeline.Priority) {
	switch s {
	case pipeline.Delivered:
		c.delivered++
	case pipeline.Suppressed:
		c.suppressed++
	case pipeline.Expired:
		c.expired++
	case pipeline.RateDropped:
		c.rateDropped++
	case pipeline.Dead:
		c.dead++
	default:
		panic(fmt.Sprintf("BUG: a delivery ended as %v", s))
	}
	c.ended[p-pipeline.High]++
}

// attempt counts an attempt that left something open.
func (c *counts) attempt(class pipeline.AnswerClass) {
	switch class {
	case pipeline.Ambiguous:
		c.ambiguous++
	case pipeline.Uncertain:
		c.takeovers++
	}
}

// outcomes is how many met one.
func (c *counts) outcomes() int64 { return c.ended[0] + c.ended[1] + c.ended[2] }

// add adds other counts.
func (c *counts) add(other *counts) {
	fields, others := c.fields(), other.fields()
	for i := range fields {
		*fields[i] += *others[i]
	}
}

// commit is what is committed of a partition. Its mark is the offset that Kafka
// knows of; the rest is the metadata:
//
//	version
//	frontier - mark   what may have been handed out lies below the frontier
//	handed - mark     what was handed out lies below, but for a few since
//	unknown - mark    what may have left by a commit that is gone lies below
//	the 12 counts
//	what left ahead of the mark, in one of two forms
//
// all of it as varints, in base64.
type commit struct {
	window
	frontier int64
	handed   int64
	// unknown is not below the mark.
	unknown int64
	counts
}

// metadata is the commit's metadata, never more than maxMetadata bytes: 17 numbers
// of 10 bytes and a bitmap of 2 KiB make 2,960 of base64.
func (c *commit) metadata() string {
	b := make([]byte, 0, 256)
	b = append(b, commitFormat)
	b = binary.AppendUvarint(b, uint64(c.frontier-c.mark))
	b = binary.AppendUvarint(b, uint64(c.handed-c.mark))
	b = binary.AppendUvarint(b, uint64(c.unknown-c.mark))
	for _, n := range c.fields() {
		b = binary.AppendUvarint(b, uint64(*n))
	}
	b = c.appendAhead(b)
	return base64.RawStdEncoding.EncodeToString(b)
}

// appendAhead appends the set of the records that left ahead of the mark.
func (w *window) appendAhead(b []byte) []byte {
	start, at := len(b), w.mark
	b = append(b, aheadAsRuns)
	w.runs(func(from, to int64) {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(from-at)), uint64(to-from))
		at = to
	})
	if size := (at - w.mark + 7) / 8; int64(len(b)-start-1) > size {
		b = append(b[:start], aheadAsBitmap)
		bitmap := make([]byte, size)
		w.runs(func(from, to int64) {
			for offset := from - w.mark; offset < to-w.mark; offset++ {
				bitmap[offset/8] |= 1 << (offset % 8)
			}
		})
		b = append(b, bitmap...)
	}
	return b
}

// parseCommit reads what was committed of a partition. A commit without metadata
// is not ours but an operator's, who set the group's offset by hand: nothing is
// known of what lies behind it, so all of it may have been handed out. end is the
// partition's. Errors: errBadCommit.
func parseCommit(offset int64, metadata string, end int64) (*commit, error) {
	if offset >= maxCount {
		return nil, errBadCommit
	}
	c := &commit{window: window{mark: offset}, frontier: offset, handed: offset, unknown: offset}
	if metadata == "" {
		c.frontier = max(offset, end)
		return c, nil
	}
	b, err := base64.RawStdEncoding.DecodeString(metadata)
	if err != nil {
		return nil, errBadCommit
	}
	d := pipeline.NewDecoder(string(b))
	if format := d.Byte(); format != commitFormat && !d.Failed() {
		return nil, fmt.Errorf("%w: version %d, known is %d", errBadCommit, format, commitFormat)
	}
	c.frontier, c.handed, c.unknown = behind(&d, offset), behind(&d, offset), behind(&d, offset)
	for _, n := range c.fields() {
		*n = behind(&d, 0)
	}
	c.decodeAhead(&d)
	if d.Failed() || d.Rest() != "" || c.reach() > c.handed {
		return nil, errBadCommit
	}
	return c, nil
}

// behind reads a number that is kept as its distance from a base.
func behind(d *pipeline.Decoder, base int64) int64 {
	distance := d.Uvarint()
	if distance > maxCount {
		d.Fail()
		return base
	}
	return base + int64(distance)
}

// decodeAhead reads what appendAhead wrote. The record at the mark has not left,
// or the mark would have moved.
func (w *window) decodeAhead(d *pipeline.Decoder) {
	form := d.Byte()
	for at := w.mark; form == aheadAsRuns && d.Rest() != "" && !d.Failed(); {
		gap, length := d.Uvarint(), d.Uvarint()
		if room := uint64(w.room(at)); gap == 0 || length == 0 || gap > room || length > room-gap {
			d.Fail()
			return
		}
		at += int64(gap)
		for range length {
			w.setAhead(at)
			at++
		}
	}
	if form != aheadAsBitmap {
		if form != aheadAsRuns {
			d.Fail()
		}
		return
	}
	bitmap := d.Take(len(d.Rest()))
	if len(bitmap) == 0 || len(bitmap) > windowSize/8 || bitmap[0]&1 != 0 || bitmap[len(bitmap)-1] == 0 {
		d.Fail()
		return
	}
	for i := range len(bitmap) {
		for rest := uint(bitmap[i]); rest != 0; rest &= rest - 1 {
			w.setAhead(w.mark + int64(8*i+bits.TrailingZeros(rest)))
		}
	}
}

func (w *window) setAhead(offset int64) {
	word, bit := slot(offset)
	w.done[word] |= bit
	w.ahead++
}
