package mockproviders_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// TestDrip: the head comes at once, the body over the whole time, and no longer.
func TestDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{
			Latency: mockproviders.FixedLatency(time.Second),
			Faults:  script(t, `{"faults":[{"fault":"drip","delay":"10s"}]}`),
		})
		began := time.Now()
		m.post(fcmPath, `{"message":{"token":"t"}}`, 200, "projects/p/messages/")
		if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it took %v, want 11 s", took)
		}
		if m.sends() != 1 {
			t.Errorf("the ledger counts %d", m.sends())
		}
		m.post(sendGridPath, mail(to("a@b.c")), 202, "") // an answer without a body
	})
}

func TestHTML502(t *testing.T) {
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"html_502"}]}`)})
	for path, body := range validRequests() {
		w := m.post(path, body, 502, "<h1>502 Bad Gateway</h1>", header("Content-Type", "multipart/mixed; boundary=__END__"))
		if kind := w.Header().Get("Content-Type"); kind != "text/html" {
			t.Errorf("%s: the answer is %q", path, kind)
		}
	}
	if m.sends() != 0 {
		t.Errorf("the ledger counts %d", m.sends())
	}
}

// TestHang: a call that is never answered ends with its client, and was not
// accepted.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"hang"}]}`)})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		func() {
			defer func() {
				if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // a panic's value
					t.Errorf("the handler ended with %v", got)
				}
			}()
			m.do(http.MethodPost, fcmPath, `{"message":{"token":"t"}}`, func(r *http.Request) { *r = *r.WithContext(ctx) })
		}()
		if took := time.Since(began); took != 5*time.Second || m.sends() != 0 {
			t.Errorf("it took %v, and the ledger counts %d", took, m.sends())
		}
	})
}

// TestResets: however the client speaks HTTP, the connection or stream breaks;
// what was accepted before it did is counted.
func TestResets(t *testing.T) {
	certificate, err := mockproviders.NewCertificate(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct {
		name        string
		url         string
		certificate *tls.Certificate
		protocols   func(*http.Protocols)
		socket      bool // the socket itself is reset
	}{
		{"HTTP/1.1", "http://", nil, func(p *http.Protocols) { p.SetHTTP1(true) }, true},
		{"HTTP/2", "http://", nil, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }, false},
		{"HTTP/1.1 over TLS", "https://", &certificate, func(p *http.Protocols) { p.SetHTTP1(true) }, true},
		{"HTTP/2 over TLS", "https://", &certificate, func(p *http.Protocols) { p.SetHTTP2(true) }, false},
	} {
		for kind, sends := range map[string]uint64{"reset_before": 0, "reset_after": 1} {
			t.Run(kind+" over "+way.name, func(t *testing.T) {
				m := newMock(t, mockproviders.Options{
					Certificate: way.certificate,
					Faults:      script(t, fmt.Sprintf(`{"faults":[{"fault":%q}]}`, kind)),
				})
				transport := &http.Transport{
					Protocols:       new(http.Protocols),
					TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // what is under test is the end
				}
				way.protocols(transport.Protocols)
				defer transport.CloseIdleConnections()
				// Without GetBody, so that the transport does not send it again.
				body := io.NopCloser(strings.NewReader(`{"message":{"token":"t"}}`))
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, way.url+m.serve()+fcmPath, body)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer t")
				response, err := transport.RoundTrip(r)
				if err == nil {
					_ = response.Body.Close()
					t.Fatalf("answered %d", response.StatusCode)
				}
				if way.socket && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("it failed by %v, not by a reset", err)
				}
				if m.sends() != sends {
					t.Errorf("the ledger counts %d, want %d", m.sends(), sends)
				}
			})
		}
	}
}
