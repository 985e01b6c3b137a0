package sdktest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// mock is a mock server that listens on loopback.
type mock struct {
	*mockproviders.Server
	url string
}

func newMock(t *testing.T) mock { return serve(t, nil) }

// serve serves mocks until the test ends, by TLS when there is a certificate.
func serve(t *testing.T, certificate *tls.Certificate) mock {
	t.Helper()
	server, err := mockproviders.New(mockproviders.Options{Certificate: certificate})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(server.Close(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
	scheme := "http://"
	if certificate != nil {
		scheme = "https://"
	}
	return mock{server, scheme + listener.Addr().String()}
}

// fault has the mocks show one fault from now on, given in JSON.
func (m mock) fault(t *testing.T, fault string) {
	t.Helper()
	script, err := mockproviders.ParseScript([]byte(`{"faults":[` + fault + `]}`))
	if err == nil {
		err = m.SetFaults(script)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// limit has the mocks keep to limits from now on, given in JSON.
func (m mock) limit(t *testing.T, text string) {
	t.Helper()
	limits, err := mockproviders.ParseLimits([]byte(text))
	if err == nil {
		err = m.SetLimits(limits)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// accepted fails unless the ledger knows an id, once, with its ref.
func (m mock) accepted(t *testing.T, provider, id, ref string) {
	t.Helper()
	known := m.Ledger().Lookup(id)
	if len(known.Sends) != 1 || known.Sends[0].Provider != provider || known.Ref != ref {
		text, _ := json.Marshal(known)
		t.Errorf("of %q the ledger says %s, want one send by %s with the ref %q", id, text, provider, ref)
	}
}

// sends fails unless so many notifications were accepted.
func (m mock) sends(t *testing.T, want uint64) {
	t.Helper()
	if got := m.Ledger().Totals().Total.Sends; got != want {
		t.Errorf("the ledger counts %d, want %d", got, want)
	}
}

// redirected sends what is meant for a provider to its mock, for libraries that
// have no address to set.
type redirected struct {
	to *url.URL
	by http.RoundTripper
}

func (m mock) redirected(t *testing.T, prefix string) redirected {
	t.Helper()
	to, err := url.Parse(m.url + prefix)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return redirected{to: to, by: transport}
}

// RoundTrip sends a request.
func (r redirected) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.Scheme, request.URL.Host, request.Host = r.to.Scheme, r.to.Host, r.to.Host
	request.URL.Path = r.to.Path + request.URL.Path
	return r.by.RoundTrip(request)
}
