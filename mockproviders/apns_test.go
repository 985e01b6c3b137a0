package mockproviders_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
)

func TestAPNs(t *testing.T) {
	uuid := "123e4567-e89b-12d3-a456-426655440000"
	payload := func(n int) string {
		return `{"aps":{"alert":"` + strings.Repeat("x", n-len(`{"aps":{"alert":""}}`)) + `"}}`
	}
	for _, test := range []struct {
		name    string
		path    string
		body    string
		changes []request
		status  int
		reason  string
	}{
		{"one", apnsPath, `{"aps":{"alert":"Hi"},"notification_id":"id1"}`, nil, 200, ""},
		{"all headers", apnsPath, `{"aps":{}}`, []request{header("Apns-Id", uuid), header("Apns-Push-Type", "alert"), header("Apns-Priority", "10"), header("Apns-Expiration", "1764190800"), header("Apns-Collapse-Id", strings.Repeat("x", 64))}, 200, ""},
		{"a background push", apnsPath, `{"aps":{"content-available":1}}`, []request{header("Apns-Push-Type", "background"), header("Apns-Priority", "5")}, 200, ""},
		{"the largest", apnsPath, payload(4096), nil, 200, ""},
		{"too large", apnsPath, payload(4097), nil, 413, "PayloadTooLarge"},
		{"the largest call", apnsPath, payload(5120), []request{header("Apns-Push-Type", "voip")}, 200, ""},
		{"too large a call", apnsPath, payload(5121), []request{header("Apns-Push-Type", "voip")}, 413, "PayloadTooLarge"},
		{"no payload", apnsPath, "", nil, 400, "PayloadEmpty"},
		{"no object", apnsPath, "[]", nil, 400, "PayloadEmpty"},
		{"a token that is none", "/apns/3/device/hello", `{"aps":{}}`, nil, 400, "BadDeviceToken"},
		{"a short token", apnsPath[:len(apnsPath)-2], `{"aps":{}}`, nil, 400, "BadDeviceToken"},
		{"no topic", apnsPath, `{"aps":{}}`, []request{header("Apns-Topic", "")}, 400, "MissingTopic"},
		{"a bad topic", apnsPath, `{"aps":{}}`, []request{header("Apns-Topic", "a b")}, 400, "BadTopic"},
		{"a bad type", apnsPath, `{"aps":{}}`, []request{header("Apns-Push-Type", "letter")}, 400, "InvalidPushType"},
		{"a bad priority", apnsPath, `{"aps":{}}`, []request{header("Apns-Priority", "7")}, 400, "BadPriority"},
		{"an urgent background push", apnsPath, `{"aps":{}}`, []request{header("Apns-Push-Type", "background"), header("Apns-Priority", "10")}, 400, "BadPriority"},
		{"a bad expiration", apnsPath, `{"aps":{}}`, []request{header("Apns-Expiration", "soon")}, 400, "BadExpirationDate"},
		{"a bad id", apnsPath, `{"aps":{}}`, []request{header("Apns-Id", "1")}, 400, "BadMessageId"},
		{"a long collapse id", apnsPath, `{"aps":{}}`, []request{header("Apns-Collapse-Id", strings.Repeat("x", 65))}, 400, "BadCollapseId"},
		{"a header twice", apnsPath, `{"aps":{}}`, []request{func(r *http.Request) { r.Header.Add("Apns-Topic", "b") }}, 400, "DuplicateHeaders"},
		{"HTTP/1.1", apnsPath, `{"aps":{}}`, []request{func(r *http.Request) { r.ProtoMajor = 1 }}, 505, "HTTP2Required"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{})
			want := ""
			if test.reason != "" {
				want = fmt.Sprintf(`{"reason":%q}`, test.reason)
			}
			w := m.post(test.path, test.body, test.status, want, test.changes...)
			if w.Body.String() != want {
				t.Errorf("answered %s, want %s", w.Body, want)
			}
			if taken := m.sends() == 1; taken != (test.status == 200) {
				t.Errorf("the ledger counts %d", m.sends())
			}
			if id := w.Header().Get("Apns-Id"); !regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`).MatchString(id) || test.name == "all headers" && id != uuid {
				t.Errorf("apns-id is %q", id)
			}
		})
	}
}

func TestAPNsErrors(t *testing.T) {
	for status, want := range map[int]struct {
		status int
		reason string
	}{
		400: {400, "BadDeviceToken"},
		401: {403, "MissingProviderToken"},
		403: {403, "InvalidProviderToken"},
		410: {410, "Unregistered"},
		429: {429, "TooManyRequests"},
		500: {500, "InternalServerError"},
		503: {503, "ServiceUnavailable"},
	} {
		m := newMock(t, mockproviders.Options{Faults: script(t, fmt.Sprintf(`{"faults":[{"fault":"status","status":%d}]}`, status))})
		w := m.post(apnsPath, `{"aps":{}}`, want.status, "")
		var answer struct {
			Reason    string
			Timestamp int64
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Reason != want.reason {
			t.Errorf("%d: the reason is %q, want %q", status, answer.Reason, want.reason)
		}
		if dead := time.UnixMilli(answer.Timestamp); (status == 410) != (time.Since(dead) < time.Minute) {
			t.Errorf("%d: the token is dead since %v", status, dead)
		}
	}
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"status","status":410,"code":"ExpiredToken"}]}`)})
	m.post(apnsPath, `{"aps":{}}`, 410, `{"reason":"ExpiredToken","timestamp":`)
}

func TestAPNsNames(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	m.post(apnsPath, `{"aps":{"notification_id":"not this one"},"notification_id":"id1","notification_ref":"run-7"}`, 200, "")
	if known := m.Ledger().Lookup("id1"); len(known.Sends) != 1 || known.Ref != "run-7" || known.Sends[0].Provider != "apns" {
		t.Errorf("the ledger says %+v", known)
	}
	if run := m.Ledger().Run("run"); !run.Providers["apns"].Sequences.Contains(7) {
		t.Errorf("the run is %+v", run)
	}
}
