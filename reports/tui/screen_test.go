package tui

import (
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

func of[T any](v T) *T { return &v }

// sample is a run in its course.
func sample() scenarios.Snapshot {
	s := scenarios.Snapshot{
		Scenario: "steady", Profile: "ci", Phase: scenarios.Running, Stage: "hold",
		Elapsed: 41 * time.Second, Total: 150 * time.Second, Batch: 100,
		Report: &load.Report{},
	}
	for i := range 41 {
		n := uint64(min(i*2, 24))
		s.Seconds = append(s.Seconds, load.Second{Offered: n, Sent: n, Accepted: n, Response: load.Latency{
			Count: n, P50: 2100 * time.Microsecond, P90: 4 * time.Millisecond, P99: 8800 * time.Microsecond, Max: 14 * time.Millisecond,
		}})
	}
	s.System = &scenarios.SystemView{
		Seen: time.Now(), Depths: []int64{0, 10, 500, 900, 412}, Depth: 412, OldestAge: 1300 * time.Millisecond,
		Workers:   []api.Workers{{Channel: "push", Busy: 3, Running: 32}, {Channel: "email", Busy: 2, Running: 32}, {Channel: "sms", Running: 64}},
		Providers: []api.Provider{{Name: "fcm", Calls: 40, Sent: 50_000}, {Name: "sendgrid", Calls: 20, Sent: 25_000}, {Name: "ses"}},
		Account:   api.Account{Accepted: 84_312, Delivered: 83_890, Suppressed: 10, InFlight: 412},
	}
	s.Checks = []scenarios.Check{
		{Name: "api p99", Op: "<", Limit: 500, Measured: of(8.8), Unit: "ms", Verdict: scenarios.Pass},
		{Name: "errors", Op: "<", Limit: 1000, Measured: of(1200.0), Unit: "ppm", Verdict: scenarios.Fail},
		{Name: "load sent", Op: ">=", Limit: 99, Measured: of(100.0), Unit: "%", Verdict: scenarios.Pass},
		{Name: "lost", Op: "=", Limit: 0, Verdict: scenarios.Inconclusive, Why: "the run is not over"},
		{Name: "duplicates", Op: "=", Limit: 0, Verdict: scenarios.Inconclusive, Why: "the run is not over"},
	}
	return s
}

// at draws a snapshot on a screen of a size, after some keys.
func at(t *testing.T, snapshot scenarios.Snapshot, utf8 bool, width, height int, keys ...string) string {
	t.Helper()
	s := newScreen(Options{
		Terminal: reports.Terminal{UTF8: utf8}, Snapshot: func() scenarios.Snapshot { return snapshot }, Abort: func() {},
	})
	s.width, s.height = width, height
	for _, key := range keys {
		s = s.key(key)
	}
	drawn := s.draw()
	lines := strings.Split(drawn, "\n")
	if len(lines) != height {
		t.Errorf("%d lines on a screen of %d", len(lines), height)
	}
	for _, line := range lines {
		if ansi.StringWidth(line) > width {
			t.Errorf("a line of %d columns on a screen of %d: %s", ansi.StringWidth(line), width, line)
		}
	}
	return drawn + "\n"
}

func TestScreens(t *testing.T) {
	starting := scenarios.Snapshot{Scenario: "steady", Profile: "ci", Phase: scenarios.Starting, Total: 150 * time.Second}
	foreign := sample()
	foreign.System = nil
	stale := sample()
	stale.System.Stale = true
	stale.System.Seen = time.Now().Add(-4 * time.Second)
	for name, drawn := range map[string]string{
		"80x24":    at(t, sample(), true, 80, 24),
		"120x40":   at(t, sample(), true, 120, 40),
		"ascii":    at(t, sample(), false, 80, 24),
		"narrow":   at(t, sample(), true, 60, 18),
		"starting": at(t, starting, true, 80, 24),
		"foreign":  at(t, foreign, true, 80, 24),
		"stale":    at(t, stale, true, 80, 24),
		"help":     at(t, sample(), true, 80, 24, "?"),
		"asking":   at(t, sample(), true, 80, 24, "x"),
		"stopping": at(t, sample(), true, 80, 24, "x", "y"),
	} {
		t.Run(name, func(t *testing.T) { golden.RequireEqual(t, drawn) })
	}
}

func TestAnySizeIsDrawn(t *testing.T) {
	for width := range 130 {
		for _, height := range []int{1, 2, 5, 19, 20, 50} {
			at(t, sample(), true, width, height)
			at(t, sample(), false, width, height, "?")
		}
	}
}

// run is a run that a test moves on.
type run struct {
	mu       sync.Mutex
	snapshot scenarios.Snapshot
	aborts   int
}

func (r *run) take() scenarios.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.snapshot
}

func (r *run) set(change func(*scenarios.Snapshot)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.snapshot)
}

func (r *run) abort() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.aborts++
	r.snapshot.Phase = scenarios.Over // as a run does soon after
}

func start(t *testing.T, r *run) *teatest.TestModel {
	t.Helper()
	return teatest.NewTestModel(t, newScreen(Options{
		Terminal: reports.Terminal{}, Snapshot: r.take, Abort: r.abort,
	}), teatest.WithInitialTermSize(80, 24))
}

func waitFor(t *testing.T, m *teatest.TestModel, text string) {
	t.Helper()
	teatest.WaitFor(t, m.Output(), func(out []byte) bool { return strings.Contains(string(out), text) }, teatest.WithDuration(10*time.Second))
}

func TestAbortAsksFirst(t *testing.T) {
	r := &run{snapshot: sample()}
	m := start(t, r)
	for _, key := range []string{"q", "n", "x"} {
		m.Type(key)
	}
	waitFor(t, m, "Abort the run?")
	if r.aborts != 0 {
		t.Fatal("aborted without a confirmation")
	}
	m.Type("y")
	m.WaitFinished(t, teatest.WithFinalTimeout(10*time.Second))
	if r.aborts != 1 {
		t.Errorf("aborted %d times", r.aborts)
	}
}

func TestCtrlCTwiceAborts(t *testing.T) {
	r := &run{snapshot: sample()}
	m := start(t, r)
	for range 2 {
		m.Send(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl})
	}
	m.WaitFinished(t, teatest.WithFinalTimeout(10*time.Second))
	if r.aborts != 1 {
		t.Errorf("aborted %d times", r.aborts)
	}
}

func TestTheScreenEndsWithTheRun(t *testing.T) {
	r := &run{snapshot: sample()}
	m := start(t, r)
	waitFor(t, m, "steady")
	r.set(func(s *scenarios.Snapshot) { s.Phase = scenarios.Over })
	m.WaitFinished(t, teatest.WithFinalTimeout(10*time.Second))
	if r.aborts != 0 {
		t.Error("the end of the run aborted it")
	}
}

func TestFreezeHoldsTheDisplayAlone(t *testing.T) {
	r := &run{snapshot: sample()}
	s := newScreen(Options{Snapshot: r.take, Abort: r.abort})
	s = s.key("space")
	r.set(func(n *scenarios.Snapshot) { n.Elapsed = time.Minute })
	moved, again := s.Update(tick(time.Now()))
	s, ok := moved.(screen)
	if !ok || s.shown.Elapsed != 41*time.Second || again == nil {
		t.Errorf("frozen, it shows %v", s.shown.Elapsed)
	}
	moved, _ = s.key("space").Update(tick(time.Now()))
	if s, ok := moved.(screen); !ok || s.shown.Elapsed != time.Minute {
		t.Errorf("thawed, it shows %v", s.shown.Elapsed)
	}
	// A frozen display still ends with the run.
	r.set(func(n *scenarios.Snapshot) { n.Phase = scenarios.Over })
	if _, quit := s.Update(tick(time.Now())); quit == nil {
		t.Error("a frozen screen does not end")
	}
}
