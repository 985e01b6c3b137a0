package pipelinetest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// oneSet is this process's hold of the one set of engines.
//
//nolint:gochecknoglobals // a second hold of the process would wait for the first
var oneSet = newHold()

// hold lets tests that use the set have it together, and one that breaks it have
// it alone: among the tests of this process by their names, among processes by a
// lock on a file, since go test runs packages side by side. A test and its
// subtests are one.
type hold struct {
	mu      sync.Mutex
	changed *sync.Cond // with mu; a hold ended
	file    *os.File   // while anyone holds the set

	users    map[string]int // calls of share that have not ended, by top-level test
	breaker  string         // the top-level test that has the set alone
	breaking int            // its calls of breakAlone that have not ended
}

func newHold() *hold {
	h := &hold{users: map[string]int{}}
	h.changed = sync.NewCond(&h.mu)
	return h
}

// share holds the set together with others until t has ended.
func (h *hold) share(t testing.TB, s set) {
	t.Helper()
	test := topLevel(t)
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.breaker != "" && h.breaker != test {
		h.changed.Wait()
	}
	if h.file == nil {
		if err := h.lock(s, syscall.LOCK_SH); err != nil {
			t.Fatal(err)
		}
	}
	h.users[test]++
	t.Cleanup(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.users[test]--; h.users[test] == 0 {
			delete(h.users, test)
		}
		h.settle(t)
	})
}

// breakAlone holds the set alone until t has ended and the engine is whole again.
func (h *hold) breakAlone(t testing.TB, s set, engine string) {
	t.Helper()
	test := topLevel(t)
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.mayBreak(test) {
		h.changed.Wait()
	}
	if h.breaker == "" {
		if err := h.lock(s, syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
	}
	h.breaker, h.breaking = test, h.breaking+1
	t.Cleanup(func() {
		// Before the set is let go, so that the next test finds it whole.
		err := s.run("up", engine)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.breaking--; h.breaking == 0 {
			h.breaker = ""
			err = s.forgive(err)
		}
		if err != nil {
			t.Error(err)
		}
		h.settle(t)
	})
	if err := s.mark(engine); err != nil {
		t.Fatal(err)
	}
}

// mayBreak says whether no other test of this process holds the set.
func (h *hold) mayBreak(test string) bool {
	for user := range h.users {
		if user != test {
			return false
		}
	}
	return h.breaker == "" || h.breaker == test
}

// lock takes the file's lock, or changes how it is held, and mends what a process
// broke that ended before it could.
func (h *hold) lock(s set, how int) error {
	if h.file == nil {
		file, err := os.OpenFile(filepath.Join(s.folder, "tests.lock"), os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return err
		}
		h.file = file
	}
	if err := flock(h.file, how); err != nil {
		return err
	}
	broken, err := os.ReadFile(s.broken())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// Processes that see the mark at once mend one after the other, all but the
	// first nothing: the script lets one command in at a time.
	engines := strings.Fields(string(broken))
	slices.Sort(engines)
	return s.forgive(s.run(append([]string{"up"}, slices.Compact(engines)...)...))
}

// settle lets go of what nobody here holds any more.
func (h *hold) settle(t testing.TB) {
	t.Helper()
	var err error
	switch {
	case h.breaker != "":
	case len(h.users) > 0:
		err = flock(h.file, syscall.LOCK_SH)
	default:
		err = h.file.Close()
		h.file = nil
	}
	if err != nil {
		t.Error(err)
	}
	h.changed.Broadcast()
}

func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// broken is a file of the engines that a test may have broken.
func (s set) broken() string { return filepath.Join(s.folder, "broken") }

// mark notes that a test may break an engine.
func (s set) mark(engine string) error {
	file, err := os.OpenFile(s.broken(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(engine + "\n")
	return errors.Join(err, file.Close())
}

// forgive takes the mark away if mending went well.
func (s set) forgive(mended error) error {
	if mended != nil {
		return mended
	}
	if err := os.Remove(s.broken()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func topLevel(t testing.TB) string {
	name, _, _ := strings.Cut(t.Name(), "/")
	return name
}
