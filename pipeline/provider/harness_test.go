package provider_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
)

// sender is what the clients of all providers are to a test.
type sender interface {
	Name() string
	Channel() pipeline.Channel
	MaxBatch() int
	MaxBytes() int
	Send(ctx context.Context, messages []pipeline.Message) []pipeline.Answer
	Close()
}

// wires lists every wire of every provider.
func wires() []wire {
	return []wire{
		{"sendgrid", pipeline.Email, false, false, newSendGrid},
		{"fcm batch", pipeline.Push, false, true, func(t testing.TB, o provider.Options) sender { return newFCM(t, o, provider.Batch) }},
		{"fcm single", pipeline.Push, true, false, func(t testing.TB, o provider.Options) sender { return newFCM(t, o, provider.Single) }},
		{"twilio batch", pipeline.SMS, false, true, func(t testing.TB, o provider.Options) sender { return newTwilio(t, o, provider.Batch) }},
		{"twilio single", pipeline.SMS, true, false, func(t testing.TB, o provider.Options) sender { return newTwilio(t, o, provider.Single) }},
		{"ses", pipeline.Email, false, true, newSES},
		{"apns", pipeline.Push, true, false, newAPNs},
		{"vonage", pipeline.SMS, true, true, newVonage},
	}
}

type wire struct {
	name    string
	channel pipeline.Channel
	single  bool // a call takes one message
	results bool // what became of a message is in the answer's body
	make    func(testing.TB, provider.Options) sender
}

// everyWire runs a test on every wire against mocks of its own.
func everyWire(t *testing.T, test func(t *testing.T, w wire, client sender, mock *mockproviders.Server)) {
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			mock, url := startMock(t, mockproviders.Options{})
			test(t, w, w.make(t, provider.Options{BaseURL: url}), mock)
		})
	}
}

// startMock serves mocks on loopback until the test ends.
func startMock(t testing.TB, o mockproviders.Options) (*mockproviders.Server, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mock, err := mockproviders.New(o)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- mock.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := mock.Close(ctx); err != nil {
			t.Errorf("closing the mocks: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serving the mocks: %v", err)
		}
	})
	return mock, "http://" + listener.Addr().String()
}

func newSendGrid(t testing.TB, o provider.Options) sender {
	o.BaseURL += "/sendgrid"
	c, err := provider.NewSendGrid(provider.SendGridOptions{Options: o, Key: "SG.key", From: "us@example.com"})
	return opened(t, c, err)
}

func newFCM(t testing.TB, o provider.Options, w provider.Wire) sender {
	o.BaseURL += "/fcm"
	c, err := provider.NewFCM(provider.FCMOptions{Options: o, Project: "project-1", Token: provider.StaticToken("token"), Wire: w})
	return opened(t, c, err)
}

func newTwilio(t testing.TB, o provider.Options, w provider.Wire) sender {
	o.BaseURL += "/twilio"
	c, err := provider.NewTwilio(provider.TwilioOptions{Options: o, Account: "AC1", Token: "token", Service: "MG1", Wire: w})
	return opened(t, c, err)
}

func newSES(t testing.TB, o provider.Options) sender {
	o.BaseURL += "/ses"
	c, err := provider.NewSES(provider.SESOptions{
		Options: o, Region: "eu-central-1", Credentials: provider.StaticCredentials("AKID", "secret"), From: "us@example.com",
	})
	return opened(t, c, err)
}

func newAPNs(t testing.TB, o provider.Options) sender {
	o.BaseURL += "/apns"
	c, err := provider.NewAPNs(provider.APNsOptions{Options: o, Key: apnsKey(t), KeyID: "KEY1234567", TeamID: "TEAM123456", Topic: "com.example.app"})
	return opened(t, c, err)
}

// apnsKey makes a signing key, the same one each time.
func apnsKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	scalar := make([]byte, 32)
	scalar[31] = 7
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newVonage(t testing.TB, o provider.Options) sender {
	o.BaseURL += "/vonage"
	c, err := provider.NewVonage(provider.VonageOptions{Options: o, Key: "key", Secret: "secret&", From: "+15005550000"})
	return opened(t, c, err)
}

func opened(t testing.TB, c sender, err error) sender {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// messages makes n messages of a channel to recipients of their own.
func messages(c pipeline.Channel, n int) []pipeline.Message {
	made := make([]pipeline.Message, n)
	for i := range made {
		notification := pipeline.Notification{UserID: fmt.Sprintf("user-%d", i), Channel: c, Priority: pipeline.Normal}
		made[i] = pipeline.Message{
			ID:       pipeline.IDKey{1}.Make(time.UnixMilli(1_800_000_000_000), &notification, uint32(i)),
			Ref:      fmt.Sprintf("run-%d", i),
			To:       recipient(c, i),
			Priority: pipeline.Normal,
			Subject:  "Your receipt",
			Body:     fmt.Sprintf("<p>Hello %d, \"thanks\" & good bye.</p>", i),
		}
	}
	return made
}

func recipient(c pipeline.Channel, i int) string {
	switch c {
	case pipeline.Email:
		return fmt.Sprintf("user%d@example.com", i)
	case pipeline.SMS:
		return fmt.Sprintf("+1500%07d", i)
	}
	return fmt.Sprintf("%064x", i) // as APNs takes them
}

// faulty is the pattern by which a fault finds a recipient. Vonage takes numbers
// without their plus sign.
func faulty(c pipeline.Channel, i int) string { return "*" + strings.TrimPrefix(recipient(c, i), "+") }

// classes counts answers by class.
func classes(answers []pipeline.Answer) map[pipeline.AnswerClass]int {
	counts := map[pipeline.AnswerClass]int{}
	for _, a := range answers {
		counts[a.Class]++
	}
	return counts
}

// onlyClass fails unless all answers have a class.
func onlyClass(t *testing.T, answers []pipeline.Answer, want pipeline.AnswerClass) {
	t.Helper()
	for i, a := range answers {
		if a.Class != want {
			t.Fatalf("answer %d of %d is %v (%q, %q), want %v", i, len(answers), a.Class, a.Reason, a.Error, want)
		}
	}
}

func setFaults(t testing.TB, mock *mockproviders.Server, faults ...mockproviders.Fault) {
	t.Helper()
	if err := mock.SetFaults(mockproviders.Script{Faults: faults}); err != nil {
		t.Fatal(err)
	}
}

// startStub serves a handler in place of a provider, once the request is read.
func startStub(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	return startStubWithBody(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		handler(w, r)
	})
}

// startStubWithBody serves a handler in place of a provider, over HTTP/1.1 and
// HTTP/2.
func startStubWithBody(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

var errRefused = errors.New("connection refused")

// refuse is a dialler that finds nobody.
func refuse(context.Context, string, string) (net.Conn, error) { return nil, errRefused }
