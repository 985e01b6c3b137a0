package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// FCMOptions configure an [FCM].
type FCMOptions struct {
	Options
	Project string // the Firebase project's id
	// Token gives the OAuth 2.0 access token of the moment. It is asked for
	// each call, and should cache.
	Token func(context.Context) (string, error)
	Wire  Wire
}

// StaticToken is a token that does not change, as the mocks take it.
func StaticToken(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// FCM sends push notifications: on the batch wire, which the real service
// retired in June 2024, up to 500 a call; on the single wire, which it serves,
// up to 500 calls at a time over shared HTTP/2 connections.
type FCM struct {
	*connections
	project string
	token   func(context.Context) (string, error)
	wire    Wire
	batch   *url.URL
	single  *url.URL
	running semaphore
}

// NewFCM makes a client.
func NewFCM(o FCMOptions) (*FCM, error) {
	o.Options = o.defaulted()
	if o.Project == "" || o.Token == nil {
		return nil, errors.New("the client of FCM needs a project and an access token")
	}
	if strings.ContainsAny(o.Project, "/?# \r\n") {
		return nil, errors.New("the project of FCM is an id, as in my-project-1234")
	}
	batch, err := o.endpoint("/batch")
	if err != nil {
		return nil, err
	}
	single, err := o.endpoint("/v1/projects/" + o.Project + "/messages:send")
	if err != nil {
		return nil, err
	}
	return &FCM{
		connections: newConnections(o.Options, o.Wire == Single),
		project:     o.Project, token: o.Token, wire: o.Wire,
		batch: batch, single: single,
		running: make(semaphore, catalog.FCMBatch),
	}, nil
}

// Name is the provider's, as in the catalog.
func (*FCM) Name() string { return catalog.FCM }

// Channel is what it sends.
func (*FCM) Channel() pipeline.Channel { return pipeline.Push }

// MaxBatch is how many messages a call takes, or are sent at a time.
func (*FCM) MaxBatch() int { return catalog.FCMBatch }

// MaxBytes bounds a call; a batch above it is sent in several.
func (*FCM) MaxBytes() int { return catalog.FCMBatchBytes }

// Send gives one answer a message, in the same order.
func (c *FCM) Send(ctx context.Context, messages []pipeline.Message) []pipeline.Answer {
	answers := make([]pipeline.Answer, len(messages))
	token, err := c.token(ctx)
	if err != nil {
		return unsent(answers, fmt.Errorf("no access token: %w", err))
	}
	now := time.Now()
	if c.wire == Single {
		header := http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
		c.running.each(ctx, answers, chunks(len(messages), 1), func(part []int) {
			answers[part[0]] = c.one(ctx, header, &messages[part[0]], now)
		})
		return answers
	}
	header := http.Header{
		"Authorization": {"Bearer " + token},
		"Content-Type":  {`multipart/mixed; boundary="` + fcmBoundary + `"`},
	}
	began := time.Now()
	for part := range chunks(len(messages), catalog.FCMBatch) {
		s := splitter{answers: answers, began: began}
		s.call = func(ctx context.Context, part []int) (bool, []int) {
			return c.many(ctx, header, messages, part, answers, now), nil
		}
		s.send(ctx, part)
	}
	return answers
}

// one sends a message by a call of its own.
func (c *FCM) one(ctx context.Context, header http.Header, m *pipeline.Message, now time.Time) pipeline.Answer {
	body := c.buffers.get()
	defer body.release()
	encodeFCM(&body.Writer, m, now)
	r := c.post(ctx, c.single, header, body, maxErrorBytes)
	defer r.release()
	if r.status == 0 {
		return pipeline.Answer{Class: r.class, Error: r.words}
	}
	return fcmAnswer(r.status, r.body.Buf, retryAfter(r.header, ""))
}

// encodeFCM writes the request of one message.
func encodeFCM(w *jx.Writer, m *pipeline.Message, now time.Time) {
	w.RawStr(`{"message":{"token":`)
	w.Str(m.To)
	w.RawStr(`,"notification":{"title":`)
	w.Str(m.Subject)
	w.RawStr(`,"body":`)
	w.Str(m.Body)
	w.RawStr(`},"data":{"` + catalog.IDName + `":"`)
	w.Buf = m.ID.AppendTo(w.Buf)
	w.RawStr(`"`)
	if m.Ref != "" {
		w.RawStr(`,"` + catalog.RefName + `":`)
		w.Str(m.Ref)
	}
	w.RawStr(`},"android":{"priority":"`)
	if m.Priority == pipeline.High {
		w.RawStr(`HIGH"`)
	} else {
		w.RawStr(`NORMAL"`)
	}
	if ttl, ok := ttlSeconds(m.ExpiresAt, now); ok {
		w.RawStr(`,"ttl":"`)
		w.Buf = strconv.AppendInt(w.Buf, ttl, 10)
		w.RawStr(`s"`)
	}
	w.RawStr(`}}}`)
}

// ttlSeconds is how long FCM may keep a message for its device, in whole
// seconds, up: 0 would mean now or never. Without an end it is FCM's default.
func ttlSeconds(expires, now time.Time) (int64, bool) {
	if expires.IsZero() {
		return 0, false
	}
	left := min(max(expires.Sub(now), time.Second), catalog.FCMMaxTTL)
	return int64((left + time.Second - 1) / time.Second), true
}

// fcmAnswer is what an answer to one message comes down to.
func fcmAnswer(status int, body []byte, wait time.Duration) pipeline.Answer {
	if status == http.StatusOK {
		return pipeline.Answer{Class: pipeline.Sent}
	}
	no := readFCMError(body)
	v := classifyFCM(status, &no)
	code := no.code
	if code == "" {
		code = no.status
	}
	return v.answer(wordsOf(status, code, no.message), wait)
}

// fcmError is what an error says.
type fcmError struct {
	status  string // google.rpc.Code
	code    string // FCM's own
	field   string // the first that breaks a rule
	message []byte
}

// readFCMError reads {"error": {"message", "status", "details"}}, as far as it
// can be read.
func readFCMError(body []byte) fcmError {
	var out fcmError
	// What is broken ends the reading: what was read before it stands.
	_ = jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) error {
		if string(key) != "error" || d.Next() != jx.Object {
			return d.Skip()
		}
		return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
			var err error
			switch {
			case string(key) == "message" && d.Next() == jx.String:
				out.message, err = d.StrAppend(nil)
			case string(key) == "status" && d.Next() == jx.String:
				out.status, err = d.Str()
			case string(key) == "details" && d.Next() == jx.Array:
				err = d.Arr(out.readDetail)
			default:
				err = d.Skip()
			}
			return err
		})
	})
	return out
}

// readDetail finds FCM's own code, and the field of a violation.
func (e *fcmError) readDetail(d *jx.Decoder) error {
	if d.Next() != jx.Object {
		return d.Skip()
	}
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		var err error
		switch {
		case string(key) == "errorCode" && d.Next() == jx.String:
			e.code, err = d.Str()
		case string(key) == "fieldViolations" && d.Next() == jx.Array:
			err = d.Arr(e.readViolation)
		default:
			err = d.Skip()
		}
		return err
	})
}

func (e *fcmError) readViolation(d *jx.Decoder) error {
	if d.Next() != jx.Object {
		return d.Skip()
	}
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		if string(key) != "field" || d.Next() != jx.String || e.field != "" {
			return d.Skip()
		}
		var err error
		e.field, err = d.Str()
		return err
	})
}

// classifyFCM is the table of FCM's answers. Source: FCM HTTP v1 reference,
// ErrorCode, and "Understand error codes". A 404 without FCM's own words is a
// wrong address or project, and must not cost every device its token.
func classifyFCM(status int, no *fcmError) verdict {
	switch no.code {
	case "UNREGISTERED":
		return permanent(ReasonUnregistered)
	case "SENDER_ID_MISMATCH":
		return permanent(ReasonSenderMismatch)
	case "INVALID_ARGUMENT":
		if no.field == "message.token" {
			return permanent(ReasonInvalidAddress)
		}
		return permanent(ReasonRejected)
	case "QUOTA_EXCEEDED":
		return other(pipeline.Throttled)
	case "UNAVAILABLE", "INTERNAL", "THIRD_PARTY_AUTH_ERROR":
		return other(pipeline.Transient)
	}
	switch {
	case status == http.StatusBadRequest && no.status != "":
		return permanent(ReasonRejected)
	case status == http.StatusNotFound && no.status == "NOT_FOUND":
		return permanent(ReasonNotFound)
	case status == http.StatusRequestEntityTooLarge:
		return permanent(ReasonTooLarge)
	}
	return byStatus(status)
}
