package provider

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/go-faster/jx"
	"golang.org/x/net/idna"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

const sesUnlisted = "SES' answer does not say what became of it"

// maxSESAnswerBytes bounds the answer to a bulk call: 50 errors of 2 KB.
const maxSESAnswerBytes = 128 << 10

// encode writes the request of one message.
func (c *SES) encode(w *jx.Writer, m *pipeline.Message) {
	c.encodeSender(w)
	w.RawStr(`,"Destination":`)
	encodeSESDestination(w, m.To)
	w.RawStr(`,"Content":{"Simple":{"Subject":{"Charset":"UTF-8","Data":`)
	w.Str(m.Subject)
	w.RawStr(`},"Body":{"Html":{"Charset":"UTF-8","Data":`)
	w.Str(m.Body)
	w.RawStr(`}}}},"EmailTags":`)
	encodeSESTags(w, m)
	w.RawStr(`}`)
}

// encodeBulk writes the request of a part.
func (c *SES) encodeBulk(w *jx.Writer, messages []pipeline.Message, part []int) {
	c.encodeSender(w)
	w.RawStr(`,"DefaultContent":{"Template":{"TemplateContent":{"Subject":"{{subject}}","Html":"{{body}}"},"TemplateData":`)
	values := sesValues(nil, "", "")
	w.ByteStr(values)
	w.RawStr(`}},"BulkEmailEntries":[`)
	for at, i := range part {
		m := &messages[i]
		if at > 0 {
			w.Comma()
		}
		w.RawStr(`{"Destination":`)
		encodeSESDestination(w, m.To)
		w.RawStr(`,"ReplacementTags":`)
		encodeSESTags(w, m)
		w.RawStr(`,"ReplacementEmailContent":{"ReplacementTemplate":{"ReplacementTemplateData":`)
		values = sesValues(values[:0], m.Subject, m.Body)
		w.ByteStr(values)
		w.RawStr(`}}}`)
	}
	w.RawStr(`]}`)
}

// encodeSender begins a request.
func (c *SES) encodeSender(w *jx.Writer) {
	w.RawStr(`{"FromEmailAddress":`)
	w.Str(c.from)
	if c.set != "" {
		w.RawStr(`,"ConfigurationSetName":`)
		w.Str(c.set)
	}
}

// sesValues appends the values of the bulk calls' template, which the API takes
// as a string that holds JSON.
func sesValues(b []byte, subject, body string) []byte {
	w := jx.Writer{Buf: b}
	w.RawStr(`{"subject":`)
	w.Str(subject)
	w.RawStr(`,"body":`)
	w.Str(body)
	w.RawStr(`}`)
	return w.Buf
}

// encodeSESDestination writes a recipient. SES takes domains in ASCII alone.
func encodeSESDestination(w *jx.Writer, to string) {
	local, domain, _ := strings.Cut(to, "@")
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil && ascii != domain && !isASCII(domain) {
		to = local + "@" + ascii
	}
	w.RawStr(`{"ToAddresses":[`)
	w.Str(to)
	w.RawStr(`]}`)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func encodeSESTags(w *jx.Writer, m *pipeline.Message) {
	w.RawStr(`[{"Name":"` + catalog.IDName + `","Value":"`)
	w.Buf = m.ID.AppendTo(w.Buf)
	w.RawStr(`"}`)
	if m.Ref != "" {
		w.RawStr(`,{"Name":"` + catalog.RefName + `","Value":`)
		w.Str(m.Ref)
		w.RawStr(`}`)
	}
	w.RawStr(`]`)
}

// readSESResults reads {"BulkEmailEntryResults": [{"Status", "MessageId",
// "Error"}]}, as far as it can be read, and answers the messages that it finds.
func readSESResults(body []byte, part []int, answers []pipeline.Answer) {
	readResults(body, "BulkEmailEntryResults", part, answers, readSESResult)
}

// readSESResult reads the result of one message; it is ambiguous when it has no
// status.
func readSESResult(d *jx.Decoder) (pipeline.Answer, error) {
	var status, words []byte
	if d.Next() != jx.Object {
		return pipeline.Answer{Class: pipeline.Ambiguous, Error: sesUnlisted}, d.Skip()
	}
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		var err error
		switch {
		case d.Next() != jx.String:
			err = d.Skip()
		case string(key) == "Status":
			status, err = d.StrAppend(nil)
		case string(key) == "Error":
			words, err = d.StrAppend(nil)
		default:
			err = d.Skip()
		}
		return err
	})
	if len(status) == 0 {
		return pipeline.Answer{Class: pipeline.Ambiguous, Error: sesUnlisted}, err
	}
	v := classifySESResult(string(status), words)
	return v.answer(wordsOf(http.StatusOK, string(status), words), 0), err
}

// sesError is what an error says.
type sesError struct {
	kind    string // the name of the exception
	message []byte
}

// readSESError reads an exception: its name from the header, or the body, and
// {"message"} as far as it can be read.
func readSESError(header http.Header, body []byte) sesError {
	out := sesError{kind: exceptionName(header.Get("X-Amzn-Errortype"))}
	// What is broken ends the reading: what was read before it stands.
	_ = jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) error {
		var err error
		switch {
		case d.Next() != jx.String:
			err = d.Skip()
		case string(key) == "message", string(key) == "Message": // of the service, of the gateway before it
			out.message, err = d.StrAppend(nil)
		case out.kind == "" && (string(key) == "__type" || string(key) == "code"):
			var name string
			name, err = d.Str()
			out.kind = exceptionName(name)
		default:
			err = d.Skip()
		}
		return err
	})
	return out
}

// exceptionName takes the name out of "namespace#Name:uri". Source: AWS restJson1
// protocol, "Operation error serialization".
func exceptionName(s string) string {
	s, _, _ = strings.Cut(s, ":")
	return s[strings.LastIndexByte(s, '#')+1:]
}

// classifySES is the table of SES' exceptions. Source: Amazon SES API v2
// reference, SendEmail and SendBulkEmail, "Errors", and "Common errors".
func classifySES(status int, no *sesError) verdict {
	switch no.kind {
	case "MessageRejected":
		return rejectedBySES(no.message)
	case "BadRequestException":
		return permanent(ReasonRejected)
	case "TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling":
		return other(pipeline.Throttled)
	case "AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException", "NotFoundException":
		return other(pipeline.Transient) // ours, of every message
	}
	if status == http.StatusRequestEntityTooLarge {
		return permanent(ReasonTooLarge)
	}
	return byStatus(status)
}

// classifySESResult is the table of a bulk call's results. Source: Amazon SES
// API v2 reference, BulkEmailEntryResult, whose text and whose list of values
// spell some of them differently.
func classifySESResult(status string, words []byte) verdict {
	switch status {
	case "SUCCESS":
		return other(pipeline.Sent)
	case "MESSAGE_REJECTED":
		return rejectedBySES(words)
	case "INVALID_PARAMETER", "INVALID_PARAMETER_VALUE":
		return permanent(ReasonRejected)
	case "ACCOUNT_THROTTLED", "ACCOUNT_DAILY_QUOTA_EXCEEDED":
		return other(pipeline.Throttled)
	}
	// Ours, of every message: MAIL_FROM_DOMAIN_NOT_VERIFIED, ACCOUNT_SUSPENDED,
	// ACCOUNT_SENDING_PAUSED, the configuration set, the pool. Or SES' own:
	// TRANSIENT_FAILURE, FAILED. And what is not known.
	return other(pipeline.Transient)
}

// rejectedBySES tells a message that is refused from an account that may not
// send it: "Email address is not verified" concerns the sender, or every
// recipient while the account is in the sandbox.
func rejectedBySES(words []byte) verdict {
	if bytes.Contains(words, []byte("not verified")) {
		return other(pipeline.Transient)
	}
	return permanent(ReasonRejected)
}
