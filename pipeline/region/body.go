package region

import (
	"io"
	"net/http"
	"sync/atomic"
)

// Bounds of the bodies that are kept so that their requests can be repeated: of
// one, of all together, and of the room that is used again for the next. A
// request beyond them is not repeated once its body was read.
const (
	mostKept     = 1 << 20
	mostKeptAll  = 32 << 20
	mostReusable = 128 << 10
)

// keptBody is a request's body that notes whether it was read, and keeps what
// was if the request may be repeated.
type keptBody struct {
	source io.ReadCloser
	total  *atomic.Int64
	length int64 // that is kept; 0: it is not
	kept   []byte
	at     int
	read   bool
}

// begin stands before a request's body.
func (k *keptBody) begin(r *http.Request, keep bool, total *atomic.Int64) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return
	}
	k.source, k.total, k.read, k.at = r.Body, total, false, 0
	k.kept = k.kept[:0]
	if keep && r.ContentLength > 0 && r.ContentLength <= mostKept {
		if total.Add(r.ContentLength) <= mostKeptAll {
			k.length = r.ContentLength
		} else {
			total.Add(-r.ContentLength)
		}
	}
	r.Body = k
}

// end gives the room back.
func (k *keptBody) end() {
	if k.length > 0 {
		k.total.Add(-k.length)
	}
	room := k.kept[:0]
	if cap(room) > mostReusable {
		room = nil
	}
	*k = keptBody{kept: room}
}

// any says whether there is a body.
func (k *keptBody) any() bool { return k.source != nil }

// rewindable says whether the body can be read from its beginning.
func (k *keptBody) rewindable() bool { return !k.any() || !k.read || k.length > 0 }

// rewind goes back to the beginning.
func (k *keptBody) rewind() { k.at, k.read = 0, false }

// Read reads what was kept, then what has not come yet.
func (k *keptBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	k.read = true
	if k.at < len(k.kept) {
		n := copy(p, k.kept[k.at:])
		k.at += n
		return n, nil
	}
	n, err := k.source.Read(p)
	if k.length > 0 {
		k.kept = append(k.kept, p[:n]...)
		k.at += n
	}
	return n, err
}

// Close leaves the source open, for another gateway; the server closes it.
func (k *keptBody) Close() error { return nil }
