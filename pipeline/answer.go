package pipeline

import (
	"encoding/binary"
	"time"
)

// What stores keep of a request's answer beside its body's hash: the stamp, of
// which the ids are remade, and the results.

// StampSize is the bytes of a stamp: its time in milliseconds and its first
// sequence, big-endian.
const StampSize = 8 + 4

// AppendStamp appends the binary form of a stamp.
func AppendStamp(b []byte, s Stamp) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.At.UnixMilli()))
	return binary.BigEndian.AppendUint32(b, s.First)
}

// AppendResults appends the binary form of results, which ends what is kept.
// Nearly all are Queued, so those are only counted.
func AppendResults(b []byte, results []Result) []byte {
	b = binary.AppendUvarint(b, uint64(len(results)))
	for i, result := range results {
		if result.State != Queued {
			b = append(binary.AppendUvarint(b, uint64(i)), byte(result.State))
			b = AppendText(b, result.Reason)
		}
	}
	return b
}

// Stamp reads what [AppendStamp] wrote.
func (d *Decoder) Stamp() Stamp {
	text := d.Take(StampSize)
	if d.failed {
		return Stamp{}
	}
	return Stamp{
		At:    time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(text[:8])))),
		First: binary.BigEndian.Uint32([]byte(text[8:])),
	}
}

// Results reads what [AppendResults] wrote, to the end.
func (d *Decoder) Results() []Result {
	n := d.Uvarint()
	if n > MaxSlice {
		d.Fail()
	}
	if d.failed {
		return nil
	}
	results := make([]Result, n)
	for i := range results {
		results[i].State = Queued
	}
	for d.rest != "" && !d.failed {
		i := d.Uvarint()
		result := Result{State: State(d.Byte()), Reason: d.Text()}
		if i >= n || !result.State.Terminal() { // what was queued is not written
			d.Fail()
			break
		}
		results[i] = result
	}
	return results
}
