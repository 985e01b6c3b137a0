package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

func unicodeTerminal() reports.Terminal { return reports.Terminal{UTF8: true} }

// aTest is a screen in the middle of a load test.
func aTest() *screen { return playing(testMoment, Options{Terminal: unicodeTerminal()}, 45) }

// aServer is a screen on that test's server, elsewhere.
func aServer() *screen {
	return playing(serverMoment, Options{Terminal: unicodeTerminal(), Subject: Watching}, 45)
}

// inPhase is the test before its load, or after it.
func inPhase(phase scenarios.Phase) func(int) Moment {
	return func(second int) Moment {
		m := testMoment(second)
		if m.Run.Phase = phase; phase == scenarios.Starting {
			m.Run.Report, m.Run.Seconds, m.Run.System, m.Run.Checks, m.Run.Stage = nil, nil, nil, nil, ""
			m.Server = Server{}
		}
		return m
	}
}

// foreign is a test of a system that shows no status.
func foreign(second int) Moment {
	run := runAt(second)
	run.System = nil
	return OfRun(epoch().Add(time.Duration(second)*time.Second), run, nil)
}

// away is a server that stopped answering at second 41.
func away(second int) Moment {
	m := serverMoment(min(second, 41))
	if m.At = epoch().Add(time.Duration(second) * time.Second); second > 41 {
		m.Server.Silent = "connect: connection refused"
	}
	return m
}

// absent is a server that never answered.
func absent(second int) Moment {
	return Moment{
		At:     epoch().Add(time.Duration(second) * time.Second),
		Server: Server{URL: "http://127.0.0.1:8080", Silent: "dial tcp 127.0.0.1:8080: connect: connection refused"},
	}
}

func TestScreens(t *testing.T) {
	watching := Options{Terminal: unicodeTerminal(), Subject: Watching}
	for name, text := range map[string]string{
		"overview 80x24":      drawn(t, aTest(), 80, 24),
		"overview 120x40":     drawn(t, aTest(), 120, 40),
		"overview 200x60":     drawn(t, aTest(), 200, 60),
		"overview 60x18":      drawn(t, aTest(), 60, 18),
		"overview ascii":      drawn(t, playing(testMoment, Options{}, 45), 80, 24),
		"overview color":      drawn(t, playing(testMoment, Options{Terminal: reports.Terminal{UTF8: true, Color: true}}, 45), 80, 24),
		"overview drain":      drawn(t, playing(inPhase(scenarios.Draining), Options{Terminal: unicodeTerminal()}, 45), 80, 24),
		"overview foreign":    drawn(t, playing(foreign, Options{Terminal: unicodeTerminal()}, 45), 80, 24),
		"overview starting":   drawn(t, playing(inPhase(scenarios.Starting), Options{Terminal: unicodeTerminal()}, 2), 80, 24),
		"channels 80x24":      drawn(t, aTest(), 80, 24, "2"),
		"queues 80x24":        drawn(t, aTest(), 80, 24, "3"),
		"providers 80x24":     drawn(t, aTest(), 80, 24, "4"),
		"stores 80x24":        drawn(t, aTest(), 80, 24, "5"),
		"process 80x24":       drawn(t, aTest(), 80, 24, "6"),
		"log 80x24":           drawn(t, aTest(), 80, 24, "7"),
		"channels 200x60":     drawn(t, aTest(), 200, 60, "2"),
		"queues 200x60":       drawn(t, aTest(), 200, 60, "3"),
		"providers 200x60":    drawn(t, aTest(), 200, 60, "4"),
		"process 200x60":      drawn(t, aTest(), 200, 60, "6"),
		"server 80x24":        drawn(t, aServer(), 80, 24),
		"server 120x40":       drawn(t, aServer(), 120, 40),
		"server 200x60":       drawn(t, aServer(), 200, 60),
		"server away":         drawn(t, playing(away, watching, 52), 80, 24),
		"server away ascii":   drawn(t, playing(away, Options{Subject: Watching}, 52), 80, 24, "4"),
		"server absent":       drawn(t, playing(absent, watching, 3), 80, 24),
		"help of a test":      drawn(t, aTest(), 80, 24, "?"),
		"help of a server":    drawn(t, aServer(), 80, 24, "?"),
		"asking to abort":     drawn(t, aTest(), 80, 24, "x"),
		"asking to leave":     drawn(t, aTest(), 80, 24, "q"),
		"stopping":            drawn(t, aTest(), 80, 24, "x", "y"),
		"frozen":              drawn(t, aTest(), 80, 24, "space"),
		"filtered and sorted": drawn(t, aTest(), 80, 24, "3", "/", "p", "u", "s", "enter", "s"),
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) { golden.RequireEqual(t, text) })
	}
}

func TestEverySizeIsDrawn(t *testing.T) {
	for _, s := range []*screen{
		aTest(), aServer(), playing(testMoment, Options{}, 45), playing(away, Options{Subject: Watching}, 52),
		playing(absent, Options{Subject: Watching}, 3), playing(foreign, Options{Terminal: unicodeTerminal()}, 45),
	} {
		for _, key := range []string{"1", "2", "3", "4", "5", "6", "7", "?"} {
			for _, width := range []int{1, 2, 3, 7, 13, 25, 40, 79, 80, 81, 119, 120, 121, 200, 300} {
				for _, height := range []int{1, 2, 3, 5, 17, 19, 20, 21, 24, 40, 100} {
					drawn(t, s, width, height, key)
				}
			}
		}
	}
}

// BenchmarkFrame draws what a large terminal shows in the middle of a test. At
// ten frames a second it is a tenth of a second's CPU time in tenths: the
// screen draws four, and one for each key.
func BenchmarkFrame(b *testing.B) {
	for name, size := range map[string][2]int{"80x24": {80, 24}, "200x60": {200, 60}} {
		b.Run(name, func(b *testing.B) {
			s := aTest()
			s.width, s.height = size[0], size[1]
			for b.Loop() {
				s.look()
				s.current = false
				_ = s.View()
			}
		})
	}
}
