package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// screenViews is what each view of a load test shows at least, whatever the
// terminal's size.
func screenViews() [][]string {
	return [][]string{
		{"[1 overview]", "rate/s", "offered/s", "api  ", "from the schedule", "end to end", "oldest", "push ", "sendgrid ok", "in flight", "── checks", "api p99", "── events"},
		{"[2 channels]", "push high", "email normal", "sms low", "delivered/s", "success and cost", "transactional", "100.0 %"},
		{"[3 queues]", "push low", "retrying", "push workers", "desired", "region-1 gateways", "policy arrivals"},
		{"[4 providers]", "breaker", "fcm       closed", "twilio    closed", "since the server's start", "ambiguous"},
		{"[5 stores]", "preferences l1", "look-ups/s", "4 shards, divided by modulo", "feed, history, intake, settlement"},
		{"[6 process]", "load sent", "100.0 %", "connections", "accepted", "live heap", "goroutines", "GC cycles"},
		{"[7 log]", "stage hold"},
	}
}

// keep writes what a screen showed into the folder that NOTIFYCTL_SCREENS names,
// for people to look at.
func keep(t *testing.T, name, shown string) {
	t.Helper()
	dir := os.Getenv("NOTIFYCTL_SCREENS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".txt"), []byte(shown), 0o644); err != nil {
		t.Error(err)
	}
}

func TestScreenOfALoadTest(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		name := fmt.Sprintf("%dx%d", size[0], size[1])
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			p := openPane(t, size[0], size[1], "loadtest", "steady", "--profile", "smoke", "--out", out)
			p.await(t, "● running", "sendgrid ok")
			p.await(t, "api p99", " ms")
			for i, want := range screenViews() {
				p.press(t, fmt.Sprint(i+1))
				shown := p.await(t, want...)
				p.whole(t, shown)
				keep(t, fmt.Sprintf("%s-%d", name, i+1), shown)
			}
			if size[0] > 120 {
				p.press(t, "1")
				p.await(t, "│ ── checks ──", "│ ── events ──")
			}
			p.press(t, "?")
			keep(t, name+"-help", p.await(t, "abort the test", "esc leaves this help"))
			p.press(t, "?")
			p.await(t, "7 log")
			p.press(t, "x") // after Escape it would be taken for Alt-x
			p.await(t, "Abort the test?")
			p.press(t, "y")
			// The result is longer than the smallest screen.
			shown := p.await(t, "INTERRUPTED", "exit 105")
			keep(t, name+"-end", shown)
			if _, err := os.Stat(filepath.Join(out, "result.json")); err != nil {
				t.Errorf("the part of the test that was done has no result: %v", err)
			}
		})
	}
}

func TestScreenFollowsTheTerminal(t *testing.T) {
	p := openPane(t, 80, 24, "loadtest", "steady", "--profile", "smoke")
	p.await(t, "● running", "sendgrid ok")
	for _, size := range [][2]int{{130, 30}, {60, 15}, {100, 50}} {
		p.resize(t, size[0], size[1])
		want := "[1 overview]"
		if size[0] < 80 {
			want = "[1] 2 3"
		}
		p.await(t, want, "── checks")
	}
	p.whole(t, p.await(t, "[1 overview]"))
	// Left, it goes on in lines; Ctrl-C then ends the test, as it does without a
	// screen.
	p.press(t, "q")
	p.await(t, "Leave the screen?")
	p.press(t, "y")
	p.await(t, "steady  00:", "in flight")
	p.press(t, "C-c")
	p.await(t, "INTERRUPTED", "exit 105")
}

func TestScreenOfAServerOfItsOwn(t *testing.T) {
	address := freeAddress(t)
	p := openPane(t, 80, 24, "serve", "--tui", "--listen", address)
	shown := p.await(t, "http://"+address, "● ready", "[1 overview]", "accepted/s", "── promises")
	p.whole(t, shown)
	p.press(t, "5")
	p.whole(t, p.await(t, "preferences l1", "4 shards"))
	p.press(t, "q")
	p.await(t, "The server goes on without it.")
	p.press(t, "n", "x")
	p.await(t, "End the server?")
	p.press(t, "y")
	p.await(t, "notifyctl: ready at http://"+address, "exit 0")
}

func TestMonitor(t *testing.T) {
	address := freeAddress(t)
	server := startProcess(t, "serve", "--listen", address)
	p := openPane(t, 80, 24, "monitor", "http://"+address)
	p.whole(t, p.await(t, "http://"+address, "● ready", "── promises", "in flight"))
	p.press(t, "6")
	p.whole(t, p.await(t, "live heap", "memory"))
	server.kill(t)
	// What it said last stays, with its age.
	p.press(t, "1")
	p.await(t, "● no answer for", "connection refused", "in flight")
	startProcess(t, "serve", "--listen", address)
	p.await(t, "● ready")
	p.press(t, "7")
	p.await(t, "no answer: ", "the server answers", "the server was started anew")
	p.press(t, "q")
	p.await(t, "exit 0")
}

func TestMonitorOfNobody(t *testing.T) {
	p := openPane(t, 80, 24, "monitor", "--wait", "2s", "http://"+freeAddress(t))
	p.await(t, "no answer from http://127.0.0.1", "connection refused", "it is tried again")
	shown := p.await(t, "did not answer within 2s", "exit 1")
	if strings.Contains(shown, "exit 105") {
		t.Errorf("it ended otherwise:\n%s", shown)
	}
}
