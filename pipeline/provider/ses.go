package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// SESOptions configure a [SES].
type SESOptions struct {
	Options
	Region string // for which calls are signed, as in eu-central-1
	// Credentials gives those of the moment. It is asked for each send, and
	// should cache.
	Credentials aws.CredentialsProvider
	From        string // the sender's address, verified at SES
	// ConfigurationSet names where SES publishes what becomes of a mail, with
	// the tags that carry our id and ref. Empty is the identity's own.
	ConfigurationSet string
}

// StaticCredentials are an access key that does not change.
func StaticCredentials(id, secret string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
	})
}

// SES sends e-mail by version 2 of the API, up to 50 a bulk call, as many calls
// at a time as there are connections: a batch that was cut for SendGrid takes
// 20.
//
// A bulk call has one template and values for each destination. Ours comes with
// the call and is nothing but the two values that we rendered, subject and body:
// messages of different templates share a call. SES does not escape values; in
// templates that come with a call it substitutes, and no more. Whether it looks
// into values again it does not say, so what holds two braces goes alone, as
// what is too long for a value does; a message that is alone in its call is its
// content itself.
//
// A mail whose template fails at SES is dropped after it was accepted. This one
// cannot: every destination has both its values.
type SES struct {
	*connections
	single      *url.URL
	bulk        *url.URL
	region      string
	credentials aws.CredentialsProvider
	signer      *v4.Signer
	from        string
	set         string
	running     semaphore
}

// NewSES makes a client.
func NewSES(o SESOptions) (*SES, error) {
	o.Options = o.defaulted()
	if o.Region == "" || o.Credentials == nil {
		return nil, errors.New("the client of SES needs a region, as in eu-central-1, and credentials")
	}
	if _, err := mail.ParseAddress(o.From); err != nil {
		return nil, errors.New("the sender of SES is an e-mail address, as in notifications@example.com")
	}
	single, err := o.endpoint("/v2/email/outbound-emails")
	if err != nil {
		return nil, err
	}
	bulk, err := o.endpoint("/v2/email/outbound-bulk-emails")
	if err != nil {
		return nil, err
	}
	return &SES{
		connections: newConnections(o.Options, false),
		single:      single, bulk: bulk,
		region: o.Region, credentials: o.Credentials, signer: v4.NewSigner(),
		from: o.From, set: o.ConfigurationSet,
		running: make(semaphore, o.Connections),
	}, nil
}

// Name is the provider's, as in the catalog.
func (*SES) Name() string { return catalog.SES }

// Channel is what it sends.
func (*SES) Channel() pipeline.Channel { return pipeline.Email }

// MaxBatch is how many messages a call takes.
func (*SES) MaxBatch() int { return catalog.SESDestinations }

// MaxBytes bounds a call of several messages; a batch above it is sent in
// several.
func (*SES) MaxBytes() int { return catalog.SESInlineTemplateBytes }

// Send gives one answer a message, in the same order.
func (c *SES) Send(ctx context.Context, messages []pipeline.Message) []pipeline.Answer {
	answers := make([]pipeline.Answer, len(messages))
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return unsent(answers, fmt.Errorf("no credentials: %w", err))
	}
	began := time.Now()
	c.running.each(ctx, answers, slices.Values(sesParts(messages)), func(part []int) {
		s := splitter{answers: answers, began: began}
		s.call = func(ctx context.Context, part []int) (bool, []int) {
			return c.call(ctx, credentials, messages, part, answers), nil
		}
		s.send(ctx, part)
	})
	return answers
}

// sesParts divides messages into calls: no more than a bulk call takes, and
// what is no value of a template alone.
func sesParts(messages []pipeline.Message) [][]int {
	var parts [][]int
	values := make([]int, 0, len(messages))
	for i := range messages {
		if fitsTemplateData(&messages[i]) {
			values = append(values, i)
		} else {
			parts = append(parts, []int{i})
		}
	}
	return slices.AppendSeq(parts, slices.Chunk(values, catalog.SESDestinations))
}

// fitsTemplateData says whether a message may be the values of a template.
func fitsTemplateData(m *pipeline.Message) bool {
	room := catalog.SESTemplateDataBytes - len(sesValues(nil, "", ""))
	return fitsJSON(room, m.Subject, m.Body) && !strings.Contains(m.Subject, "{{") && !strings.Contains(m.Body, "{{")
}

// call sends a part by one call. It says whether the call was refused for what
// is in it.
func (c *SES) call(ctx context.Context, credentials aws.Credentials, messages []pipeline.Message, part []int, answers []pipeline.Answer) (refused bool) {
	body := c.buffers.get()
	defer body.release()
	to, room, limit := c.bulk, catalog.SESInlineTemplateBytes, maxSESAnswerBytes
	if len(part) == 1 {
		to, room, limit = c.single, catalog.SESMessageBytes, maxErrorBytes
		c.encode(&body.Writer, &messages[part[0]])
	} else {
		c.encodeBulk(&body.Writer, messages, part)
	}
	if len(body.Buf) > room {
		if len(part) > 1 {
			return true
		}
		answers[part[0]] = pipeline.Answer{Class: pipeline.Permanent, Reason: ReasonTooLarge, Error: "the mail is larger than SES takes"}
		return false
	}
	header, err := c.sign(ctx, credentials, to, body)
	if err != nil {
		answerAll(answers, part, notSent(fmt.Errorf("sign the request: %w", err)))
		return false
	}
	r := c.post(ctx, to, header, body, limit)
	defer r.release()
	switch {
	case r.status == 0:
		answerAll(answers, part, pipeline.Answer{Class: r.class, Error: r.words})
	case r.status == http.StatusOK && len(part) == 1:
		answers[part[0]] = pipeline.Answer{Class: pipeline.Sent}
	case r.status == http.StatusOK:
		readSESResults(r.body.Buf, part, answers)
		answerMissing(answers, part, sesUnlisted)
	default:
		no := readSESError(r.header, r.body.Buf)
		v := classifySES(r.status, &no)
		if v.class == pipeline.Permanent && len(part) > 1 {
			return true
		}
		a := v.answer(wordsOf(r.status, no.kind, no.message), retryAfter(r.header, ""))
		answerAll(answers, part, unlisted(a, sesUnlisted))
	}
	return false
}

// sign gives the header of a call, with AWS' signature, version 4.
func (c *SES) sign(ctx context.Context, credentials aws.Credentials, to *url.URL, body *buffer) (http.Header, error) {
	own := *to // into which the signer writes
	unsigned := &http.Request{
		Method: http.MethodPost, URL: &own, Host: to.Host,
		Header:        http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(body.Buf)),
	}
	sum := sha256.Sum256(body.Buf)
	err := c.signer.SignHTTP(ctx, credentials, unsigned, hex.EncodeToString(sum[:]), "ses", c.region, time.Now())
	return unsigned.Header, err
}
