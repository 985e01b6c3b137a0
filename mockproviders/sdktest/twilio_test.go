package sdktest

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// twilio is the library's part for messages alone: the whole of it takes minutes
// to compile.
func (m mock) twilio(t *testing.T) *api.ApiService {
	t.Helper()
	account := "AC00000000000000000000000000000001"
	own := &client.Client{
		Credentials: client.NewCredentials(account, "token"),
		HTTPClient:  &http.Client{Transport: m.redirected(t, "/twilio")},
	}
	own.SetAccountSid(account)
	return api.NewApiServiceWithClient(own)
}

func twilioMessage(to string) *api.CreateMessageParams {
	p := &api.CreateMessageParams{}
	p.SetTo(to)
	p.SetFrom("+15005550001")
	p.SetBody("Hi & bye")
	p.SetStatusCallback("https://hooks.example.com/twilio?notification_id=id1&notification_ref=run-1")
	return p
}

func TestTwilio(t *testing.T) {
	m := newMock(t)
	message, err := m.twilio(t).CreateMessage(twilioMessage("+15005550006"))
	if err != nil {
		t.Fatal(err)
	}
	if message.Sid == nil || !strings.HasPrefix(*message.Sid, "SM") || *message.Status != "queued" || *message.NumSegments != "1" || *message.Body != "Hi & bye" || *message.To != "+15005550006" {
		t.Errorf("the message is %+v", message)
	}
	m.accepted(t, "twilio", "id1", "run-1")
}

// TestTwilioErrors: the library knows the mocks' errors by their codes.
func TestTwilioErrors(t *testing.T) {
	for fault, want := range map[string][2]int{
		`{"fault":"status","status":429}`:                {429, 20429},
		`{"fault":"status","status":400}`:                {400, 21610},
		`{"fault":"status","status":400,"code":"21211"}`: {400, 21211},
		`{"fault":"outage"}`:                             {503, 20503},
	} {
		m := newMock(t)
		m.fault(t, fault)
		_, err := m.twilio(t).CreateMessage(twilioMessage("+15005550006"))
		var refused *client.TwilioRestError
		if !errors.As(err, &refused) || refused.Status != want[0] || refused.Code != want[1] {
			t.Errorf("%s: the error is %v", fault, err)
		}
		m.sends(t, 0)
	}
}

func TestTwilioBadNumber(t *testing.T) {
	m := newMock(t)
	_, err := m.twilio(t).CreateMessage(twilioMessage("5005550006"))
	var refused *client.TwilioRestError
	if !errors.As(err, &refused) || refused.Code != 21211 {
		t.Errorf("the error is %v", err)
	}
}

// TestTwilioQueue: a sender's queue is full at its limit.
func TestTwilioQueue(t *testing.T) {
	m := newMock(t)
	m.limit(t, `{"twilio":{"messages":{"limit":1,"per":"1h","burst":3}}}`)
	sms := m.twilio(t)
	for i := range 4 {
		_, err := sms.CreateMessage(twilioMessage("+15005550006"))
		var refused *client.TwilioRestError
		if full := errors.As(err, &refused) && refused.Code == 21611; full != (i == 3) {
			t.Errorf("message %d: %v", i+1, err)
		}
	}
	m.sends(t, 3)
}
