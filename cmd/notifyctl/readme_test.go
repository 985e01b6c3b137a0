package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// readmeBlock is one fenced block of commands.
type readmeBlock struct {
	line     int // of its first command
	commands string
}

// readmeBlocks finds the command blocks of a page: those fenced as sh. Commands
// that hide under another fence would not be run, so those are an error.
func readmeBlocks(page string) ([]readmeBlock, error) {
	var blocks []readmeBlock
	fence, start := "", 0
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		info, isFence := strings.CutPrefix(line, "```")
		switch {
		case !isFence:
			continue
		case fence == "":
			fence, start = info, i+1
			if info != "sh" && info != "text" && info != "json" && info != "yaml" {
				return nil, fmt.Errorf("line %d: a block fenced as %q; commands are fenced as sh, output as text", i+1, info)
			}
		default:
			if fence == "sh" {
				blocks = append(blocks, readmeBlock{line: start + 1, commands: strings.Join(lines[start:i], "\n")})
			}
			fence = ""
		}
	}
	if fence != "" {
		return nil, fmt.Errorf("line %d: the block does not end", start)
	}
	return blocks, nil
}

// TestPages runs every command block of the pages below as it stands, each in a
// folder and a home of its own, and fails when one of its commands does. A block
// that starts a server does so in the background and ends it; what it leaves
// behind is killed. Four things are changed on the way: `go run
// ./cmd/notifyctl` is the program already built, `go test ./...` is what is
// running already, the fixed ports become free ones, and what stands on real
// engines is TestEnginesPages's.
func TestPages(t *testing.T) {
	requireTool(t, "curl")
	bin := buildProgram(t)
	for _, page := range []string{"README.md", "docs/api.md", "docs/ci.md"} {
		t.Run(filepath.Base(page), func(t *testing.T) { runPage(t, bin, page) })
	}
}

// TestEnginesPages runs those command blocks that stand on real engines, over
// the set that the other tests of engines use.
func TestEnginesPages(t *testing.T) {
	for _, name := range []string{"kafka", "redis", "postgres-0", "postgres-1", "cassandra", "s3"} {
		pipelinetest.Engine(t, name)
	}
	if os.Getenv(enginesCache) == "" { // which is in the home, and a block has one of its own
		folder, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(enginesCache, filepath.Join(folder, "notifyctl-engines"))
	}
	bin := buildProgram(t)
	for _, b := range blocksOf(t, "README.md") {
		if b.onEngines() {
			t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) { runBlock(t, bin, b.commands) })
		}
	}
}

// enginesCache names the folder of what scripts/engines fetched.
const enginesCache = "NOTIFYCTL_ENGINES_CACHE"

// onEngines says whether a block stands on real engines.
func (b readmeBlock) onEngines() bool { return strings.Contains(b.commands, "scripts/engines") }

// blocksOf reads the command blocks of a page.
func blocksOf(t *testing.T, page string) []readmeBlock {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := readmeBlocks(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) == 0 {
		t.Fatal("it has no command blocks")
	}
	return blocks
}

func runPage(t *testing.T, bin, page string) {
	for _, b := range blocksOf(t, page) {
		name := fmt.Sprintf("line %d", b.line)
		if b.commands == "go test ./..." || b.onEngines() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			// A load test has the machine to itself, as far as this test can
			// see to it; the others run together after it.
			if strings.Contains(b.commands, " loadtest") {
				if testing.Short() {
					t.Skip("a whole load test")
				}
			} else {
				t.Parallel()
			}
			runBlock(t, bin, b.commands)
		})
	}
}

// requireTool skips the test where a tool of the README's reader is missing;
// where CI is set it is a failure.
func requireTool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI needs %s: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
}

// buildProgram builds notifyctl and gives the folder that holds it.
func buildProgram(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "notifyctl"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return bin
}

func runBlock(t *testing.T, bin, commands string) {
	t.Helper()
	server, mock := freeAddress(t), freeAddress(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	commands = strings.NewReplacer(
		"go run ./cmd/notifyctl", "notifyctl",
		"notifyctl serve", "notifyctl serve --listen "+server,
		"notifyctl mock", "notifyctl mock --listen "+mock,
		"127.0.0.1:8080", server,
		"127.0.0.1:8090", mock,
		"scripts/engines", filepath.Join(root, "scripts/engines"),
	).Replace(commands)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	shell := exec.CommandContext(ctx, "sh", "-eu", "-c", commands)
	shell.Dir = t.TempDir()
	shell.Env = append(os.Environ(),
		"HOME="+t.TempDir(),
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"NO_COLOR=1",
	)
	shell.Stdout, shell.Stderr = &out, &out
	// The block's servers share its process group, so that none outlives it.
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	killGroup := func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) }
	shell.Cancel = killGroup
	shell.WaitDelay = 5 * time.Second
	err = shell.Run()
	if leftover := killGroup(); leftover == nil {
		t.Error("the block left a process running")
	}
	// A machine that is busy with the tests of other packages may be too slow to
	// judge a load: the program then says that it could not tell.
	const inconclusive = 111
	if err != nil && shell.ProcessState.ExitCode() != inconclusive {
		t.Errorf("%v", err)
	}
	if t.Failed() {
		t.Logf("commands:\n%s\noutput:\n%s", commands, &out)
	}
}

// freeAddress gives a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	return l.Addr().String()
}

func TestReadmeBlocks(t *testing.T) {
	for _, tt := range []struct {
		name, page string
		want       []readmeBlock
		fails      bool
	}{
		{name: "none", page: "a page"},
		{
			name: "two of three",
			page: "```sh\nfirst\nsecond\n```\n```text\nout\n```\n```sh\nthird\n```\n",
			want: []readmeBlock{{2, "first\nsecond"}, {9, "third"}},
		},
		{name: "commands under another fence", page: "```console\n$ first\n```\n", fails: true},
		{name: "a fence that says nothing", page: "```\nfirst\n```\n", fails: true},
		{name: "no end", page: "```sh\nfirst\n", fails: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readmeBlocks(tt.page)
			if (err != nil) != tt.fails {
				t.Fatalf("error %v, want one: %v", err, tt.fails)
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
