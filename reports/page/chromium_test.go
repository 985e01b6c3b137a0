package page

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/reports/reportstest"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// chromium finds the browser; where CI is set it is a failure that there is none.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("CI needs chromium")
	}
	t.Skip("chromium is not installed")
	return ""
}

// open shows a page in a browser, and gives the tree that came of it, what the
// browser's console said, and whom it wanted to speak to. All that it asks the
// network for goes to a proxy that answers nothing.
func open(t *testing.T, page string) (tree, console string, asked []string) {
	t.Helper()
	browser := chromium(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy, stop := eavesdrop(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, messages bytes.Buffer
	cmd := exec.CommandContext(ctx, browser,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+filepath.Join(dir, "profile"),
		// What the browser itself would ask for, beside the page.
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
		"--disable-extensions", "--disable-domain-reliability", "--no-first-run", "--no-pings",
		"--proxy-server="+proxy, "--proxy-bypass-list=<-loopback>",
		"--enable-logging=stderr", "--v=0", "--dump-dom", "file://"+path)
	cmd.Stdout, cmd.Stderr = &out, &messages
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &messages)
	}
	var said []string
	for line := range strings.Lines(messages.String()) {
		if strings.Contains(line, "CONSOLE") {
			said = append(said, strings.TrimSpace(line))
		}
	}
	return out.String(), strings.Join(said, "\n"), stop()
}

// eavesdrop listens as a proxy, and notes the first line of what each caller
// wants. What the browser asks its maker for is not the page's.
func eavesdrop(t *testing.T) (address string, stop func() []string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var asked []string
	var callers sync.WaitGroup
	callers.Go(func() {
		for {
			caller, err := listener.Accept()
			if err != nil {
				return
			}
			request := make([]byte, 512)
			n, _ := caller.Read(request)
			line, _, _ := strings.Cut(string(request[:n]), "\r\n")
			_ = caller.Close()
			if !strings.Contains(line, "google") && line != "" {
				mu.Lock()
				asked = append(asked, line)
				mu.Unlock()
			}
		}
	})
	return listener.Addr().String(), func() []string {
		_ = listener.Close()
		callers.Wait()
		mu.Lock()
		defer mu.Unlock()
		return asked
	}
}

func TestABrowserShowsThePageWithoutAWord(t *testing.T) {
	r := reportstest.Result()
	c := baseline.Compare([]*scenarios.Result{r}, []*scenarios.Result{r}, baseline.DefaultTolerance)
	page, _ := render(t, r, c)
	tree, console, asked := open(t, page)
	if console != "" || len(asked) > 0 {
		t.Errorf("the browser says %s and asks for %q", console, asked)
	}
	if !strings.Contains(tree, "was 612 ms, and is to be &lt; 500 ms.") || strings.Count(tree, "<figure") != 4 {
		t.Errorf("what the browser made of it lacks something: %d bytes", len(tree))
	}
}

// TestABrowserWouldComplain shows that the test above would notice.
func TestABrowserWouldComplain(t *testing.T) {
	page, _ := render(t, reportstest.Result(), nil)
	_, console, _ := open(t, strings.Replace(page, "</main>", `<img src="http://192.0.2.1/x.png"></main>`, 1))
	if !strings.Contains(console, "192.0.2.1") {
		t.Errorf("a picture from elsewhere is not refused: %q", console)
	}
	free := strings.Replace(page, `http-equiv="Content-Security-Policy"`, `name="x"`, 1)
	_, console, asked := open(t, strings.Replace(free, "</main>", `<img src="http://192.0.2.1/x.png"><script>console.error("oh")</script></main>`, 1))
	if !strings.Contains(console, "oh") || len(asked) == 0 || !strings.Contains(asked[0], "192.0.2.1") {
		t.Errorf("without its policy, the browser says %q and asks for %q", console, asked)
	}
}
