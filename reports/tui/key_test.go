package tui

import (
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/exp/teatest/v2"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

// press gives keys to a screen, and says whether one of them left it.
func press(s *screen, keys ...string) (left bool) {
	for _, key := range keys {
		text := key
		if len(key) > 1 {
			text = ""
		}
		if s.key(key, text) {
			return true
		}
	}
	return false
}

func TestLeavingAndEnding(t *testing.T) {
	for _, test := range []struct {
		subject Subject
		keys    string
		left    bool
		ended   int
	}{
		{LoadTest, "q", false, 0},
		{LoadTest, "q y", true, 0},
		{LoadTest, "q n", false, 0},
		{LoadTest, "q esc q enter", true, 0},
		{LoadTest, "ctrl+c ctrl+c", true, 0},
		{LoadTest, "x", false, 0},
		{LoadTest, "x y", false, 1},
		{LoadTest, "x n", false, 0},
		{LoadTest, "x q", false, 0},
		{LoadTest, "x x", false, 1},
		{LoadTest, "q x", false, 1},
		{LoadTest, "x y x y x x", false, 1},
		{LoadTest, "x y q", true, 1},
		{LoadTest, "? x y", false, 1},
		{LoadTest, "/ x y q", false, 0}, // typed into the filter
		{Serving, "q", false, 0},
		{Serving, "q y", true, 0},
		{Serving, "x enter", false, 1},
		{Watching, "q", true, 0},
		{Watching, "ctrl+c", true, 0},
		{Watching, "x y", false, 0},
	} {
		ended := 0
		s := playing(testMoment, Options{Subject: test.subject}, 3)
		if s.options.End != nil {
			s.options.End = func() { ended++ }
		}
		left := press(s, strings.Fields(test.keys)...)
		if left != test.left || s.left != test.left || ended != test.ended {
			t.Errorf("subject %d, keys %s: left %t, ended %d times; want %t, %d", test.subject, test.keys, left, ended, test.left, test.ended)
		}
	}
}

func TestViewsAreChosen(t *testing.T) {
	s := aTest()
	for _, test := range []struct {
		keys string
		want view
	}{
		{"3", queues},
		{"tab", providers},
		{"shift+tab shift+tab", channels},
		{"7 tab", overview},
		{"shift+tab", logs},
		{"esc", overview},
		{"8", overview},
		{"0", overview},
	} {
		if press(s, strings.Fields(test.keys)...); s.view != test.want {
			t.Errorf("%s: %v, want %v", test.keys, s.view, test.want)
		}
	}
}

func TestTimeScale(t *testing.T) {
	s := aTest() // 45 s
	for _, test := range []struct {
		keys string
		want int
	}{
		{"", 60},
		{"+", 120},
		{"= +", 600},
		{"- -", 120},
		{"- - - -", 30},
		{"a", 60},
		{"+ + + + + + + + + + + + +", 7 * 24 * 3600},
		{"a", 60},
	} {
		if press(s, strings.Fields(test.keys)...); s.seconds() != test.want {
			t.Errorf("after %q charts cover %d s, want %d", test.keys, s.seconds(), test.want)
		}
	}
	if long := playing(serverMoment, Options{Subject: Watching}, 61); long.seconds() != 120 {
		t.Errorf("after 61 s charts cover %d s by themselves", long.seconds())
	}
}

func TestFreezeHoldsTheDisplayAlone(t *testing.T) {
	second := 44
	s := playing(testMoment, Options{}, second)
	s.options.Take = func() Moment { return testMoment(second) }
	press(s, "space")
	frozen := drawn(t, s, 80, 24)
	if !strings.Contains(frozen, "frozen; space goes on") || !strings.Contains(frozen, "00:44 of 02:30") {
		t.Errorf("frozen:\n%s", frozen)
	}
	second = 50
	s.look()
	if again := drawn(t, s, 80, 24); again != frozen {
		t.Errorf("a frozen display changed:\n%s", again)
	}
	press(s, "space")
	if thawed := drawn(t, s, 80, 24); !strings.Contains(thawed, "00:50 of 02:30") {
		t.Errorf("thawed:\n%s", thawed)
	}
}

func TestFilter(t *testing.T) {
	s := aTest()
	press(s, "3", "/", "P", "u", "s", "x", "backspace")
	if text := drawn(t, s, 80, 24); !strings.Contains(text, "push high") || strings.Contains(text, "email") || !strings.Contains(text, "/Pus_") {
		t.Errorf("filtered:\n%s", text)
	}
	press(s, "enter", "4")
	if text := drawn(t, s, 80, 24); strings.Contains(text, "sendgrid") || !strings.Contains(text, "filter: Pus") {
		t.Errorf("in another view:\n%s", text)
	}
	press(s, "esc")
	if text := drawn(t, s, 80, 24); !strings.Contains(text, "sendgrid") {
		t.Errorf("unfiltered:\n%s", text)
	}
	press(s, "/")
	s.typed(strings.Repeat("x", mostFilter))
	s.typed("\x1b[2Jy")
	if s.filter != strings.Repeat("x", mostFilter) {
		t.Errorf("a filter of %q", s.filter)
	}
}

func TestSort(t *testing.T) {
	s := aTest()
	press(s, "3")
	first := func() string {
		return strings.Fields(strings.Split(drawn(t, s, 80, 24), "\n")[3])[0] + " " + strings.Fields(strings.Split(drawn(t, s, 80, 24), "\n")[3])[1]
	}
	if got := first(); got != "push high" {
		t.Errorf("as they come, %s is first", got)
	}
	press(s, "s") // by depth
	if got := first(); got != "push normal" {
		t.Errorf("by depth, %s is first", got)
	}
	press(s, "s", "s", "s", "s") // by age
	if got := first(); got != "push low" {
		t.Errorf("by age, %s is first", got)
	}
	press(s, "s") // as they come
	if got := first(); got != "push high" {
		t.Errorf("as they come again, %s is first", got)
	}
}

func TestScroll(t *testing.T) {
	s := playing(testMoment, Options{}, 45)
	text := drawn(t, s, 80, 12, "3")
	if !strings.Contains(text, "push high") || strings.Contains(text, "sms workers") {
		t.Errorf("at the top:\n%s", text)
	}
	if text := drawn(t, s, 80, 12, "end"); !strings.Contains(text, "region-1 gateways") || strings.Contains(text, "push high") {
		t.Errorf("at the end:\n%s", text)
	}
	if text := drawn(t, s, 80, 12, "up", "pgup", "home", "up"); !strings.Contains(text, "push high") {
		t.Errorf("at the top again:\n%s", text)
	}
	// The log is followed, until it is moved.
	if text := drawn(t, s, 80, 5, "7"); !strings.Contains(text, "a worker waits") || strings.Contains(text, "stage calm") {
		t.Errorf("the end of the log:\n%s", text)
	}
	if text := drawn(t, s, 80, 5, "up", "up"); strings.Contains(text, "a worker waits") || !strings.Contains(text, "stage calm") {
		t.Errorf("the log moved:\n%s", text)
	}
}

// A life is a load test that a test of a whole program moves on.
type life struct {
	mu    sync.Mutex
	over  bool
	ended int
}

func (l *life) take() Moment {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := testMoment(41)
	if l.over {
		m.Run.Phase = scenarios.Over
	}
	return m
}

func (l *life) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended++
	l.over = true // as a run is soon after
}

func (l *life) start(t *testing.T) *teatest.TestModel {
	t.Helper()
	return teatest.NewTestModel(t, newScreen(Options{Terminal: reports.Terminal{}, Take: l.take, End: l.end}), teatest.WithInitialTermSize(80, 24))
}

func waitFor(t *testing.T, m *teatest.TestModel, text string) {
	t.Helper()
	teatest.WaitFor(t, m.Output(), func(out []byte) bool { return strings.Contains(string(out), text) }, teatest.WithDuration(10*time.Second))
}

// finished waits for the program's end, and says whether the user left.
func finished(t *testing.T, m *teatest.TestModel) bool {
	t.Helper()
	s, ok := m.FinalModel(t, teatest.WithFinalTimeout(10*time.Second)).(*screen)
	if !ok {
		t.Fatal("the program ended with another model")
	}
	return s.left
}

func TestTheProgramAsksBeforeItAborts(t *testing.T) {
	var l life
	m := l.start(t)
	m.Type("x")
	waitFor(t, m, "Abort the test?")
	m.Type("y")
	if left := finished(t, m); left || l.ended != 1 {
		t.Errorf("left %t, ended %d times", left, l.ended)
	}
}

func TestCtrlCLeavesTheProgram(t *testing.T) {
	var l life
	m := l.start(t)
	m.Send(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl})
	waitFor(t, m, "Leave the screen?")
	m.Send(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl})
	if left := finished(t, m); !left || l.ended != 0 {
		t.Errorf("left %t, ended %d times", left, l.ended)
	}
}

func TestTheProgramEndsWithTheTest(t *testing.T) {
	var l life
	m := l.start(t)
	waitFor(t, m, "spike")
	m.Type(" q") // frozen, and asking: neither keeps a screen whose test is over
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	if left := finished(t, m); left || l.ended != 0 {
		t.Errorf("left %t, ended %d times", left, l.ended)
	}
}
