package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// paneTimeout is how long a program may take to show something: beyond what a
// busy machine needs to start it, and to end a load.
const paneTimeout = 60 * time.Second

// A pane is a terminal of a size, in which tmux runs a program.
type pane struct {
	socket        string
	width, height int
}

// openPane runs notifyctl in a terminal of its own. When the program has ended,
// the terminal says "exit" and its code.
func openPane(t *testing.T, width, height int, args ...string) *pane {
	t.Helper()
	if testing.Short() {
		t.Skip("a program in a terminal of its own")
	}
	requireTool(t, "tmux")
	// The path of a socket has to be short, which that of a test's folder is not.
	dir, err := os.MkdirTemp("", "pane")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	config := filepath.Join(dir, "tmux.conf")
	settings := "set -g status off\nset -g default-terminal tmux-256color\n"
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &pane{socket: filepath.Join(dir, "s"), width: width, height: height}
	// A Ctrl-C reaches the shell as well, which is to say how the program ended.
	command := "trap : INT; notifyctl '" + strings.Join(args, "' '") + "'; echo exit $?; exec sleep 600"
	start := p.tmux("-f", config, "-u", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), command)
	start.Env = append(os.Environ(), "HOME="+t.TempDir(), "SHELL=/bin/sh", "LC_ALL=C.UTF-8", "NO_COLOR=")
	if out, err := start.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(func() { p.do(t, "kill-server") })
	return p
}

func (p *pane) tmux(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-S", p.socket}, args...)...)
}

func (p *pane) do(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.tmux(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// press types keys as tmux names them.
func (p *pane) press(t *testing.T, keys ...string) {
	t.Helper()
	p.do(t, append([]string{"send-keys"}, keys...)...)
}

// resize gives the terminal another size.
func (p *pane) resize(t *testing.T, width, height int) {
	t.Helper()
	p.width, p.height = width, height
	p.do(t, "resize-window", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height))
}

// await waits until all texts are shown at once, and gives the screen.
func (p *pane) await(t *testing.T, texts ...string) string {
	t.Helper()
	for deadline := time.Now().Add(paneTimeout); ; time.Sleep(50 * time.Millisecond) {
		shown := p.do(t, "capture-pane", "-p")
		missing := ""
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				missing = text
			}
		}
		switch {
		case missing == "":
			return shown
		case time.Now().After(deadline):
			t.Fatalf("%q is not shown within %v:\n%s", missing, paneTimeout, shown)
		}
	}
}

// whole checks that a screen is there from its first line to its last, with
// nothing cut or wrapped: what is above begins with the program's name, what is
// below are the views, and each line across reaches from end to end, or to the
// column beside it.
func (p *pane) whole(t *testing.T, shown string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(shown, "\n"), "\n")
	if len(lines) != p.height {
		t.Errorf("%d lines on a screen of %d:\n%s", len(lines), p.height, shown)
		return
	}
	if !strings.HasPrefix(lines[0], "notifyctl  ") || !strings.Contains(lines[0], "●") || !strings.HasSuffix(lines[p.height-1], "? help") {
		t.Errorf("the first and the last line are\n%s\n%s\nof\n%s", lines[0], lines[p.height-1], shown)
	}
	for _, line := range lines {
		if strings.HasPrefix(line, "──") && !strings.Contains(line, "─ │") && ansi.StringWidth(line) != p.width {
			t.Errorf("a line across of %d columns on a screen of %d:\n%s", ansi.StringWidth(line), p.width, shown)
		}
	}
}
