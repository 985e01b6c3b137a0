package mockproviders

import (
	"bytes"
	"mime"
	"net/http"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// fcmBatchWire is POST /batch as it was until June 2024: a multipart/mixed body
// whose parts are HTTP requests of single messages, answered by a multipart/mixed
// body of their responses. The real service answers 404 there today.
//
// The bodies are scanned for the boundary, without mime/multipart, which costs
// several allocations a part.
type fcmBatchWire struct{ fcmWire }

func (fcmBatchWire) maxBytes() int   { return catalog.FCMBatchBytes }
func (fcmBatchWire) wholesale() bool { return false }

func (w fcmBatchWire) decode(c *call, r *http.Request) *refusal {
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/mixed" || parameters["boundary"] == "" {
		return fcmInvalid("A batch is multipart/mixed with a boundary.")
	}
	// A delimiter stands at the start of a line, where no text of a client can
	// put one: JSON escapes line breaks.
	delimiter := []byte("\n--" + parameters["boundary"])
	rest, found := bytes.CutPrefix(c.body, delimiter[1:])
	if !found {
		_, rest, found = bytes.Cut(c.body, delimiter)
	}
	for found {
		if bytes.HasPrefix(rest, []byte("--")) {
			return w.check(c)
		}
		end := bytes.Index(rest, delimiter)
		if end < 0 {
			break
		}
		if len(c.entries) == catalog.FCMBatch {
			return fcmInvalid("The batch holds more than 500 messages.")
		}
		w.readPart(c, rest[:end])
		rest = rest[end+len(delimiter):]
	}
	return fcmInvalid("The batch does not end with its boundary.")
}

func (fcmBatchWire) check(c *call) *refusal {
	if len(c.entries) == 0 {
		return fcmInvalid("The batch is empty.")
	}
	return nil
}

// readPart reads one part: its own header, an empty line, then the request of a
// single message.
func (w fcmBatchWire) readPart(c *call, part []byte) {
	c.add()
	e := &c.entries[len(c.entries)-1]
	header, request, ok := cutEmptyLine(part)
	if !ok {
		e.refuse(fcmInvalid("The part holds no request."))
		return
	}
	e.label = c.keep(headerValue(header, "content-id"))
	line, _ := cutLine(request)
	_, body, ok := cutEmptyLine(request)
	if !ok {
		e.refuse(fcmInvalid("The part holds no request."))
		return
	}
	project, ok := fcmProject(line)
	if !ok {
		e.refuse(&refusal{status: http.StatusNotFound, message: "The requested URL was not found on this server."})
		return
	}
	if c.scope.empty() {
		c.scope = c.keep(project)
	}
	if no := readFCM(c, body, e); no != nil {
		e.refuse(no)
	}
}

// fcmProject finds the project in a request line of a single message.
func fcmProject(line []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(line, []byte("POST "))
	if !ok {
		return nil, false
	}
	target, _, _ := bytes.Cut(rest, []byte(" "))
	rest, ok = bytes.CutPrefix(target, []byte("/v1/projects/"))
	if !ok {
		return nil, false
	}
	project, ok := bytes.CutSuffix(rest, []byte("/messages:send"))
	return project, ok && validProject(project)
}

func (w fcmBatchWire) answer(c *call) {
	boundary := string(appendHex([]byte("batch_"), mix(c.serial)))
	c.status, c.contentType = http.StatusOK, "multipart/mixed; boundary="+boundary
	for i := range c.entries {
		e := &c.entries[i]
		c.out.RawStr("--")
		c.out.RawStr(boundary)
		c.out.RawStr("\r\nContent-Type: application/http\r\nContent-ID: response-")
		c.out.Buf = append(c.out.Buf, c.str(e.label)...)
		status := http.StatusOK
		if e.refused != nil {
			status = e.refused.status
		}
		c.out.RawStr("\r\n\r\nHTTP/1.1 ")
		c.out.Int(status)
		c.out.RawStr(" ")
		c.out.RawStr(http.StatusText(status))
		if e.refused != nil && e.refused.retryAfter > 0 {
			c.out.RawStr("\r\nRetry-After: ")
			c.out.RawStr(retryAfterSeconds(e.refused.retryAfter))
		}
		c.out.RawStr("\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n")
		if e.refused == nil {
			appendFCMName(c, c.str(c.scope), c.serial+uint64(i))
		} else {
			appendFCMError(&c.out, e.refused)
		}
		c.out.RawStr("\r\n")
	}
	c.out.RawStr("--")
	c.out.RawStr(boundary)
	c.out.RawStr("--\r\n")
}

// cutLine cuts at the first line break.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// cutEmptyLine cuts at the first empty line; the lines before it may be none.
func cutEmptyLine(b []byte) (before, after []byte, found bool) {
	b = bytes.TrimLeft(b, "\r\n")
	if before, after, found = bytes.Cut(b, []byte("\r\n\r\n")); found {
		return before, after, true
	}
	return bytes.Cut(b, []byte("\n\n"))
}

// headerValue finds a header by its name in lower case.
func headerValue(header []byte, name string) []byte {
	for len(header) > 0 {
		var line []byte
		line, header = cutLine(header)
		if key, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(key, []byte(name)) {
			return bytes.TrimSpace(value)
		}
	}
	return nil
}
