package mockproviders_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/mockproviders"
)

func TestControlAnswers(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	m.push("a", "run-3")
	m.push("a", "run-3")
	for path, want := range map[string]string{
		"/_mock/ledger":              `{"total":{"sends":2,"unique":1,"duplicates":1},"providers":{"apns":{"sends":0,"unique":0,"duplicates":0},"fcm":{"sends":2,"unique":1,"duplicates":1},"sendgrid":{"sends":0,"unique":0,"duplicates":0},"ses":{"sends":0,"unique":0,"duplicates":0},"twilio":{"sends":0,"unique":0,"duplicates":0},"vonage":{"sends":0,"unique":0,"duplicates":0}},"complete":true}`,
		"/_mock/ledger?duplicates=1": `{"ids":["a"]}`,
		"/_mock/ledger?id=a":         `{"id":"a","ref":"run-3","sends":[{"provider":"fcm","at":"`,
		"/_mock/ledger?id=x":         `{"id":"x","sends":[],"complete":true}`,
		"/_mock/ledger?run=run":      `{"run":"run","total":{"sends":2,"unique":1,"duplicates":1},"providers":{"fcm":{"sends":2,"unique":1,"duplicates":1}},"repeats":[{"sequence":3,"id":"a","sends":2}],"complete":true}`,
		"/_mock/ledger?run=x":        `{"run":"x","total":{"sends":0,"unique":0,"duplicates":0},"providers":{},"repeats":[],"complete":true}`,
		"/_mock/faults":              `{"faults":[]}`,
	} {
		checkResponse(t, m.do(http.MethodGet, path, ""), 200, want)
	}
	for path, status := range map[string]int{
		"/_mock/ledger?run=run&format=csv": 400,
		"/_mock/ledger?duplicate=1":        400,
		"/_mock/ledger?id=%zz":             400,
		"/_mock/nothing":                   404,
	} {
		checkResponse(t, m.do(http.MethodGet, path, ""), status, "")
	}
	checkResponse(t, m.do(http.MethodPost, "/_mock/ledger", ""), 405, "")
	checkResponse(t, m.do(http.MethodDelete, "/_mock/ledger", ""), 204, "")
	if m.sends() != 0 {
		t.Error("the ledger did not start over")
	}
	checkResponse(t, m.do(http.MethodGet, "/_mock/ledger?duplicates=1", ""), 200, `{"ids":[]}`)
}

func TestFaultsLive(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	asJSON := header("Content-Type", "application/json; charset=utf-8")
	checkResponse(t, m.do(http.MethodPut, "/_mock/faults", `{"faults":[{"fault":"outage"}]}`, asJSON), 204, "")
	m.post(fcmPath, `{"message":{"token":"t"}}`, 503, "UNAVAILABLE")
	checkResponse(t, m.do(http.MethodGet, "/_mock/faults", ""), 200, `"fault":"outage"`)
	checkResponse(t, m.do(http.MethodPut, "/_mock/faults", `{"faults":[{"fault":"x"}]}`, asJSON), 400, "faults[0]")
	checkResponse(t, m.do(http.MethodPut, "/_mock/faults", `{"faults":[]}`), 415, "")
	checkResponse(t, m.do(http.MethodPut, "/_mock/faults", strings.Repeat(" ", 1<<20+1), asJSON), 413, "")
	m.post(fcmPath, `{"message":{"token":"t"}}`, 503, "") // the script stands
	checkResponse(t, m.do(http.MethodDelete, "/_mock/faults", ""), 204, "")
	m.post(fcmPath, `{"message":{"token":"t"}}`, 200, "")
}

func TestGuard(t *testing.T) {
	m := newMock(t, mockproviders.Options{AllowedHosts: []string{"mocks.test"}})
	for _, test := range []struct {
		name    string
		changes []request
		status  int
	}{
		{"loopback", []request{host("127.0.0.1:8090")}, 200},
		{"all of loopback", []request{host("127.9.9.9")}, 200},
		{"version 6", []request{host("[::1]:8090")}, 200},
		{"version 6 without a port", []request{host("[::1]")}, 200},
		{"localhost", []request{host("LocalHost:8090")}, 200},
		{"allowed", []request{host("Mocks.test:1")}, 200},
		{"foreign", []request{host("evil.example")}, 421},
		{"foreign with a port", []request{host("evil.example:8090")}, 421},
		{"looks like ours", []request{host("127.0.0.1.evil.example")}, 421},
		{"another address", []request{host("10.0.0.1")}, 421},
		{"none", []request{host("")}, 421},
		{"own origin", []request{header("Origin", "http://127.0.0.1:8090")}, 200},
		{"allowed origin", []request{header("Origin", "https://mocks.test")}, 200},
		{"foreign origin", []request{header("Origin", "https://evil.example")}, 403},
		{"no origin to tell", []request{header("Origin", "null")}, 403},
		{"broken origin", []request{header("Origin", "http://%zz")}, 403},
	} {
		for _, path := range []string{"/_mock/ledger", fcmPath} {
			method, body := http.MethodGet, ""
			if path == fcmPath {
				method, body = http.MethodPost, `{"message":{"token":"t"}}`
			}
			if got := m.do(method, path, body, test.changes...).Code; got != test.status {
				t.Errorf("%s: %s answered %d, want %d", test.name, path, got, test.status)
			}
		}
	}
}

func TestControlToken(t *testing.T) {
	m := newMock(t, mockproviders.Options{ControlToken: "s3cret"})
	for authorization, status := range map[string]int{"": 401, "Bearer wrong": 401, "Basic s3cret": 401, "s3cret": 401, "Bearer s3cret": 200, "bearer s3cret": 200} {
		if got := m.do(http.MethodGet, "/_mock/ledger", "", header("Authorization", authorization)).Code; got != status {
			t.Errorf("%q answered %d, want %d", authorization, got, status)
		}
	}
	m.post(fcmPath, `{"message":{"token":"t"}}`, 200, "") // the providers need none
}

func TestOffLoopbackNeedsAToken(t *testing.T) {
	listener := fakeListener{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}}
	if err := newMock(t, mockproviders.Options{}).Serve(listener); !errors.Is(err, mockproviders.ErrNoControlToken) {
		t.Errorf("it serves: %v", err)
	}
	m := newMock(t, mockproviders.Options{ControlToken: "x"})
	if err := m.Serve(listener); !errors.Is(err, errFake) {
		t.Errorf("with a token: %v", err)
	}
	if got := m.do(http.MethodPost, fcmPath, `{"message":{"token":"t"}}`, host("192.0.2.1:1")).Code; got != 200 {
		t.Errorf("under its own address it answered %d", got)
	}
}

var errFake = errors.New("nobody comes")

type fakeListener struct{ addr net.Addr }

func (fakeListener) Accept() (net.Conn, error) { return nil, errFake }
func (fakeListener) Close() error              { return nil }
func (l fakeListener) Addr() net.Addr          { return l.addr }

// serve serves a mock on loopback, and gives its address.
func (m mock) serve() string {
	m.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- m.Serve(listener) }()
	m.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(m.Close(ctx), <-served); err != nil {
			m.t.Error(err)
		}
	})
	return listener.Addr().String()
}

func TestLedgerClient(t *testing.T) {
	m := newMock(t, mockproviders.Options{ControlToken: "token"})
	m.push("a", "run-3")
	m.push("b", "run-70000")
	m.push("a", "run-3")
	client, err := mockproviders.NewLedgerClient("http://"+m.serve()+"/", "token", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	totals, err := client.Totals(ctx)
	if err != nil || totals.Total != m.Ledger().Totals().Total || !totals.Complete {
		t.Errorf("totals are %+v, %v", totals, err)
	}
	run, err := client.Run(ctx, "run")
	if err != nil || !slices.Equal(run.Sequences().ToArray(), []uint32{3, 70000}) || run.Total.Duplicates != 1 || !run.Complete ||
		!slices.Equal(run.Repeats, []mockproviders.Repeat{{Sequence: 3, ID: "a", Sends: 2}}) {
		t.Errorf("the run is %+v, %v", run, err)
	}
	if known, err := client.Lookup(ctx, "b"); err != nil || len(known.Sends) != 1 || known.Ref != "run-70000" {
		t.Errorf("the look-up gave %+v, %v", known, err)
	}
	if ids, err := client.Duplicates(ctx); err != nil || !slices.Equal(ids, []string{"a"}) {
		t.Errorf("duplicates are %q, %v", ids, err)
	}
	if err := client.SetFaults(ctx, script(t, `{"faults":[{"fault":"outage"}]}`)); err != nil || len(m.Faults().Faults) != 1 {
		t.Errorf("setting faults: %v", err)
	}
	if set, err := client.Faults(ctx); err != nil || len(set.Faults) != 1 || set.Faults[0].Kind != mockproviders.Outage {
		t.Errorf("the faults are %+v, %v", set, err)
	}
	if err := client.ClearFaults(ctx); err != nil || len(m.Faults().Faults) != 0 {
		t.Errorf("ending faults: %v", err)
	}
	var refused *mockproviders.ControlError
	if err := client.SetFaults(ctx, mockproviders.Script{Faults: []mockproviders.Fault{{}}}); !errors.As(err, &refused) || refused.Status != 400 || !strings.Contains(refused.Reason, "faults[0]") {
		t.Errorf("a bad script: %v", err)
	}
	if err := client.Reset(ctx); err != nil || m.sends() != 0 {
		t.Errorf("starting over: %v", err)
	}
}

func TestLedgerClientMeetsAnother(t *testing.T) {
	bitmap, err := roaring.BitmapOf(3).ToBase64()
	if err != nil {
		t.Fatal(err)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"another server": func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) },
		"no JSON":        func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		},
		"no bitmap": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"providers":{"fcm":{"unique":1,"bitmap":"AAAA"}}}`)
		},
		"another count": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"providers":{"fcm":{"unique":7,"bitmap":"`+bitmap+`"}}}`)
		},
	} {
		server := httptest.NewServer(handler)
		client, err := mockproviders.NewLedgerClient(server.URL, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Run(t.Context(), "run"); err == nil {
			t.Errorf("%s: no error", name)
		}
		server.Close()
	}
	for _, base := range []string{"", "127.0.0.1:8090", "ftp://x", "http://"} {
		if _, err := mockproviders.NewLedgerClient(base, "", nil); err == nil {
			t.Errorf("%q was taken for an address", base)
		}
	}
}

// TestCloseReleasesWhoHangs: the end does not wait for calls that would never
// be answered, and those that wait for their latency are answered.
func TestCloseReleasesWhoHangs(t *testing.T) {
	for _, faults := range []string{`[{"fault":"hang"}]`, `[{"fault":"slow","delay":"1h"}]`} {
		server, err := mockproviders.New(mockproviders.Options{Faults: script(t, `{"faults":`+faults+`}`)})
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		called, written := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(called)
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(written) }})
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+listener.Addr().String()+fcmPath, strings.NewReader(`{"message":{"token":"t"}}`))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer t")
			if response, err := http.DefaultClient.Do(r); err == nil {
				_ = response.Body.Close()
			}
		}()
		<-written
		if err := errors.Join(server.Close(t.Context()), <-served); err != nil {
			t.Error(err)
		}
		<-called
		if err := server.Close(t.Context()); err != nil { // twice is fine
			t.Error(err)
		}
	}
}

func TestTLS(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	certificate, err := mockproviders.NewCertificate(dir, []string{"mocks.test", "", "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(filepath.Join(dir, mockproviders.AuthorityFile))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, mockproviders.AuthorityFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		t.Fatal("the authority is no certificate")
	}
	address := newMock(t, mockproviders.Options{Certificate: &certificate, AllowedHosts: []string{"mocks.test"}}).serve()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	defer transport.CloseIdleConnections()
	for _, name := range []string{"127.0.0.1", "localhost", "mocks.test"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+name+"/_mock/ledger", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if response.StatusCode != 200 || response.ProtoMajor != 2 {
			t.Errorf("%s: %d over %s", name, response.StatusCode, response.Proto)
		}
		_ = response.Body.Close()
	}
}
