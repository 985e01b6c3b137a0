package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// A process is a running notifyctl that said where it listens.
type process struct {
	cmd *exec.Cmd
	url string
}

// startProcess starts the program and waits for its line with a URL.
func startProcess(t *testing.T, bin string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "notifyctl"), args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd}
	t.Cleanup(func() { p.kill(t) })
	lines := bufio.NewScanner(stderr)
	url := regexp.MustCompile(`http://[0-9.:]+`)
	for lines.Scan() {
		if p.url = url.FindString(lines.Text()); p.url != "" {
			go func() { // keep the pipe empty
				for lines.Scan() {
					t.Log(args[0], lines.Text())
				}
			}()
			return p
		}
		t.Log(args[0], lines.Text())
	}
	t.Fatalf("notifyctl %s ended without saying where it listens", strings.Join(args, " "))
	return nil
}

// kill ends the process as a crash would. Once it has ended, it does nothing.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	_ = p.cmd.Wait() // "signal: killed"
}

// keyedRequest is a request that is repeated until it is answered.
type keyedRequest struct {
	key  string
	body []byte
	ids  []string // once it is answered 202
}

// post sends the request and notes the ids that it was answered with. Whatever
// is no answer is told: the process was killed, or is not there yet.
func (r *keyedRequest) post(ctx context.Context, url string) (replayed bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/notifications", bytes.NewReader(r.body))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", r.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusAccepted {
		return false, fmt.Errorf("answered %s", response.Status)
	}
	var answer struct {
		Results []struct {
			ID       string `json:"id"`
			Replayed bool   `json:"replayed"`
		} `json:"results"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return false, err
	}
	ids := make([]string, len(answer.Results))
	for i, result := range answer.Results {
		ids[i], replayed = result.ID, result.Replayed
	}
	if r.ids != nil && strings.Join(ids, ",") != strings.Join(r.ids, ",") {
		return replayed, fmt.Errorf("key %s was answered with other ids than before", r.key)
	}
	r.ids = ids
	return replayed, nil
}

const (
	durabilityTotal = 20_000
	durabilityBatch = 50
)

func keyedRequests() []*keyedRequest {
	requests := make([]*keyedRequest, durabilityTotal/durabilityBatch)
	for i := range requests {
		var b strings.Builder
		b.WriteString(`{"notifications":[`)
		for j := range durabilityBatch {
			if j > 0 {
				b.WriteByte(',')
			}
			n := i*durabilityBatch + j
			channel, to := "email", fmt.Sprintf("user%d@example.com", n)
			switch n % 3 {
			case 1:
				channel, to = "push", fmt.Sprintf("token-%d", n)
			case 2:
				channel, to = "sms", fmt.Sprintf("+4915%09d", n)
			}
			fmt.Fprintf(&b, `{"user_id":"user%d","channel":%q,"to":%q,"template_id":"otp","priority":"high","variables":{"code":"%d"}}`, n, channel, to, n)
		}
		b.WriteString(`]}`)
		requests[i] = &keyedRequest{key: fmt.Sprintf("request-%d", i), body: []byte(b.String())}
	}
	return requests
}

// requestEvery paces each of the clients, so that at any moment some
// notifications are being accepted, some sent and some settled.
const requestEvery = 50 * time.Millisecond

// postAll sends requests by a few clients until all are answered, or one is
// not.
func postAll(ctx context.Context, url string, requests []*keyedRequest) {
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	queue := make(chan *keyedRequest, len(requests))
	for _, r := range requests {
		queue <- r
	}
	close(queue)
	for range 8 {
		wg.Go(func() {
			pace := time.NewTicker(requestEvery)
			defer pace.Stop()
			for r := range queue {
				<-pace.C
				if _, err := r.post(ctx, url); err != nil {
					stop() // what is left comes after the restart
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestKilledServerLosesNothing kills a server twice while clients write to it,
// and then holds it to the promise: what was answered 202 ends in exactly one
// outcome, a repeated key gives the stored answer, and the providers saw no id
// twice but those that the server reports as taken over.
func TestKilledServerLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	bin, data := buildProgram(t), filepath.Join(t.TempDir(), "data")
	mock := startProcess(t, bin, "mock", "--listen", "127.0.0.1:0")
	serve := func() *process {
		return startProcess(t, bin, "serve", "--listen", "127.0.0.1:0", "--data", data, "--providers", mock.url)
	}
	requests := keyedRequests()
	server := serve()
	for kills, until := range []int{len(requests) / 3, 2 * len(requests) / 3} {
		victim := server
		done := make(chan struct{})
		go func() {
			defer close(done)
			postAll(t.Context(), victim.url, requests[:until])
			// The middle of the delivery: what was just answered is being sent.
			postAll(t.Context(), victim.url, requests[until:])
		}()
		waitAccepted(t, victim.url, int64(until*durabilityBatch))
		victim.kill(t)
		<-done
		t.Logf("kill %d after %d of %d requests were answered", kills+1, answered(requests), len(requests))
		server = serve()
		checkReplay(t, server.url, requests)
	}
	for answered(requests) < len(requests) {
		postAll(t.Context(), server.url, unanswered(requests))
	}
	account := waitDrained(t, server.url)
	if account.Accepted != durabilityTotal || account.Ended() != durabilityTotal || account.Delivered != durabilityTotal {
		t.Errorf("the account is %+v, want %d accepted and delivered", account, durabilityTotal)
	}
	checkOutcomes(t, server.url, mock.url, requests, account)
	if err := server.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.cmd.Wait(); err != nil {
		t.Errorf("the orderly end: %v", err)
	}
}

func answered(requests []*keyedRequest) int { return len(requests) - len(unanswered(requests)) }

func unanswered(requests []*keyedRequest) []*keyedRequest {
	var left []*keyedRequest
	for _, r := range requests {
		if r.ids == nil {
			left = append(left, r)
		}
	}
	return left
}

func client(t *testing.T, url string) *api.Client {
	t.Helper()
	c, err := api.NewClient(url, api.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// await polls until a condition on the account holds.
func await(t *testing.T, url string, holds func(api.Account) bool) api.Account {
	t.Helper()
	c := client(t, url)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		status, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a := status.Account; holds(a) {
			return a
		} else if a.Accepted != a.Ended()+a.InFlight {
			t.Fatalf("accepted %d, but ended %d + in flight %d", a.Accepted, a.Ended(), a.InFlight)
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after a minute the account is %+v", status.Account)
		}
	}
}

func waitAccepted(t *testing.T, url string, n int64) {
	t.Helper()
	await(t, url, func(a api.Account) bool { return a.Accepted >= n })
}

func waitDrained(t *testing.T, url string) api.Account {
	t.Helper()
	return await(t, url, func(a api.Account) bool { return a.InFlight == 0 })
}

// checkReplay repeats a few answered requests: each gives its stored answer.
func checkReplay(t *testing.T, url string, requests []*keyedRequest) {
	t.Helper()
	repeated := 0
	for _, r := range requests {
		if r.ids == nil || repeated == 20 {
			continue
		}
		repeated++
		replayed, err := r.post(t.Context(), url)
		if err != nil || !replayed {
			t.Fatalf("request %s, answered before the kill, was now replayed: %v, %v", r.key, replayed, err)
		}
	}
	if repeated == 0 {
		t.Fatal("nothing was answered before the kill")
	}
}

// checkOutcomes compares, by id, what was answered, what became of it, and what
// the providers saw.
func checkOutcomes(t *testing.T, url, mock string, requests []*keyedRequest, account api.Account) {
	t.Helper()
	ledger, err := mockproviders.NewLedgerClient(mock, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	totals, err := ledger.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if totals.Total.Unique != durabilityTotal {
		t.Errorf("the providers saw %d ids, want %d", totals.Total.Unique, durabilityTotal)
	}
	duplicates, err := ledger.Duplicates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	twice := map[string]bool{}
	for _, id := range duplicates {
		twice[id] = true
	}
	t.Logf("takeovers %d, ambiguous %d, seen twice %d", account.Takeovers, account.Ambiguous, len(twice))
	if int64(totals.Total.Duplicates) > account.Takeovers+account.Ambiguous {
		t.Errorf("%d acceptances beyond the first, but %d takeovers and %d ambiguous answers", totals.Total.Duplicates, account.Takeovers, account.Ambiguous)
	}
	c := client(t, url)
	seen := map[string]bool{}
	for _, r := range requests {
		for _, id := range r.ids {
			if seen[id] {
				t.Fatalf("id %s was given twice", id)
			}
			seen[id] = true
			entry, err := c.Notification(t.Context(), id)
			if err != nil {
				t.Fatalf("%s, answered 202: %v", id, err)
			}
			if entry.State != "delivered" {
				t.Fatalf("%s is %s", id, entry.State)
			}
			uncertain := 0
			for _, attempt := range entry.Attempts {
				if attempt.Result == "uncertain" || attempt.Result == "ambiguous" {
					uncertain++
				}
			}
			if twice[id] && uncertain == 0 {
				t.Errorf("%s was seen twice and the server does not know of it: %+v", id, entry.Attempts)
			}
		}
	}
}
