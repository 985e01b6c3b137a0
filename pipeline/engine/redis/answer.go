package redis

import (
	"errors"

	"github.com/notifyctl/notifyctl/pipeline"
)

// answer is what a key that is done holds.
type answer struct {
	body    pipeline.BodyHash
	stamp   pipeline.Stamp
	results []pipeline.Result
}

// appendDone appends the entry of a key that is done.
func appendDone(b []byte, a *answer) []byte {
	b = append(append(b, stateDone), a.body[:]...)
	return pipeline.AppendResults(pipeline.AppendStamp(b, a.stamp), a.results)
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
		s := pipeline.Standing{Kind: pipeline.Resumed, Stamp: d.Stamp()}
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
	s := pipeline.Standing{Kind: pipeline.Replayed, Stamp: d.Stamp(), Results: d.Results()}
	if d.Failed() {
		return pipeline.Standing{}, errBadEntry
	}
	return s, nil
}
