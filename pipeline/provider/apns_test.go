package provider_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
)

// hexToken is a device token as APNs gives them.
const hexToken = "740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad"

// TestAPNsWire reads the requests with the standard library and checks the
// provider token as Apple does.
func TestAPNsWire(t *testing.T) {
	now := time.Now()
	sent := messages(pipeline.Push, 4)
	sent[0].To, sent[0].Priority, sent[0].Body = hexToken, pipeline.High, "line\n\"quoted\" ü😀\x01"
	sent[1].To, sent[1].ExpiresAt, sent[1].Ref = "a:b/c?d#e%2f é", now.Add(90*time.Second), ""
	sent[2].ExpiresAt = now.Add(365 * 24 * time.Hour)
	sent[3].ExpiresAt = now.Add(-time.Hour)
	type request struct {
		header  http.Header
		payload struct {
			APS struct {
				Alert struct{ Title, Body string }
			}
			ID  string `json:"notification_id"`
			Ref string `json:"notification_ref"`
		}
	}
	var mu sync.Mutex
	got := map[string]request{}
	base := startStubWithBody(t, func(_ http.ResponseWriter, r *http.Request) {
		device, ok := strings.CutPrefix(r.URL.Path, "/apns/3/device/")
		if !ok || r.ProtoMajor != 2 || r.Method != http.MethodPost || r.URL.RawQuery != "" {
			t.Errorf("%s %s over %s", r.Method, r.URL, r.Proto)
		}
		in := request{header: r.Header}
		if err := json.NewDecoder(r.Body).Decode(&in.payload); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got[device] = in
	})
	onlyClass(t, newAPNs(t, provider.Options{BaseURL: base}).Send(t.Context(), sent), pipeline.Sent)
	for i := range sent {
		m := &sent[i]
		in, ok := got[m.To]
		if !ok {
			t.Fatalf("nothing came for %q, but for %d others", m.To, len(got))
		}
		if p := in.payload; p.APS.Alert.Title != m.Subject || p.APS.Alert.Body != m.Body || p.ID != m.ID.String() || p.Ref != m.Ref {
			t.Errorf("message %d is %+v", i, p)
		}
		if h := in.header; h.Get("apns-topic") != "com.example.app" || h.Get("apns-push-type") != "alert" {
			t.Errorf("message %d has the headers %v", i, h)
		}
		bearer, _ := strings.CutPrefix(in.header.Get("Authorization"), "bearer ")
		var claims jwt.RegisteredClaims
		token, err := jwt.ParseWithClaims(bearer, &claims, func(*jwt.Token) (any, error) { return apnsKey(t).Public(), nil },
			jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer("TEAM123456"), jwt.WithIssuedAt())
		if err != nil || token.Header["kid"] != "KEY1234567" || claims.IssuedAt == nil || time.Since(claims.IssuedAt.Time) > time.Minute {
			t.Errorf("the provider token is %+v: %v", token, err)
		}
	}
	month := 30 * 24 * time.Hour
	for i, want := range []struct {
		priority string
		expires  time.Time
	}{{"10", now.Add(month)}, {"5", now.Add(90 * time.Second)}, {"5", now.Add(month)}, {"5", now.Add(time.Second)}} {
		header := got[sent[i].To].header
		if p := header.Get("apns-priority"); p != want.priority {
			t.Errorf("message %d has the priority %s, want %s", i, p, want.priority)
		}
		var at int64
		if _, err := fmt.Sscan(header.Get("apns-expiration"), &at); err != nil {
			t.Error(err)
		}
		if off := time.Unix(at, 0).Sub(want.expires).Abs(); off > 10*time.Second {
			t.Errorf("message %d expires %v from %v", i, off, want.expires)
		}
	}
}

func TestAPNsAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		to     string
		status int
		body   string
		class  pipeline.AnswerClass
		reason string
	}{
		{"taken", hexToken, 200, "", pipeline.Sent, ""},
		{"gone", hexToken, 410, `{"reason":"Unregistered","timestamp":1454402113000}`, pipeline.Permanent, provider.ReasonUnregistered},
		{"a token that is none of this app", hexToken, 400, `{"reason":"DeviceTokenNotForTopic"}`, pipeline.Permanent, provider.ReasonUnregistered},
		{"a bad token", hexToken, 400, `{"reason":"BadDeviceToken"}`, pipeline.Permanent, provider.ReasonUnregistered},
		{"a token of FCM", "dU3x:APA91bH", 400, `{"reason":"BadDeviceToken"}`, pipeline.Permanent, provider.ReasonInvalidAddress},
		{"throttled", hexToken, 429, `{"reason":"TooManyRequests"}`, pipeline.Throttled, ""},
		{"going down", hexToken, 503, `{"reason":"Shutdown"}`, pipeline.Transient, ""},
		{"our topic", hexToken, 400, `{"reason":"TopicDisallowed"}`, pipeline.Transient, ""},
		{"gone, says a proxy", hexToken, 410, `<html>Gone</html>`, pipeline.Transient, ""},
		{"cut", hexToken, 410, `{"reason":"Unregis`, pipeline.Transient, ""},
		{"cut after the reason", hexToken, 410, `{"reason":"Unregistered","timest`, pipeline.Permanent, provider.ReasonUnregistered},
		{"too large", hexToken, 410, `{"timestamp":"` + strings.Repeat("1", 1<<20) + `","reason":"Unregistered"}`, pipeline.Transient, ""},
		{"no text", hexToken, 410, `{"reason":7}`, pipeline.Transient, ""},
		{"control characters", hexToken, 500, `{"reason":"a\u001b[31m"}`, pipeline.Transient, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			base := startStub(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			sent := messages(pipeline.Push, 1)
			sent[0].To = test.to
			a := newAPNs(t, provider.Options{BaseURL: base}).Send(t.Context(), sent)[0]
			checkAnswer(t, a)
			if a.Class != test.class || a.Reason != test.reason || a.Class != pipeline.Sent && a.RetryAfter != 7*time.Second {
				t.Errorf("the answer is %+v, want %v %q", a, test.class, test.reason)
			}
		})
	}
}

// TestAPNsPayloadIsBounded before it is sent: APNs would close the stream.
func TestAPNsPayloadIsBounded(t *testing.T) {
	var calls atomic.Int64
	base := startStub(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	sent := messages(pipeline.Push, 2)
	sent[0].Body = strings.Repeat("x", 4097)
	answers := newAPNs(t, provider.Options{BaseURL: base}).Send(t.Context(), sent)
	if a := answers[0]; a.Class != pipeline.Permanent || a.Reason != provider.ReasonTooLarge {
		t.Errorf("the answer is %+v", a)
	}
	if answers[1].Class != pipeline.Sent || calls.Load() != 1 {
		t.Errorf("the neighbour's answer is %+v, after %d calls", answers[1], calls.Load())
	}
}

// TestAPNsSharesConnections: many calls at a time go over few connections, and
// what finds no room waits.
func TestAPNsSharesConnections(t *testing.T) {
	const streams, limit = 100, 3
	var calls atomic.Int64
	full := make(chan struct{})
	base := startHTTP2(t, streams, func() {
		if calls.Add(1) == streams*limit {
			close(full)
		}
		<-full
	})
	watch := &watch{}
	client := newAPNs(t, provider.Options{BaseURL: base, Connections: limit, Dial: watch.dial})
	for range 2 {
		onlyClass(t, client.Send(t.Context(), messages(pipeline.Push, 700)), pipeline.Sent)
	}
	if opened := watch.opened.Load(); opened != limit {
		t.Errorf("%d connections were opened, want %d", opened, limit)
	}
}

// TestAPNsErrorsTellNoToken: where it failed is not said by the device's path.
func TestAPNsErrorsTellNoToken(t *testing.T) {
	sent := messages(pipeline.Push, 1)
	sent[0].To = hexToken
	a := newAPNs(t, provider.Options{BaseURL: "http://127.0.0.1:1", Dial: refuse}).Send(t.Context(), sent)[0]
	if strings.Contains(a.Error, hexToken[:8]) || strings.Contains(a.Error, "device") {
		t.Errorf("the words are %q", a.Error)
	}
	if _, err := url.Parse(a.Error); err == nil && strings.Contains(a.Error, "://") {
		t.Errorf("the words hold an address: %q", a.Error)
	}
}

// TestAPNsTokenIsReplaced between 20 and 60 minutes, and when APNs says that it
// has expired, but not oftener than it takes.
func TestAPNsTokenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		expired := false
		var tokens []string
		server := &http.Server{
			Protocols: new(http.Protocols),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if token := r.Header.Get("Authorization"); len(tokens) == 0 || tokens[len(tokens)-1] != token {
					tokens = append(tokens, token)
				}
				if expired {
					w.WriteHeader(http.StatusForbidden)
					_, _ = io.WriteString(w, `{"reason":"ExpiredProviderToken"}`)
				}
			}),
		}
		server.Protocols.SetUnencryptedHTTP2(true)
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		client := newAPNs(t, provider.Options{BaseURL: "http://127.0.0.1", Dial: listener.dial})
		send := func(after time.Duration, want pipeline.AnswerClass, known int) {
			t.Helper()
			time.Sleep(after)
			onlyClass(t, client.Send(t.Context(), messages(pipeline.Push, 1)), want)
			if len(tokens) != known {
				t.Errorf("%d tokens were seen, want %d", len(tokens), known)
			}
		}
		send(0, pipeline.Sent, 1)
		send(39*time.Minute, pipeline.Sent, 1)
		send(2*time.Minute, pipeline.Sent, 2)
		expired = true
		send(10*time.Minute, pipeline.Transient, 2)
		send(time.Second, pipeline.Transient, 2) // too young for another
		send(11*time.Minute, pipeline.Transient, 2)
		expired = false
		send(time.Second, pipeline.Sent, 3)
		client.Close()
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}
