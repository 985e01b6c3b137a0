package mockproviders

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// endpoint serves one wire.
type endpoint struct {
	server *Server
	wire   wire
}

// ServeHTTP takes a request its whole way.
func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := e.server.calls.get()
	defer e.server.calls.put(c)
	work := &e.server.work[e.wire.provider()]
	work.begin()
	defer work.end()
	v, wait := e.exchange(c, w, r)
	work.add(c.at, time.Since(c.at), len(c.entries))
	switch v.kind {
	case Hang:
		e.server.hang(r)
		return
	case ResetBefore, ResetAfter:
		e.server.waitUntil(r, c.at.Add(wait))
		reset(w)
		return
	}
	e.server.waitUntil(r, c.at.Add(wait))
	e.write(c, w, r, v.drip)
}

// exchange reads the request, judges it, records what is accepted and prepares
// the answer. It returns how long the answer waits, counted from when the
// request was read: what the mock itself takes is a part of it.
func (e endpoint) exchange(c *call, w http.ResponseWriter, r *http.Request) (verdict, time.Duration) {
	number := e.server.callNumber.Add(1)
	no := e.read(c, w, r)
	wait := e.server.latency.of(e.wire.provider(), len(c.entries), e.server.seed, number)
	meter := e.server.limiter.Load().meters[e.wire.provider()]
	if no == nil {
		no = meter.admitCall(e.wire, c, r)
	}
	if no != nil {
		e.wire.refuse(c, no)
		setRetryAfter(c, no)
		return verdict{}, wait
	}
	c.serial = e.server.serial.Add(uint64(len(c.entries))) - uint64(len(c.entries)) + 1
	nameEntries(c, e.wire.provider())
	v := e.server.judge.Load().judge(e.wire, c)
	wait += v.delay
	switch v.kind {
	case Outage, Status:
		e.wire.refuse(c, v.no)
		setRetryAfter(c, v.no)
	case HTML502:
		c.status, c.contentType = http.StatusBadGateway, "text/html"
		c.out.RawStr("<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n")
	case Hang, ResetBefore:
	default:
		meter.admit(e.wire, c, r)
		e.accept(c)
	}
	return v, wait
}

// read decodes the request, or says why it is refused as a whole.
func (e endpoint) read(c *call, w http.ResponseWriter, r *http.Request) *refusal {
	c.at = time.Now()
	if !e.wire.authorized(r) {
		return e.wire.refusal(http.StatusUnauthorized, "")
	}
	if r.Header.Get("Content-Encoding") != "" {
		return e.wire.refusal(http.StatusUnsupportedMediaType, "")
	}
	limit := int64(e.wire.maxBytes())
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // rather than read it all
		return e.wire.refusal(http.StatusRequestEntityTooLarge, "")
	}
	var err error
	c.body, err = readAll(c.body, http.MaxBytesReader(w, r.Body, limit), r.ContentLength)
	c.at = time.Now()
	if err != nil {
		return e.wire.refusal(http.StatusRequestEntityTooLarge, "")
	}
	return e.wire.decode(c, r)
}

// maxAnnouncedBytes is how much room is made for a body before any of it came.
const maxAnnouncedBytes = 1 << 20

// readAll reads to the end into b, whose room is made once when the length is
// known and not large.
func readAll(b []byte, r io.Reader, length int64) ([]byte, error) {
	// One byte more than the length shows the end without growing.
	if room := min(length, maxAnnouncedBytes) + 1; int64(cap(b)) < room {
		b = make([]byte, 0, room)
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// nameEntries gives an id of its own to what came without one.
func nameEntries(c *call, p provider) {
	for i := range c.entries {
		if e := &c.entries[i]; e.id.empty() {
			from := len(c.text)
			c.text = append(c.text, p.String()...)
			c.text = append(c.text, '-')
			c.text = appendHex(c.text, c.serial+uint64(i))
			e.id = span{uint32(from), uint32(len(c.text))}
		}
	}
}

// accept records the entries that are not refused and answers.
func (e endpoint) accept(c *call) {
	if e.wire.wholesale() {
		if no := c.firstRefusal(); no != nil {
			e.wire.refuse(c, no)
			setRetryAfter(c, no)
			return
		}
	}
	e.server.ledger.record(e.wire.provider(), c)
	e.wire.answer(c)
}

// setRetryAfter adds the header that asks to wait.
func setRetryAfter(c *call, no *refusal) {
	if no.retryAfter > 0 {
		c.setHeader("Retry-After", retryAfterSeconds(no.retryAfter))
	}
}

// write sends the answer.
func (e endpoint) write(c *call, w http.ResponseWriter, r *http.Request, drip time.Duration) {
	header := w.Header()
	for name, values := range c.header {
		header[name] = values
	}
	if c.contentType != "" {
		header["Content-Type"] = []string{c.contentType}
	}
	header["Content-Length"] = []string{strconv.Itoa(len(c.out.Buf))}
	w.WriteHeader(c.status)
	if drip > 0 {
		e.server.drip(w, r, c.out.Buf, drip)
		return
	}
	// A client that is gone has no use for the error.
	_, _ = w.Write(c.out.Buf)
}

// drip writes an answer byte by byte over a time. The head is sent at once.
func (s *Server) drip(w http.ResponseWriter, r *http.Request, answer []byte, over time.Duration) {
	control := http.NewResponseController(w)
	_ = control.Flush()
	began, each := time.Now(), over/time.Duration(max(1, len(answer)))
	for i := range answer {
		s.waitUntil(r, began.Add(time.Duration(i+1)*each))
		if _, err := w.Write(answer[i : i+1]); err != nil {
			return
		}
		_ = control.Flush()
	}
}

// waitUntil waits for a time, or less when the client or the server goes.
func (s *Server) waitUntil(r *http.Request, at time.Time) {
	d := time.Until(at)
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-s.closing:
	}
}

// hang keeps a request unanswered until the client or the server goes.
func (s *Server) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closing:
	}
	panic(http.ErrAbortHandler)
}

// reset breaks the connection, or the HTTP/2 stream, without an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the server resets the stream
	}
	resetConn(conn)
}
