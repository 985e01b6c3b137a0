package mockproviders

import (
	"errors"
	"io"
	"net"
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
	v, wait := e.exchange(c, w, r)
	switch v.kind {
	case Hang:
		e.server.hang(r)
		return
	case ResetBefore, ResetAfter:
		e.server.wait(r, wait)
		reset(w)
		return
	}
	e.server.wait(r, wait)
	e.write(c, w, r, v.drip)
}

// exchange reads the request, judges it, records what is accepted and prepares
// the answer. It returns how long the answer waits.
func (e endpoint) exchange(c *call, w http.ResponseWriter, r *http.Request) (verdict, time.Duration) {
	c.at = time.Now()
	number := e.server.callNumber.Add(1)
	no := e.read(c, w, r)
	wait := e.server.latency.of(len(c.entries), e.server.seed, number)
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
		e.accept(c)
	}
	return v, wait
}

// read decodes the request, or says why it is refused as a whole.
func (e endpoint) read(c *call, w http.ResponseWriter, r *http.Request) *refusal {
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
	if err != nil {
		return e.wire.refusal(http.StatusRequestEntityTooLarge, "")
	}
	return e.wire.decode(c, r)
}

// readAll reads to the end into b, whose room is made once when the length is
// known.
func readAll(b []byte, r io.Reader, length int64) ([]byte, error) {
	if length >= 0 && int64(cap(b)) <= length {
		b = make([]byte, 0, length+1) // one more, to see the end without growing
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

// drip writes an answer byte by byte over a time.
func (s *Server) drip(w http.ResponseWriter, r *http.Request, answer []byte, over time.Duration) {
	control := http.NewResponseController(w)
	_ = control.Flush()
	for i := range answer {
		s.wait(r, over/time.Duration(len(answer)))
		if _, err := w.Write(answer[i : i+1]); err != nil {
			return
		}
		_ = control.Flush()
	}
}

// wait lets a time pass, or less when the client or the server goes.
func (s *Server) wait(r *http.Request, d time.Duration) {
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
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset rather than an orderly end
	}
	_ = conn.Close()
}
