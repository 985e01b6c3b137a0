package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine"
)

// wantRefusal opens a system that must not open, and holds what it says and
// leaves to what is promised: one error that names what is wrong, and nothing
// left running.
func wantRefusal(t *testing.T, cfg engine.Config, words ...string) {
	t.Helper()
	if cfg.Listen == anyPort {
		cfg.Listen = freeAddress(t)
	}
	before := runtime.NumGoroutine()
	s, err := engine.Open(t.Context(), cfg)
	if err == nil {
		_ = s.Drain(t.Context())
		t.Error("it opened")
		return
	}
	if s != nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("it gave %v and more than one error: %v", s, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
		}
	}
	eventually(t, "what was opened has ended", func() bool { return runtime.NumGoroutine() <= before })
	// The address is free again, unless it never was ours.
	if listener, err := net.Listen("tcp", cfg.Listen); err == nil {
		_ = listener.Close()
	} else if !strings.Contains(strings.Join(words, " "), cfg.Listen) {
		t.Errorf("the address is still taken: %v", err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// used makes a data directory that holds what a system left.
func used(t *testing.T) engine.Config {
	t.Helper()
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	s := open(t, cfg)
	s.submit("k", urgent("email", 1), urgent("push", 2), bulk(3))
	s.drain()
	return cfg
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestABadIDKey(t *testing.T) {
	for _, text := range []string{"", "\n", "00", "zz" + strings.Repeat("0", 30), strings.Repeat("0", 34), "\x00\xff"} {
		cfg := used(t)
		path := filepath.Join(cfg.DataDir, "id.key")
		write(t, path, text)
		wantRefusal(t, cfg, path, "32 hexadecimal digits", "restore it")
		if kept, err := os.ReadFile(path); err != nil || string(kept) != text {
			t.Errorf("the file became %q, %v", kept, err)
		}
	}
	cfg := config(t, "http://127.0.0.1:1")
	cfg.IDKey = "short"
	wantRefusal(t, cfg, "NOTIFYCTL_ID_KEY", "32 hexadecimal digits")
}

func TestAMissingIDKeyBesideAStore(t *testing.T) {
	cfg := used(t)
	path := filepath.Join(cfg.DataDir, "id.key")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, cfg, path, "restore it", "NOTIFYCTL_ID_KEY")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another key was made: %v", err)
	}
}

func TestAFileInPlaceOfADirectory(t *testing.T) {
	for _, name := range []string{"", "store", "preferences", "id.key"} {
		t.Run("at "+name, func(t *testing.T) {
			cfg := config(t, "http://127.0.0.1:1")
			cfg.DataDir = filepath.Join(t.TempDir(), "data")
			path := filepath.Join(cfg.DataDir, name)
			if name == "id.key" {
				if err := os.MkdirAll(path, 0o700); err != nil {
					t.Fatal(err)
				}
			} else {
				if name != "" {
					if err := os.Mkdir(cfg.DataDir, 0o700); err != nil {
						t.Fatal(err)
					}
				}
				if name == "store" { // its key is not missing
					write(t, filepath.Join(cfg.DataDir, "id.key"), strings.Repeat("0", 32))
				}
				write(t, path, "not a directory")
			}
			wantRefusal(t, cfg, path)
		})
	}
}

func TestAPortInUse(t *testing.T) {
	listener, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	cfg := config(t, "http://127.0.0.1:1")
	cfg.Listen, cfg.DataDir = listener.Addr().String(), filepath.Join(t.TempDir(), "data")
	wantRefusal(t, cfg, cfg.Listen, "another program", "give another address")
	if _, err := os.Stat(cfg.DataDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data directory was touched: %v", err)
	}
	cfg.Listen = "127.0.0.1:http-ish"
	wantRefusal(t, cfg, cfg.Listen)
}

func TestWhatIsConfiguredWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(cfg *engine.Config)
		words  []string
	}{
		"templates that are not there": {func(cfg *engine.Config) { cfg.Templates.At = "/nowhere" }, []string{"templates folder", "/nowhere"}},
		"a provider without a host":    {func(cfg *engine.Config) { cfg.Providers.FCM = "http:///fcm" }, []string{"providers", "fcm"}},
		"a backup without a host": {func(cfg *engine.Config) {
			cfg.Providers.SES = "http:///mail"
			cfg.Providers.Email = engine.ProviderChoice{Primary: "sendgrid", Backup: "ses"}
		}, []string{"providers", "ses", "http:///mail"}},
		"no shards": {func(cfg *engine.Config) { cfg.Shards = 0 }, []string{"0 shards"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, "http://127.0.0.1:1")
			c.change(&cfg)
			cfg.DataDir = t.TempDir()
			wantRefusal(t, cfg, c.words...)
			cfg.DataDir = ""
			left := len(temporaryDirs(t))
			wantRefusal(t, cfg, c.words...)
			if now := len(temporaryDirs(t)); now > left {
				t.Errorf("%d temporary directories were left", now-left)
			}
		})
	}
}

func temporaryDirs(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.TempDir(), "notifyctl-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// holdVariable asks this test's program to hold a data directory, as another
// process would.
const holdVariable = "NOTIFYCTL_TEST_HOLD"

func TestADataDirectoryInUse(t *testing.T) {
	if dir := os.Getenv(holdVariable); dir != "" {
		hold(t, dir)
		return
	}
	cfg := used(t)
	other := exec.Command(os.Args[0], "-test.run=^TestADataDirectoryInUse$")
	other.Env = append(os.Environ(), holdVariable+"="+cfg.DataDir)
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || lines.Text() != "holding" {
		t.Errorf("the other process said %q", lines.Text())
	}
	wantRefusal(t, cfg, cfg.DataDir, "another process is using it")
	if err := stdin.Close(); err != nil {
		t.Error(err)
	}
	for lines.Scan() { // to its end, or it could not write
	}
	if err := other.Wait(); err != nil {
		t.Errorf("the other process was disturbed: %v", err)
	}
	// Free again, and unharmed.
	s := open(t, cfg)
	if a := s.settleDown(); a.Accepted != 4 || a.Delivered != 4 {
		t.Errorf("the account is %+v", a)
	}
	s.drain()
}

// hold has a system in a directory until standard input ends, and then has it
// deliver one more.
func hold(t *testing.T, dir string) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.DataDir = dir
	s := open(t, cfg)
	fmt.Println("holding")
	_, _ = os.Stdin.Read(make([]byte, 1)) // its end is the sign
	s.submit("", urgent("sms", 9))
	s.settleDown()
	s.drain()
}

// A directory that is open in this process is not damaged, and no other has it.
func TestADataDirectoryInUseHere(t *testing.T) {
	cfg := used(t)
	s := open(t, cfg)
	s.settleDown()
	wantRefusal(t, cfg, storeOf(cfg.DataDir), "open in this process already")
	if a := s.settleDown(); a.Accepted != 3 || a.Delivered != 3 {
		t.Errorf("the account is %+v", a)
	}
	s.drain()
}

// A store whose files are cut short, overwritten or gone is refused with what
// can be done, or opens with all that was accepted: after an orderly end, and
// as a killed process leaves it, when what was accepted last is in a log alone.
func TestADamagedStore(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	s := open(t, cfg)
	results := s.submit("k", urgent("email", 1), urgent("push", 2), bulk(3))
	s.settleDown()
	dirs := map[string]string{"killed": copied(t, cfg.DataDir)} // as it stands: nothing goes on
	s.drain()
	dirs["ended"] = cfg.DataDir

	damages := map[string]func(b []byte) []byte{
		"empty":   func([]byte) []byte { return nil },
		"halved":  func(b []byte) []byte { return b[:len(b)/2] },
		"garbled": func(b []byte) []byte { return []byte(strings.Repeat("\xa5", len(b))) },
		"a bit": func(b []byte) []byte {
			b[len(b)/2] ^= 4
			return b
		},
		"missing": nil,
	}
	for end, dir := range dirs {
		files, err := os.ReadDir(storeOf(dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			for name, damage := range damages {
				t.Run(end+" "+name+" "+f.Name(), func(t *testing.T) {
					cfg.DataDir = copied(t, dir)
					spoil(t, filepath.Join(storeOf(cfg.DataDir), f.Name()), damage)
					needed := end == "killed" && filepath.Ext(f.Name()) == ".log"
					wantRefusedOrWhole(t, cfg, results, needed)
				})
			}
		}
	}
}

// copied is a copy of a data directory.
func copied(t *testing.T, dir string) string {
	t.Helper()
	left := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return left
}

// spoil damages a file; without a damage, or when it is empty, it is removed.
func spoil(t *testing.T, path string, damage func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if damage != nil && len(content) > 0 {
		write(t, path, string(damage(content)))
		return
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// wantRefusedOrWhole opens a store of which one file is damaged, and one that
// holds what is nowhere else if it is needed.
func wantRefusedOrWhole(t *testing.T, cfg engine.Config, delivered []api.Result, needed bool) {
	t.Helper()
	before := runtime.NumGoroutine()
	opened, err := engine.Open(t.Context(), cfg)
	if err != nil {
		if !strings.Contains(err.Error(), storeOf(cfg.DataDir)) || !strings.Contains(err.Error(), "damaged") || strings.Contains(err.Error(), "\n") {
			t.Errorf("it does not say in one error that the store in %s is damaged: %v", storeOf(cfg.DataDir), err)
		}
	} else {
		if needed {
			t.Error("it opened without what was accepted")
		}
		s := withClient(t, opened)
		if a := s.account(); a.Accepted != int64(len(delivered)) || a.Delivered != a.Accepted {
			t.Errorf("%d were delivered, and the account is %+v", len(delivered), a)
		}
		for _, r := range delivered {
			if e := s.entry(r.ID); e.State != "delivered" {
				t.Errorf("of what was delivered it says %+v", e)
			}
		}
		s.drain()
	}
	eventually(t, "what was opened has ended", func() bool { return runtime.NumGoroutine() <= before })
}
