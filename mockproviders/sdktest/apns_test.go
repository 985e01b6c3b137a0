package sdktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sideshow/apns2"
	"github.com/sideshow/apns2/payload"
	"github.com/sideshow/apns2/token"
)

const device = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"

// apns is a client of the mocks over HTTP/2, with a signed token.
func (m mock) apns(t *testing.T, roots *x509.CertPool) *apns2.Client {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	client := apns2.NewTokenClient(&token.Token{AuthKey: key, KeyID: "KEYID00000", TeamID: "TEAMID0000"})
	client.Host = m.url + "/apns"
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{RootCAs: roots}}
	transport.Protocols.SetHTTP2(roots != nil)
	transport.Protocols.SetUnencryptedHTTP2(roots == nil)
	t.Cleanup(transport.CloseIdleConnections)
	client.HTTPClient.Transport = transport
	return client
}

func apnsNotification() *apns2.Notification {
	return &apns2.Notification{
		DeviceToken: device, Topic: "com.example.app", Priority: apns2.PriorityHigh,
		Expiration: time.Now().Add(time.Hour), PushType: apns2.PushTypeAlert, CollapseID: "order",
		Payload: payload.NewPayload().AlertTitle("Hi").Custom("notification_id", "id1").Custom("notification_ref", "run-1"),
	}
}

func (m mock) push(t *testing.T, n *apns2.Notification) *apns2.Response {
	t.Helper()
	response, err := m.apns(t, nil).PushWithContext(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestAPNs(t *testing.T) {
	m := newMock(t)
	n := apnsNotification()
	if response := m.push(t, n); !response.Sent() || response.ApnsID == "" {
		t.Errorf("answered %+v", response)
	}
	m.accepted(t, "apns", "id1", "run-1")
	n.ApnsID = "123e4567-e89b-12d3-a456-426655440000"
	if response := m.push(t, n); response.ApnsID != n.ApnsID {
		t.Errorf("answered with the id %q", response.ApnsID)
	}
}

func TestAPNsOverTLS(t *testing.T) {
	dir := t.TempDir()
	m := newMock(t, "--tls", dir)
	authority, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	response, err := m.apns(t, roots).PushWithContext(t.Context(), apnsNotification())
	if err != nil || !response.Sent() {
		t.Errorf("answered %+v, %v", response, err)
	}
}

// TestAPNsErrors: the library reads the mocks' reasons.
func TestAPNsErrors(t *testing.T) {
	for status, want := range map[int]string{
		400: apns2.ReasonBadDeviceToken,
		403: apns2.ReasonInvalidProviderToken,
		410: apns2.ReasonUnregistered,
		429: apns2.ReasonTooManyRequests,
		500: apns2.ReasonInternalServerError,
		503: apns2.ReasonServiceUnavailable,
	} {
		m := newMock(t)
		m.fault(t, fmt.Sprintf(`{"fault":"status","status":%d}`, status))
		response := m.push(t, apnsNotification())
		if response.StatusCode != status || response.Reason != want || response.Sent() {
			t.Errorf("%d: answered %+v", status, response)
		}
		if dead := response.Timestamp.Time; (status == 410) != (!dead.IsZero() && time.Since(dead) < time.Minute) {
			t.Errorf("%d: the token is dead since %v", status, dead)
		}
		m.sends(t, 0)
	}
}

func TestAPNsRules(t *testing.T) {
	for want, change := range map[string]func(*apns2.Notification){
		apns2.ReasonBadDeviceToken:  func(n *apns2.Notification) { n.DeviceToken = "hello" },
		apns2.ReasonMissingTopic:    func(n *apns2.Notification) { n.Topic = "" },
		apns2.ReasonBadCollapseID:   func(n *apns2.Notification) { n.CollapseID = fmt.Sprintf("%065d", 0) },
		apns2.ReasonPayloadTooLarge: func(n *apns2.Notification) { n.Payload = payload.NewPayload().AlertBody(fmt.Sprintf("%05000d", 0)) },
	} {
		m := newMock(t)
		n := apnsNotification()
		change(n)
		if response := m.push(t, n); response.Reason != want {
			t.Errorf("answered %+v, want %s", response, want)
		}
	}
}

func TestAPNsDeviceLimit(t *testing.T) {
	m := newMock(t)
	m.limit(t, `{"apns":{"device":{"limit":1,"per":"1h"}}}`)
	m.push(t, apnsNotification())
	if response := m.push(t, apnsNotification()); response.Reason != apns2.ReasonTooManyRequests {
		t.Errorf("answered %+v", response)
	}
	m.sends(t, 1)
}
