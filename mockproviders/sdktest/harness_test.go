package sdktest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// program is notifyctl, built for all tests.
var program string //nolint:gochecknoglobals // set once by TestMain

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sdktest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "notifyctl")
	build := exec.Command("go", "build", "-C", "../..", "-o", program, "./cmd/notifyctl")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building notifyctl:", err)
		return 1
	}
	return m.Run()
}

// mock is a running notifyctl mock.
type mock struct{ url string }

// newMock runs the mocks until the test ends, without latency.
func newMock(t *testing.T, flags ...string) mock {
	t.Helper()
	command := exec.Command(program, append([]string{"mock", "--listen", "127.0.0.1:0", "--latency", "0"}, flags...)...)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stderr)
	ready, err := lines.ReadString('\n')
	t.Cleanup(func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		rest, _ := io.ReadAll(lines)
		if err := command.Wait(); err != nil || len(rest) > 0 {
			t.Errorf("the mocks ended with %v, and said %q", err, rest)
		}
	})
	_, address, found := strings.Cut(strings.TrimSpace(ready), " ready at ")
	if err != nil || !found {
		t.Fatalf("the mocks do not run: %q, %v", ready, err)
	}
	return mock{address}
}

// fault has the mocks show one fault from now on, given in JSON.
func (m mock) fault(t *testing.T, fault string) {
	t.Helper()
	m.control(t, http.MethodPut, "faults", `{"faults":[`+fault+`]}`, nil)
}

// limit has the mocks keep to limits from now on, given in JSON.
func (m mock) limit(t *testing.T, limits string) {
	t.Helper()
	m.control(t, http.MethodPut, "limits", limits, nil)
}

// ledger is what the ledger says of an id.
type ledger struct {
	Ref   string
	Sends []struct{ Provider string }
}

// accepted fails unless the ledger knows an id, once, with its ref.
func (m mock) accepted(t *testing.T, provider, id, ref string) {
	t.Helper()
	var known ledger
	m.control(t, http.MethodGet, "ledger?id="+url.QueryEscape(id), "", &known)
	if len(known.Sends) != 1 || known.Sends[0].Provider != provider || known.Ref != ref {
		t.Errorf("of %q the ledger says %+v, want one send by %s with the ref %q", id, known, provider, ref)
	}
}

// sends fails unless so many notifications were accepted.
func (m mock) sends(t *testing.T, want int) {
	t.Helper()
	var totals struct{ Total struct{ Sends int } }
	m.control(t, http.MethodGet, "ledger", "", &totals)
	if totals.Total.Sends != want {
		t.Errorf("the ledger counts %d, want %d", totals.Total.Sends, want)
	}
}

// control asks the mocks' own interface.
func (m mock) control(t *testing.T, method, path, body string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, m.url+"/_mock/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s was answered %d %s, %v", method, path, response.StatusCode, answer, err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatal(err)
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
