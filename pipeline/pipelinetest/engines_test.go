package pipelinetest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// actor is a test by a name of its own, in which it stands for another test of
// the process.
type actor struct {
	testing.TB
	name     string
	cleanups []func()
}

func (a *actor) Name() string       { return a.name }
func (a *actor) Cleanup(end func()) { a.cleanups = append(a.cleanups, end) }
func (a *actor) Helper()            {}
func (a *actor) end() {
	for _, end := range slices.Backward(a.cleanups) {
		end()
	}
}

// stubSet is a set whose script only notes what it is told.
func stubSet(t *testing.T) (s set, told func() string) {
	t.Helper()
	s = set{script: filepath.Join(t.TempDir(), "engines"), folder: t.TempDir()}
	script := "#!/bin/sh\necho \"$*\" >>\"$NOTIFYCTL_ENGINES_DIR/told\"\n"
	if err := os.WriteFile(s.script, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return s, func() string {
		text, err := os.ReadFile(filepath.Join(s.folder, "told"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestEnginesAreSharedAndBrokenAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, told := stubSet(t)
		h := newHold()
		one, two := &actor{TB: t, name: "TestOne"}, &actor{TB: t, name: "TestTwo/part"}
		breaker, late := &actor{TB: t, name: "TestBreak"}, &actor{TB: t, name: "TestLate"}
		h.share(one, s)
		h.share(two, s)

		var wg sync.WaitGroup
		broke, came := false, false
		wg.Go(func() { h.breakAlone(breaker, s, "kafka"); broke = true })
		synctest.Wait()
		if broke {
			t.Fatal("a test broke the set that two others use")
		}
		one.end()
		synctest.Wait()
		if broke {
			t.Fatal("a test broke the set that another one uses")
		}
		two.end()
		synctest.Wait()
		if !broke {
			t.Fatal("nobody uses the set, and the test that breaks it still waits")
		}

		h.share(breaker, s) // what it broke it may also use
		wg.Go(func() { h.share(late, s); came = told() == "up kafka\n" })
		synctest.Wait()
		breaker.end()
		wg.Wait()
		if !came {
			t.Errorf("the next test came before the set was mended; the script was told %q", told())
		}
		late.end()
		if _, err := os.Stat(s.broken()); !os.IsNotExist(err) {
			t.Errorf("the set still counts as broken: %v", err)
		}
	})
}

func TestEnginesAreBrokenByAUser(t *testing.T) {
	s, _ := stubSet(t)
	h := newHold()
	test := &actor{TB: t, name: "TestFault"}
	h.share(test, s)
	part := &actor{TB: t, name: "TestFault/leader"}
	h.breakAlone(part, s, "kafka")
	part.end()
	other := newHold() // another process, which shares what this one no longer has alone
	reader := &actor{TB: t, name: "TestReader"}
	other.share(reader, s)
	reader.end()
	test.end()
}

func TestEnginesThatAProcessLeftBrokenAreMended(t *testing.T) {
	s, told := stubSet(t)
	for _, engine := range []string{"redis", "cassandra", "redis"} {
		if err := s.mark(engine); err != nil {
			t.Fatal(err)
		}
	}
	test := &actor{TB: t, name: "TestNext"}
	newHold().share(test, s)
	defer test.end()
	if want := "up cassandra redis\n"; told() != want {
		t.Errorf("the script was told %q, want %q", told(), want)
	}
	if _, err := os.Stat(s.broken()); !os.IsNotExist(err) {
		t.Errorf("the set still counts as broken: %v", err)
	}
}

func TestEngineOf(t *testing.T) {
	for name, want := range map[string]string{
		"kafka": "kafka", "kafka-sasl": "kafka", "kafka-2": "kafka",
		"redis": "redis", "redis-password": "redis", "redis-cluster": "redis-cluster", "redis-cluster-6": "redis-cluster",
		"postgres-0-superuser": "postgres", "postgres-1-0": "postgres", "cassandra-3": "cassandra", "s3": "s3",
	} {
		if got := engineOf(name); got != want {
			t.Errorf("%s is of %s, want %s", name, got, want)
		}
	}
}

func TestMissingEngineHidesThePassword(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:19091,127.0.0.1:19092":                "127.0.0.1:19091,127.0.0.1:19092",
		"redis://127.0.0.1:1":                            "redis://127.0.0.1:1",
		"postgres://u:p@ss@127.0.0.1:1,127.0.0.1:2/name": "postgres://127.0.0.1:1,127.0.0.1:2/name",
	} {
		if got := withoutUser(address); got != want || strings.Contains(got, "p@ss") {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
	}
}
