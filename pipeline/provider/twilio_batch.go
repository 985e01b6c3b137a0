package provider

import (
	"context"
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
)

// The batch wire is the mocks' own, shaped after the single one: the real
// service takes one recipient a call. See mockproviders for the request and the
// answer.

const twilioUnlisted = "Twilio's answer does not say what became of it"

// maxTwilioAnswerBytes bounds the answer to a batch: 100 errors of 2 KB.
const maxTwilioAnswerBytes = 256 << 10

// many sends a part by one call. It says whether the call was refused for what
// is in it.
func (c *Twilio) many(ctx context.Context, messages []pipeline.Message, part []int, answers []pipeline.Answer) (refused bool) {
	fitting := make([]int, 0, len(part))
	for _, i := range part {
		if a, ok := tooLong(&messages[i]); ok {
			answers[i] = a
			continue
		}
		fitting = append(fitting, i)
	}
	if len(fitting) == 0 {
		return false
	}
	body := c.buffers.get()
	defer body.release()
	c.encodeBatch(&body.Writer, messages, fitting)
	r := c.post(ctx, c.batch, c.json, body, maxTwilioAnswerBytes)
	defer r.release()
	switch r.status {
	case 0:
		answerAll(answers, fitting, pipeline.Answer{Class: r.class, Error: r.words})
	case http.StatusOK:
		readTwilioBatch(r.body.Buf, fitting, answers)
		answerMissing(answers, fitting, twilioUnlisted)
	default:
		no := readTwilioError(jx.DecodeBytes(r.body.Buf))
		a := unlisted(twilioAnswer(r.status, &no, retryAfter(r.header, "")), twilioUnlisted)
		switch {
		case r.status == http.StatusNotFound:
			a = pipeline.Answer{Class: pipeline.Transient, Error: "404: no batch endpoint here; the real service has none: set providers.sms.wire to single"}
		case a.Class == pipeline.Permanent && len(part) > 1:
			return true
		}
		answerAll(answers, fitting, a)
	}
	return false
}

func (c *Twilio) encodeBatch(w *jx.Writer, messages []pipeline.Message, part []int) {
	w.RawStr(`{"MessagingServiceSid":`)
	w.Str(c.service)
	w.RawStr(`,"Messages":[`)
	var callback [256]byte
	for at, i := range part {
		m := &messages[i]
		if at > 0 {
			w.Comma()
		}
		w.RawStr(`{"To":`)
		w.Str(m.To)
		w.RawStr(`,"Body":`)
		w.Str(m.Body)
		w.RawStr(`,"StatusCallback":`)
		w.ByteStr(c.appendCallback(callback[:0], m))
		w.RawStr(`}`)
	}
	w.RawStr(`]}`)
}

// readTwilioBatch reads {"messages": [{"sid", "status"} or {"error"}]}, as far
// as it can be read, and answers the messages that it finds.
func readTwilioBatch(body []byte, part []int, answers []pipeline.Answer) {
	readResults(body, "messages", part, answers, readTwilioResult)
}

// readTwilioResult reads the result of one message; it is ambiguous when it has
// neither a sid nor an error.
func readTwilioResult(d *jx.Decoder) (pipeline.Answer, error) {
	a := pipeline.Answer{Class: pipeline.Ambiguous, Error: twilioUnlisted}
	if d.Next() != jx.Object {
		return a, d.Skip()
	}
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		switch {
		case string(key) == "sid" && d.Next() == jx.String:
			a = pipeline.Answer{Class: pipeline.Sent}
		case string(key) == "error" && d.Next() == jx.Object:
			var no twilioError
			if err := no.read(d); err != nil {
				return err
			}
			a = unlisted(twilioAnswer(no.status, &no, boundedWait(time.Duration(no.wait)*time.Second)), twilioUnlisted)
			return nil
		}
		return d.Skip()
	})
	return a, err
}
