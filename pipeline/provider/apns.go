package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
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

// APNsOptions configure an [APNs].
type APNsOptions struct {
	Options
	// Key signs the provider tokens: the one in Apple's AuthKey_KEYID.p8, a PEM
	// file in PKCS #8.
	Key    *ecdsa.PrivateKey
	KeyID  string // of the key, 10 characters
	TeamID string // of the developer account, 10 characters
	Topic  string // the app's bundle id, as in com.example.app
}

// APNs sends push notifications, each by a call of its own, as many at a time
// as FCM over few shared HTTP/2 connections: a batch that was cut for FCM goes
// at once.
type APNs struct {
	*connections
	devices *url.URL // below which every device has its path
	token   *providerToken
	topic   []string
	running semaphore
}

// NewAPNs makes a client.
func NewAPNs(o APNsOptions) (*APNs, error) {
	o.Options = o.defaulted()
	switch {
	case o.Key == nil || o.Key.Curve != elliptic.P256():
		return nil, errors.New("the client of APNs needs a signing key on the curve P-256, from Apple's AuthKey_KEYID.p8")
	case o.KeyID == "" || o.TeamID == "":
		return nil, errors.New("the client of APNs needs the ids of its key and its team")
	case o.Topic == "":
		return nil, errors.New("the client of APNs needs a topic: the app's bundle id, as in com.example.app")
	}
	devices, err := o.endpoint("/3/device/")
	if err != nil {
		return nil, err
	}
	return &APNs{
		connections: newConnections(o.Options, true),
		devices:     devices,
		token:       &providerToken{key: o.Key, keyID: o.KeyID, team: o.TeamID},
		topic:       []string{o.Topic},
		running:     make(semaphore, catalog.FCMBatch),
	}, nil
}

// Name is the provider's, as in the catalog.
func (*APNs) Name() string { return catalog.APNs }

// Channel is what it sends.
func (*APNs) Channel() pipeline.Channel { return pipeline.Push }

// MaxBatch is how many messages are sent at a time.
func (*APNs) MaxBatch() int { return catalog.FCMBatch }

// MaxBytes bounds a call.
func (*APNs) MaxBytes() int { return catalog.APNsPayloadBytes }

// Send gives one answer a message, in the same order.
func (c *APNs) Send(ctx context.Context, messages []pipeline.Message) []pipeline.Answer {
	answers := make([]pipeline.Answer, len(messages))
	now := time.Now()
	token, err := c.token.current(now)
	if err != nil {
		return unsent(answers, fmt.Errorf("no provider token: %w", err))
	}
	c.running.each(ctx, answers, chunks(len(messages), 1), func(part []int) {
		answers[part[0]] = c.one(ctx, token, &messages[part[0]], now)
	})
	return answers
}

// one sends a message by a call of its own.
func (c *APNs) one(ctx context.Context, token string, m *pipeline.Message, now time.Time) pipeline.Answer {
	body := c.buffers.get()
	defer body.release()
	encodeAPNs(&body.Writer, m)
	if len(body.Buf) > catalog.APNsPayloadBytes {
		return pipeline.Answer{Class: pipeline.Permanent, Reason: ReasonTooLarge, Error: "the payload has more than 4096 bytes"}
	}
	r := c.post(ctx, c.device(m.To), c.header(token, m, now), body, maxErrorBytes)
	defer r.release()
	switch r.status {
	case 0:
		return pipeline.Answer{Class: r.class, Error: r.words}
	case http.StatusOK:
		return pipeline.Answer{Class: pipeline.Sent}
	}
	reason := readAPNsReason(r.body.Buf)
	if reason == "ExpiredProviderToken" {
		c.token.expired(token, now)
	}
	v := classifyAPNs(r.status, reason, m.To)
	return v.answer(wordsOf(r.status, reason, nil), retryAfter(r.header, ""))
}

// device is the URL of a device token, whatever it is made of.
func (c *APNs) device(token string) *url.URL {
	u := *c.devices
	u.RawPath = u.EscapedPath() + url.PathEscape(token)
	u.Path += token
	return &u
}

// header is that of one message.
func (c *APNs) header(token string, m *pipeline.Message, now time.Time) http.Header {
	priority := "5" // when the device has power to spare
	if m.Priority == pipeline.High {
		priority = "10" // at once
	}
	return http.Header{
		"Authorization":   {"bearer " + token},
		"Content-Type":    {"application/json"},
		"Apns-Topic":      c.topic,
		"Apns-Push-Type":  {"alert"},
		"Apns-Priority":   {priority},
		"Apns-Expiration": {strconv.FormatInt(apnsExpiration(m.ExpiresAt, now), 10)},
	}
}

// apnsExpiration is until when APNs keeps a message for its device, in Unix
// seconds, up: 0 would mean now or never. Without an end it is as long as APNs
// keeps anything.
func apnsExpiration(expires, now time.Time) int64 {
	last := now.Add(catalog.APNsStorage)
	if expires.IsZero() || expires.After(last) {
		expires = last
	}
	return max(expires.Add(time.Second-1).Unix(), now.Unix()+1)
}

// encodeAPNs writes the payload of a message.
func encodeAPNs(w *jx.Writer, m *pipeline.Message) {
	w.RawStr(`{"aps":{"alert":{"title":`)
	w.Str(m.Subject)
	w.RawStr(`,"body":`)
	w.Str(m.Body)
	w.RawStr(`}},"` + catalog.IDName + `":"`)
	w.Buf = m.ID.AppendTo(w.Buf)
	w.RawStr(`"`)
	if m.Ref != "" {
		w.RawStr(`,"` + catalog.RefName + `":`)
		w.Str(m.Ref)
	}
	w.RawStr(`}`)
}

// readAPNsReason reads {"reason", "timestamp"}, as far as it can be read.
func readAPNsReason(body []byte) string {
	var reason string
	// What is broken ends the reading: what was read before it stands.
	_ = jx.DecodeBytes(body).ObjBytes(func(d *jx.Decoder, key []byte) error {
		if string(key) != "reason" || d.Next() != jx.String {
			return d.Skip()
		}
		var err error
		reason, err = d.Str()
		return err
	})
	return reason
}

// classifyAPNs is the table of APNs' reasons. Source: Apple, "Handling
// notification responses from APNs". What is not listed is the fault of our
// headers, path or credentials, or APNs' own.
//
// The backup gets what was addressed to FCM, whose tokens are no device tokens:
// APNs' saying so must not cost a device the token by which FCM reaches it.
func classifyAPNs(status int, reason, token string) verdict {
	switch reason {
	case "Unregistered", "ExpiredToken":
		return permanent(ReasonUnregistered)
	case "BadDeviceToken", "DeviceTokenNotForTopic":
		if !IsAPNsToken(token) {
			return permanent(ReasonInvalidAddress)
		}
		return permanent(ReasonUnregistered)
	case "PayloadTooLarge":
		return permanent(ReasonTooLarge)
	case "PayloadEmpty":
		return permanent(ReasonRejected)
	case "TooManyRequests", "TooManyProviderTokenUpdates":
		return other(pipeline.Throttled)
	case "InternalServerError", "ServiceUnavailable", "Shutdown":
		return other(pipeline.Transient)
	}
	return byStatus(status)
}

// IsAPNsToken says whether a push address is a device token of APNs:
// hexadecimal, of no promised length. The tokens of FCM are not.
func IsAPNsToken(token string) bool {
	return token != "" && len(token)%2 == 0 && strings.Trim(token, "0123456789abcdefABCDEF") == ""
}
