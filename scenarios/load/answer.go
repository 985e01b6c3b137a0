package load

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"

	"github.com/go-faster/jx"
)

// Kind is what came of a request: the few things that a report counts apart.
type Kind uint8

// The kinds. Accepted and Refused are answers that the API means to give; the
// rest are errors.
const (
	Accepted    Kind = iota // 202, and every entry has its result
	Refused                 // 429 or 503: not now
	ClientError             // any other 4xx
	ServerError             // any other 5xx
	Redirect                // 3xx; it is never followed
	Malformed               // no answer of this API: another 2xx, or no list of results
	Timeout                 // no whole answer before the deadline
	Unreachable             // no connection
	Reset                   // the connection ended before the answer did
	Cancelled               // given up when the run was ended
	kinds
)

// Kinds lists them, in the order reports show them.
func Kinds() []Kind {
	list := make([]Kind, kinds)
	for i := range list {
		list[i] = Kind(i)
	}
	return list
}

// String gives the kind as reports write it.
func (k Kind) String() string {
	switch k {
	case Accepted:
		return "accepted"
	case Refused:
		return "refused"
	case ClientError:
		return "client_error"
	case ServerError:
		return "server_error"
	case Redirect:
		return "redirect"
	case Malformed:
		return "malformed"
	case Timeout:
		return "timeout"
	case Unreachable:
		return "unreachable"
	case Reset:
		return "reset"
	case Cancelled:
		return "cancelled"
	}
	panic("BUG: unknown kind of answer")
}

// IsError says whether the kind counts as an error, rather than as accepted or
// refused.
func (k Kind) IsError() bool { return k != Accepted && k != Refused }

// classify says what an answer's status and body come to.
func classify(status int, body []byte, entries int) Kind {
	if status == http.StatusAccepted {
		if countResults(body) == entries {
			return Accepted
		}
		return Malformed
	}
	return refusalOf(status)
}

// refusalOf says what an answer that does not accept comes to, by its status.
func refusalOf(status int) Kind {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return Refused
	case status >= 500:
		return ServerError
	case status >= 400:
		return ClientError
	case status >= 300:
		return Redirect
	}
	return Malformed
}

// classifyError says what an error of the transport comes to. The run's own
// end comes before the deadline that it also ends.
func classifyError(ctx context.Context, err error) Kind {
	var operation *net.OpError
	var timeout net.Error
	switch {
	case errors.Is(context.Cause(ctx), errEnded):
		return Cancelled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case errors.As(err, &operation) && operation.Op == "dial", errors.Is(err, syscall.ECONNREFUSED):
		return Unreachable
	}
	return Reset
}

// countResults gives the number of results in the answer to a submission, each
// with an id and a status; -1 when it is no such answer.
func countResults(body []byte) int {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(body)
	if d.Next() != jx.Object {
		return -1
	}
	n, seen := 0, false
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		if string(key) != "results" {
			return d.Skip()
		}
		seen = true
		return d.Arr(func(d *jx.Decoder) error {
			n++
			return checkResult(d)
		})
	})
	if err != nil || !seen {
		return -1
	}
	return n
}

var errNoResult = errors.New("a result without an id and a status")

func checkResult(d *jx.Decoder) error {
	id, status := false, false
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		var into *bool
		switch string(key) {
		case "id":
			into = &id
		case "status":
			into = &status
		default:
			return d.Skip()
		}
		text, err := d.StrBytes()
		*into = len(text) > 0
		return err
	})
	if err == nil && (!id || !status) {
		err = errNoResult
	}
	return err
}
