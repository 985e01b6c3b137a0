package redis

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// answer is what a key that is done holds.
type answer struct {
	body    pipeline.BodyHash
	stamp   pipeline.Stamp
	results []pipeline.Result
}

// stampSize is the bytes of a stamp: its time in milliseconds and its first
// sequence, big-endian.
const stampSize = 8 + 4

func appendStamp(b []byte, s pipeline.Stamp) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.At.UnixMilli()))
	return binary.BigEndian.AppendUint32(b, s.First)
}

func readStamp(d *pipeline.Decoder) pipeline.Stamp {
	text := d.Take(stampSize)
	if d.Failed() {
		return pipeline.Stamp{}
	}
	return pipeline.Stamp{
		At:    time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(text[:8])))),
		First: binary.BigEndian.Uint32([]byte(text[8:])),
	}
}

// appendDone appends the entry of a key that is done. Nearly all results are
// "accepted", so those are only counted.
func appendDone(b []byte, a *answer) []byte {
	b = append(append(b, stateDone), a.body[:]...)
	b = appendStamp(b, a.stamp)
	b = binary.AppendUvarint(b, uint64(len(a.results)))
	for i, result := range a.results {
		if result.State != pipeline.Queued {
			b = append(binary.AppendUvarint(b, uint64(i)), byte(result.State))
			b = pipeline.AppendText(b, result.Reason)
		}
	}
	return b
}

var errBadEntry = errors.New("an idempotency key's entry was not written by this program, or is damaged")

// isRefusal says whether what the reserve script gave is no standing.
func isRefusal(reply string) bool {
	return reply == "" || reply[0] != stateFresh && reply[0] != stateResumed && reply[0] != stateDone
}

// readStanding reads what the reserve script gave. Errors: the reason why the
// key was refused; errBadEntry.
func readStanding(reply string, fresh pipeline.Stamp) (pipeline.Standing, error) {
	d := pipeline.NewDecoder(reply)
	switch d.Byte() {
	case stateFresh:
		return pipeline.Standing{Kind: pipeline.Fresh, Stamp: fresh}, nil
	case stateResumed:
		s := pipeline.Standing{Kind: pipeline.Resumed, Stamp: readStamp(&d)}
		if d.Failed() || d.Rest() != "" {
			return pipeline.Standing{}, errBadEntry
		}
		return s, nil
	case stateDone:
		return readAnswer(&d)
	case replyRunning:
		return pipeline.Standing{}, pipeline.ErrRunning
	case replyConflict:
		return pipeline.Standing{}, pipeline.ErrConflict
	}
	return pipeline.Standing{}, errBadEntry
}

func readAnswer(d *pipeline.Decoder) (pipeline.Standing, error) {
	s := pipeline.Standing{Kind: pipeline.Replayed, Stamp: readStamp(d)}
	n := d.Uvarint()
	if d.Failed() || n > pipeline.MaxSlice {
		return pipeline.Standing{}, errBadEntry
	}
	s.Results = make([]pipeline.Result, n)
	for i := range s.Results {
		s.Results[i].State = pipeline.Queued
	}
	for d.Rest() != "" && !d.Failed() {
		i := d.Uvarint()
		result := pipeline.Result{State: pipeline.State(d.Byte()), Reason: d.Text()}
		if i >= n || !result.State.Terminal() { // what was queued is not written
			return pipeline.Standing{}, errBadEntry
		}
		s.Results[i] = result
	}
	if d.Failed() {
		return pipeline.Standing{}, errBadEntry
	}
	return s, nil
}
