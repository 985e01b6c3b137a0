package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// The load under which the generators are compared. Each round is one run of
// either, one after the other, so that both meet the same machine.
const (
	costRate   = 2000 // requests a second, of one notification each
	costLength = 10 * time.Second
	costRounds = 5
	// costLimit is the most that a request of ours may cost, of what it costs
	// vegeta's own command.
	costLimit = 1.1
)

// TestGeneratorCost compares the CPU time that a request costs us with what it
// costs vegeta's command line, against the same server and with a body of the
// same size. It needs that command, which scripts/bench-generator builds.
func TestGeneratorCost(t *testing.T) {
	vegeta := os.Getenv("NOTIFYCTL_VEGETA")
	if vegeta == "" {
		t.Skip("NOTIFYCTL_VEGETA does not name vegeta's command; scripts/bench-generator builds it")
	}
	server := &costServer{}
	listening := httptest.NewServer(server)
	defer listening.Close()
	dir := t.TempDir()
	scenario := filepath.Join(dir, "cost.yaml")
	text := fmt.Sprintf("version: 1\nname: cost\nstages:\n  - {name: hold, rate: %d/s, for: %v}\nchecks:\n  - {name: errors, expect: errors = 0}\n", costRate, costLength)
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ours := []string{"notifyctl", "loadtest", scenario, "--target", listening.URL, "--batch", "1", "--quiet", "--profile", "full"}
	server.cost(t, ours) // which also gives the size of a body
	body := filepath.Join(dir, "body.json")
	if err := os.WriteFile(body, server.example(t), 0o600); err != nil {
		t.Fatal(err)
	}
	targets := filepath.Join(dir, "targets.txt")
	if err := os.WriteFile(targets, []byte("POST "+listening.URL+"/v1/notifications\nContent-Type: application/json\n@"+body+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	theirs := []string{vegeta, "attack", "-targets", targets, "-rate", strconv.Itoa(costRate), "-duration", costLength.String(), "-output", filepath.Join(dir, "results.bin")}

	var ourCosts, theirCosts, ratios []float64
	for round := range costRounds {
		var our, their float64
		if round%2 == 0 { // neither is always the one that comes first
			our, their = server.cost(t, ours), server.cost(t, theirs)
		} else {
			their, our = server.cost(t, theirs), server.cost(t, ours)
		}
		ourCosts, theirCosts, ratios = append(ourCosts, our), append(theirCosts, their), append(ratios, our/their)
		t.Logf("round %d: ours %.1f us, vegeta's %.1f us, ratio %.3f", round+1, our, their, our/their)
	}
	ratio := median(ratios)
	t.Logf("median of %d rounds of %d requests: ours %.1f us of CPU a request, vegeta's %.1f us, ratio %.3f",
		costRounds, int(costRate*costLength.Seconds()), median(ourCosts), median(theirCosts), ratio)
	if ratio > costLimit {
		t.Errorf("a request costs %.3f times what it costs vegeta; at most %g is accepted", ratio, costLimit)
	}
}

// costServer accepts every notification, as the API does, and nothing else.
type costServer struct {
	requests atomic.Int64
	body     atomic.Pointer[[]byte] // the last one
}

// ServeHTTP reads a request to its end, as any server must.
func (s *costServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/notifications" {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.body.Store(&body)
	s.requests.Add(1)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"results":[{"id":"018f6b2e-6c1e-7b3a-9d55-3f1f0a7d9c11","status":"accepted"}]}`)
}

// example is a body as ours are.
func (s *costServer) example(t *testing.T) []byte {
	t.Helper()
	body := s.body.Load()
	if body == nil {
		t.Fatal("nothing was sent")
	}
	return *body
}

// cost runs a command to its end and gives the CPU time of a request, user's
// and system's, in microseconds.
func (s *costServer) cost(t *testing.T, command []string) float64 {
	t.Helper()
	before := s.requests.Load()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, output)
	}
	sent := s.requests.Load() - before
	if want := int64(costRate * costLength.Seconds()); sent < want*99/100 {
		t.Logf("%s sent %d requests of %d: the machine is short of CPU", command[0], sent, want)
	}
	return float64((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds()) / float64(sent)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
