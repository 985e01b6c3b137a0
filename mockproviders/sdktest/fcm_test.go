package sdktest

import (
	"fmt"
	"net/http"
	"testing"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
)

// fcm is a client that means to speak to the real service: an endpoint of its
// own would also stand in the parts of its batches.
func (m mock) fcm(t *testing.T) *messaging.Client {
	t.Helper()
	app, err := firebase.NewApp(t.Context(), &firebase.Config{ProjectID: "p"}, option.WithHTTPClient(&http.Client{
		Transport: &oauth2.Transport{
			Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"}),
			Base:   m.redirected(t, "/fcm"),
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	client, err := app.Messaging(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func fcmMessage(token, id string) *messaging.Message {
	return &messaging.Message{
		Token:        token,
		Notification: &messaging.Notification{Title: "Hi", Body: "Hello"},
		Data:         map[string]string{"notification_id": id, "notification_ref": "run-" + id},
		Android:      &messaging.AndroidConfig{Priority: "high"},
	}
}

func TestFCM(t *testing.T) {
	m := newMock(t)
	name, err := m.fcm(t).Send(t.Context(), fcmMessage("t", "1"))
	if err != nil || name == "" {
		t.Fatalf("%q, %v", name, err)
	}
	m.accepted(t, "fcm", "1", "run-1")
}

// TestFCMErrors: the library tells the mocks' errors apart.
func TestFCMErrors(t *testing.T) {
	for fault, is := range map[string]func(error) bool{
		`{"fault":"status","status":429}`:                                 messaging.IsQuotaExceeded,
		`{"fault":"status","status":404}`:                                 messaging.IsUnregistered,
		`{"fault":"status","status":400}`:                                 messaging.IsInvalidArgument,
		`{"fault":"status","status":403}`:                                 messaging.IsSenderIDMismatch,
		`{"fault":"status","status":500}`:                                 messaging.IsInternal,
		`{"fault":"status","status":401,"code":"THIRD_PARTY_AUTH_ERROR"}`: messaging.IsThirdPartyAuthError,
	} {
		m := newMock(t)
		m.fault(t, fault)
		if _, err := m.fcm(t).Send(t.Context(), fcmMessage("t", "1")); !is(err) {
			t.Errorf("%s: the error is %v", fault, err)
		}
		m.sends(t, 0)
	}
}

// TestFCMRetries: the library tries again what was unavailable.
func TestFCMRetries(t *testing.T) {
	m := newMock(t)
	m.fault(t, `{"fault":"status","status":503,"attempts":1}`)
	if _, err := m.fcm(t).Send(t.Context(), fcmMessage("t", "1")); err != nil {
		t.Fatal(err)
	}
	m.accepted(t, "fcm", "1", "run-1")
}

func TestFCMQuota(t *testing.T) {
	m := newMock(t)
	m.limit(t, `{"fcm":{"messages":{"limit":1,"per":"1h","window":true}}}`)
	client := m.fcm(t)
	if _, err := client.Send(t.Context(), fcmMessage("t", "1")); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Send(t.Context(), fcmMessage("t", "2")); !messaging.IsQuotaExceeded(err) {
		t.Errorf("above the quota the error is %v", err)
	}
	m.sends(t, 1)
}

// TestFCMBatches: 500 messages by the library's way of today, each a call, and by
// that of before, all in one; a device that is gone fails alone.
func TestFCMBatches(t *testing.T) {
	const n = 500
	messages := make([]*messaging.Message, n)
	for i := range messages {
		messages[i] = fcmMessage(fmt.Sprintf("t%d", i), fmt.Sprint(i))
	}
	messages[7].Token = "gone-7"
	for name, send := range map[string]func(m mock) (*messaging.BatchResponse, error){
		"each": func(m mock) (*messaging.BatchResponse, error) {
			return m.fcm(t).SendEach(t.Context(), messages)
		},
		"all": func(m mock) (*messaging.BatchResponse, error) {
			return m.fcm(t).SendAll(t.Context(), messages) //nolint:staticcheck // the old wire is what is under test
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMock(t)
			m.fault(t, `{"fault":"status","status":404,"to":"gone-*"}`)
			answers, err := send(m)
			if err != nil {
				t.Fatal(err)
			}
			if answers.SuccessCount != n-1 || answers.FailureCount != 1 || len(answers.Responses) != n {
				t.Fatalf("%d succeeded, %d failed, of %d", answers.SuccessCount, answers.FailureCount, len(answers.Responses))
			}
			if one := answers.Responses[7]; one.Success || !messaging.IsUnregistered(one.Error) {
				t.Errorf("the one that is gone: %+v", one)
			}
			m.accepted(t, "fcm", "8", "run-8")
			m.sends(t, n-1)
		})
	}
}
