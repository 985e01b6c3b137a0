package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

const (
	// answeredWithin is how long a server may take for an answer while an engine
	// is away: what clients wait before they give a server up.
	answeredWithin = 20 * time.Second
	// noticedWithin is how long it may take until a process tells that an engine
	// is away, or back.
	noticedWithin = time.Minute
)

// ask sends a request with a JSON body, or without one where that is empty. An
// answer other than 2xx is an *api.Problem.
func ask(ctx context.Context, method, url, body string) error {
	ctx, cancel := context.WithTimeout(ctx, answeredWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 == 2 {
		return nil
	}
	if form := response.Header.Get("Content-Type"); form != api.ProblemType {
		return fmt.Errorf("answered %s as %s", response.Status, form)
	}
	problem := &api.Problem{}
	if err := json.NewDecoder(response.Body).Decode(problem); err != nil {
		return fmt.Errorf("answered %s, and no problem: %w", response.Status, err)
	}
	return problem
}

// wantUnavailable checks that a request is refused since an engine is away.
func wantUnavailable(t *testing.T, method, url, body string) {
	t.Helper()
	err := ask(t.Context(), method, url, body)
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok || problem.Status != http.StatusServiceUnavailable || problem.Code != api.CodeUnavailable {
		t.Errorf("%s %s: %v, want 503 %s", method, url, err, api.CodeUnavailable)
	}
}

// awaitDone sends a request until it is done, once what it needs is back.
func awaitDone(t *testing.T, method, url, body string) {
	t.Helper()
	var err error
	eventually(t, func() bool {
		err = ask(t.Context(), method, url, body)
		return err == nil
	}, func() string { return fmt.Sprintf("%s %s: %v", method, url, err) })
}

// awaitPart waits until a process tells of a part, at /readyz, what begins so. It
// gives all that it tells then.
func awaitPart(t *testing.T, p *process, part, says string) api.Readiness {
	t.Helper()
	c := client(t, p.url)
	defer c.Close()
	var readiness api.Readiness
	eventually(t, func() bool {
		var err error
		if readiness, err = c.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		return strings.HasPrefix(readiness.Checks[part], says)
	}, func() string { return fmt.Sprintf("%s does not say %q of %s: %v", p.name, says, part, readiness) })
	return readiness
}

// awaitDelivered waits until so many notifications were delivered.
func (f *fleet) awaitDelivered(t *testing.T, n int64) {
	t.Helper()
	var account api.Account
	eventually(t, func() bool {
		status, err := f.status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		account = status.Account
		return account.Delivered >= n
	}, func() string { return fmt.Sprintf("%d are to be delivered: %+v", n, account) })
}

// eventually polls until something holds, and else tells what does not.
func eventually(t *testing.T, holds func() bool, told func() string) {
	t.Helper()
	tick := time.NewTicker(accountEvery)
	defer tick.Stop()
	deadline := time.After(noticedWithin)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v: %s", noticedWithin, told())
		}
	}
}

// awaitRefused waits until a load's calls were refused so often.
func (l *load) awaitRefused(t *testing.T, n int64) {
	t.Helper()
	eventually(t, func() bool { return l.failed.Load() >= n }, func() string { return fmt.Sprintf("%d calls were refused", l.failed.Load()) })
}

// checkNoneRefused holds a load to having been accepted at the first call.
func checkNoneRefused(t *testing.T, loads ...*load) {
	t.Helper()
	for _, l := range loads {
		if n := l.failed.Load(); n > 0 {
			t.Errorf("%d calls of %s were not answered 202, the last: %v", n, l.run, l.last.Load())
		}
	}
}
