package main_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// processTimeout is how long a process may take to serve, and to end in order:
// beyond what it allows itself on a machine that is not busy.
const processTimeout = 90 * time.Second

// A process is a running notifyctl, which is this test's own binary.
type process struct {
	name  string // in the test's log
	url   string // once it is ready
	cmd   *exec.Cmd
	told  <-chan string // its URL; closed at the end of what it writes
	ended sync.Once

	mu     sync.Mutex
	output strings.Builder
}

// startProcess starts the program and waits for its line with a URL.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	p := launchProcess(t, args[0], args...)
	p.await(t)
	return p
}

// launchProcess starts the program, which is killed at the latest when the test
// ends.
func launchProcess(t *testing.T, name string, args ...string) *process {
	t.Helper()
	cmd := exec.Command("notifyctl", args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 1)
	p := &process{name: name, cmd: cmd, told: told}
	go func() {
		defer close(told)
		p.forward(t, stderr, told)
	}()
	t.Cleanup(func() { p.kill(t) })
	return p
}

// forward copies what the process writes into the test's log, until it has
// ended, and tells its URL.
func (p *process) forward(t *testing.T, stderr io.Reader, told chan<- string) {
	ready := regexp.MustCompile(`ready at (http://[0-9.:]+)`)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		t.Log(p.name+":", lines.Text())
		p.mu.Lock()
		p.output.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		if found := ready.FindStringSubmatch(lines.Text()); found != nil {
			told <- found[1]
		}
	}
}

// awaitOutput waits until the process has written a text.
func (p *process) awaitOutput(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(processTimeout); !p.wrote(text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not write %q within %v", p.name, text, processTimeout)
		}
	}
}

func (p *process) wrote(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(p.output.String(), text)
}

// await waits until the process serves.
func (p *process) await(t *testing.T) {
	t.Helper()
	select {
	case url, running := <-p.told:
		if !running {
			t.Fatalf("%s (notifyctl %s) ended without saying where it listens", p.name, strings.Join(p.cmd.Args[1:], " "))
		}
		p.url = url
	case <-time.After(processTimeout):
		t.Fatalf("%s did not serve within %v", p.name, processTimeout)
	}
}

// kill ends the process as a crash would. Once it has ended, it does nothing.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.ended.Do(func() {
		if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		p.drain()
		_ = p.cmd.Wait() // "signal: killed"
	})
}

// end asks the process to end, and waits until it has done so in order.
func (p *process) end(t *testing.T) {
	t.Helper()
	p.ended.Do(func() {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		late := time.AfterFunc(processTimeout, func() {
			t.Errorf("%s did not end within %v", p.name, processTimeout)
			_ = p.cmd.Process.Kill() // it may have ended just now
		})
		p.drain()
		late.Stop()
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("the orderly end of %s: %v", p.name, err)
		}
	})
}

// drain waits until all that the process wrote was read, which comes with its
// end.
func (p *process) drain() {
	for range p.told { // a URL that nobody waited for
	}
}
