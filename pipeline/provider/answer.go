package provider

import (
	"net/http"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
)

// The reasons for which a notification can never be sent.
const (
	// ReasonUnregistered: the device token is gone; it leaves the preferences.
	ReasonUnregistered = "unregistered"
	// ReasonUnsubscribed: the recipient opted out at the provider.
	ReasonUnsubscribed = "unsubscribed"
	// ReasonInvalidAddress: the provider takes the recipient for no address.
	ReasonInvalidAddress = "invalid_address"
	// ReasonUnroutable: the recipient exists, but not for this sender.
	ReasonUnroutable = "unroutable"
	// ReasonSenderMismatch: the device token belongs to another sender.
	ReasonSenderMismatch = "sender_mismatch"
	// ReasonTooLarge: the message is longer than the provider takes.
	ReasonTooLarge = "too_large"
	// ReasonRejected: the provider refuses the message; its words say why.
	ReasonRejected = "rejected"
	// ReasonNotFound: the provider knows no such recipient, and does not say
	// that it ever did.
	ReasonNotFound = "not_found"
)

// verdict is a row of a provider's table: what an answer comes down to.
type verdict struct {
	class  pipeline.AnswerClass
	reason string // of a permanent one
}

func permanent(reason string) verdict          { return verdict{pipeline.Permanent, reason} }
func other(class pipeline.AnswerClass) verdict { return verdict{class: class} }

// byStatus is what a status means wherever a provider's table says nothing
// else. A message is dead only by what a provider says of a message: whatever
// may be the fault of our address, credentials or request keeps it.
//
// Gateways answer 502 and 504 for a server behind them of which they do not
// know what it did (RFC 9110, 15.6.3 and 15.6.5).
func byStatus(status int) verdict {
	switch {
	case status >= 200 && status < 300:
		return other(pipeline.Sent)
	case status == http.StatusTooManyRequests:
		return other(pipeline.Throttled)
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return other(pipeline.Ambiguous)
	}
	return other(pipeline.Transient)
}

// answer gives what the provider said to a message under a verdict.
func (v verdict) answer(words string, wait time.Duration) pipeline.Answer {
	if v.class == pipeline.Sent {
		return pipeline.Answer{Class: pipeline.Sent}
	}
	return pipeline.Answer{Class: v.class, Reason: v.reason, Error: words, RetryAfter: wait}
}

// unlisted is the answer to a message of a batch whose call succeeded in a way
// that says nothing of single messages.
func unlisted(a pipeline.Answer, words string) pipeline.Answer {
	if a.Class == pipeline.Sent {
		return pipeline.Answer{Class: pipeline.Ambiguous, Error: words}
	}
	return a
}

// maxWords bounds the provider's words in an answer, in bytes.
const maxWords = 200

// clean makes a provider's words fit for logs, rows and terminals: control and
// format characters become spaces, broken UTF-8 is dropped, and what exceeds
// 200 bytes is cut between characters.
func clean(words []byte) string {
	kept := make([]byte, 0, min(len(words), maxWords))
	for len(words) > 0 {
		r, size := utf8.DecodeRune(words)
		words = words[size:]
		switch {
		case r == utf8.RuneError && size == 1:
			continue
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			r = ' '
		}
		if len(kept)+utf8.RuneLen(r) > maxWords {
			break
		}
		kept = utf8.AppendRune(kept, r)
	}
	return string(kept)
}

func cleanString(words string) string { return clean([]byte(words)) }

// wordsOf puts together what a provider said: the status, its own code, its
// message without the addresses in it. An answer that is not the provider's JSON, a proxy's page of HTML,
// has neither.
func wordsOf(status int, code string, message []byte) string {
	words := strconv.AppendInt(make([]byte, 0, maxWords), int64(status), 10)
	if code != "" {
		words = append(append(words, ' '), code...)
	}
	switch {
	case len(message) > 0:
		words = append(append(words, ": "...), maskAddresses(message)...)
	case code == "":
		words = append(append(words, ' '), http.StatusText(status)...)
	}
	return clean(words)
}

// answerAll gives the messages of a part the same answer.
func answerAll(answers []pipeline.Answer, part []int, a pipeline.Answer) {
	for _, i := range part {
		answers[i] = a
	}
}

// unsent answers all the messages of a send that makes no call.
func unsent(answers []pipeline.Answer, why error) []pipeline.Answer {
	a := notSent(why)
	for i := range answers {
		answers[i] = a
	}
	return answers
}

// answerMissing gives those messages of a part that have no answer yet an
// ambiguous one.
func answerMissing(answers []pipeline.Answer, part []int, words string) {
	for _, i := range part {
		if answers[i].Class == 0 {
			answers[i] = pipeline.Answer{Class: pipeline.Ambiguous, Error: words}
		}
	}
}

// readResults reads {"<list>": [...]}, as far as it can be read, and answers the
// messages of a part by its elements, in order.
func readResults(body []byte, list string, part []int, answers []pipeline.Answer, read func(*jx.Decoder) (pipeline.Answer, error)) {
	at := 0
	// What is broken ends the reading: what was read before it stands.
	_ = jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) error {
		if string(key) != list || d.Next() != jx.Array {
			return d.Skip()
		}
		return d.Arr(func(d *jx.Decoder) error {
			a, err := read(d)
			if err == nil && at < len(part) {
				answers[part[at]] = a
			}
			at++
			return err
		})
	})
}
