package provider

import (
	"bytes"
	"context"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// The batch wire: a multipart/mixed body whose parts are the HTTP requests of
// single messages. A part is named by its Content-ID, and so is its response,
// "response-" before it: responses are found by name, so that a list that is
// short or in another order gives nobody another's answer. The boundary stands
// at the start of a line, where no text of a message can put it, since JSON
// escapes line breaks.
const fcmBoundary = "notifyctl_7d1f9b5c3e8a"

const fcmUnlisted = "FCM's answer does not say what became of it"

// maxFCMAnswerBytes bounds the answer to a batch: 500 errors of 2 KB.
const maxFCMAnswerBytes = 1 << 20

// many sends a part by one call. It says whether the call was refused for what
// is in it.
func (c *FCM) many(ctx context.Context, header http.Header, messages []pipeline.Message, part []int, answers []pipeline.Answer, now time.Time) (refused bool) {
	body := c.buffers.get()
	defer body.release()
	c.encodeBatch(&body.Writer, messages, part, now)
	if len(body.Buf) > catalog.FCMBatchBytes {
		if len(part) > 1 {
			return true
		}
		answers[part[0]] = pipeline.Answer{Class: pipeline.Permanent, Reason: ReasonTooLarge, Error: "the message is larger than FCM takes"}
		return false
	}
	r := c.post(ctx, c.batch, header, body, maxFCMAnswerBytes)
	defer r.release()
	switch r.status {
	case 0:
		answerAll(answers, part, pipeline.Answer{Class: r.class, Error: r.words})
	case http.StatusOK:
		readFCMBatch(r.header.Get("Content-Type"), r.body.Buf, r.whole, part, answers)
		answerMissing(answers, part, fcmUnlisted)
	default:
		a := unlisted(fcmAnswer(r.status, r.body.Buf, retryAfter(r.header, "")), fcmUnlisted)
		switch r.status {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			if a.Class == pipeline.Permanent && len(part) > 1 {
				return true
			}
		case http.StatusNotFound, http.StatusGone:
			a = pipeline.Answer{Class: pipeline.Transient, Error: "404: no batch endpoint here; the real service has none: set providers.push.wire to single"}
		default: // the call's fault, not a message's
			if a.Class == pipeline.Permanent {
				a.Class, a.Reason = pipeline.Transient, ""
			}
		}
		answerAll(answers, part, a)
	}
	return false
}

func (c *FCM) encodeBatch(w *jx.Writer, messages []pipeline.Message, part []int, now time.Time) {
	for at, i := range part {
		w.RawStr("--" + fcmBoundary + "\r\nContent-Type: application/http\r\nContent-ID: ")
		w.Buf = strconv.AppendInt(w.Buf, int64(at), 10)
		w.RawStr("\r\n\r\nPOST /v1/projects/")
		w.RawStr(c.project)
		w.RawStr("/messages:send HTTP/1.1\r\nContent-Type: application/json\r\n\r\n")
		encodeFCM(w, &messages[i], now)
		w.RawStr("\r\n")
	}
	w.RawStr("--" + fcmBoundary + "--\r\n")
}

// readFCMBatch reads the responses of a batch and answers those of its
// messages that it finds. A response that was cut off answers nobody.
func readFCMBatch(contentType string, body []byte, whole bool, part []int, answers []pipeline.Answer) {
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/mixed" || parameters["boundary"] == "" {
		return
	}
	delimiter := []byte("\n--" + parameters["boundary"])
	rest, found := bytes.CutPrefix(body, delimiter[1:])
	if !found {
		_, rest, found = bytes.Cut(body, delimiter)
	}
	for at := 0; found && !bytes.HasPrefix(rest, []byte("--")); at++ {
		response, after, ended := bytes.Cut(rest, delimiter)
		if !ended && !whole {
			return
		}
		if place, a, ok := readFCMResponse(response, at); ok && place < len(part) && answers[part[place]].Class == 0 {
			answers[part[place]] = a
		}
		rest, found = after, ended
	}
}

// readFCMResponse reads the response of one message: the part's header, an
// empty line, then an HTTP response. Its place is what its Content-ID says, or
// where it stands when it has none.
func readFCMResponse(part []byte, at int) (place int, a pipeline.Answer, ok bool) {
	head, response, ok := bytes.Cut(part, []byte("\r\n\r\n"))
	if !ok {
		return 0, a, false
	}
	place = at
	if label := headerValue(head, "content-id"); len(label) > 0 {
		name := bytes.Trim(label, "<>")
		n, err := strconv.ParseUint(string(bytes.TrimPrefix(name, []byte("response-"))), 10, 16)
		if err != nil {
			return 0, a, false
		}
		place = int(n)
	}
	head, body, _ := bytes.Cut(response, []byte("\r\n\r\n"))
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	status, ok := statusOf(line)
	if !ok {
		return 0, a, false
	}
	var wait time.Duration
	if status != http.StatusOK {
		if value := headerValue(fields, "retry-after"); len(value) > 0 {
			wait = retryAfter(http.Header{"Retry-After": {string(value)}}, "")
		}
	}
	return place, fcmAnswer(status, body, wait), true
}

// statusOf reads the status of a line as "HTTP/1.1 200 OK".
func statusOf(line []byte) (int, bool) {
	version, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || !bytes.HasPrefix(version, []byte("HTTP/")) || len(rest) < 3 {
		return 0, false
	}
	status, err := strconv.ParseUint(string(rest[:3]), 10, 16)
	return int(status), err == nil && status >= 100
}

// headerValue finds a header by its name in lower case.
func headerValue(header []byte, name string) []byte {
	for len(header) > 0 {
		var line []byte
		line, header, _ = bytes.Cut(header, []byte("\n"))
		if key, value, ok := bytes.Cut(line, []byte(":")); ok && len(key) == len(name) && bytes.EqualFold(key, []byte(name)) {
			return bytes.TrimSpace(value)
		}
	}
	return nil
}
