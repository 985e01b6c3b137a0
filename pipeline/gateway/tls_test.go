package gateway_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/gateway"
)

// secured serves a world over TLS, with a certificate that its client knows.
func secured(t *testing.T, w *world) (client *http.Client, url string) {
	t.Helper()
	known := httptest.NewUnstartedServer(nil) // for its certificate alone
	known.StartTLS()
	t.Cleanup(known.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := gateway.NewServer(w.Gateway)
	s.Secure(&tls.Config{Certificates: known.TLS.Certificates, MinVersion: tls.VersionTLS12})
	s.Start(l)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Drain(ctx); err != nil {
			t.Error(err)
		}
	})
	client = known.Client()
	transport := client.Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, "https://" + l.Addr().String()
}

func TestSecuredConnectionsSpeakHTTP2(t *testing.T) {
	w := newWorld(func(c *gateway.Config) { c.BodyTimeout = 100 * time.Millisecond })
	client, url := secured(t, w)
	response, err := client.Post(url+"/v1/notifications", "application/json", strings.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 202 || response.ProtoMajor != 2 {
		t.Errorf("answered %d over %s", response.StatusCode, response.Proto)
	}
	// A body that does not come is not waited for here either.
	never, more := net.Pipe()
	defer func() { _ = more.Close() }()
	response, err = client.Post(url+"/v1/notifications", "application/json", never)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 408 {
		t.Errorf("a slow body: %d", response.StatusCode)
	}
}

func TestSecuredTakesNothingInTheClear(t *testing.T) {
	w := newWorld(nil)
	_, url := secured(t, w)
	got := raw(t, strings.TrimPrefix(url, "https://"), "POST /v1/notifications HTTP/1.1\r\nHost: localhost\r\n\r\n", 1)
	if len(got) != 1 || got[0].status != 400 {
		t.Errorf("got %+v", got)
	}
	if len(w.ingester.submissions()) > 0 {
		t.Error("ingest got it")
	}
}
