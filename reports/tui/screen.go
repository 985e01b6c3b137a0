package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

const (
	framesPerSecond = 10
	refresh         = 250 * time.Millisecond
)

// Options are what a screen works with.
type Options struct {
	In       io.Reader
	Out      io.Writer // a terminal
	Terminal reports.Terminal
	// Snapshot gives what is to be shown; it is called four times a second.
	Snapshot func() scenarios.Snapshot
	// Abort ends the run before its time, when the user has confirmed it.
	Abort func()
}

// Show shows a run until its snapshot says that it is over, or the context
// ends.
func Show(ctx context.Context, o Options) error {
	profile := colorprofile.Ascii // NO_COLOR, or a terminal without colours
	if o.Terminal.Color {
		profile = colorprofile.ANSI
	}
	program := tea.NewProgram(newScreen(o),
		tea.WithInput(o.In), tea.WithOutput(o.Out),
		tea.WithFPS(framesPerSecond),
		tea.WithColorProfile(profile),
		tea.WithoutSignalHandler()) // signals end the context, which is the caller's
	over := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() {
		select {
		case <-ctx.Done():
			program.Quit()
		case <-over:
		}
	})
	_, err := program.Run()
	close(over)
	beside.Wait()
	if err != nil && !errors.Is(err, tea.ErrProgramKilled) {
		return fmt.Errorf("show the live screen (--plain does without): %w", err)
	}
	return nil
}

// screen is the state of the display.
type screen struct {
	options Options
	width   int
	height  int
	shown   scenarios.Snapshot // what is on display
	frozen  bool
	asking  bool // whether the run is to be aborted
	aborted bool
	help    bool
}

func newScreen(o Options) screen {
	return screen{options: o, width: 80, height: 24, shown: o.Snapshot()}
}

// tick says that it is time to look at the run again.
type tick time.Time

// next waits for the next tick.
func next() tea.Cmd { return tea.Tick(refresh, func(t time.Time) tea.Msg { return tick(t) }) }

// Init starts the ticking.
func (s screen) Init() tea.Cmd { return next() }

// Update takes a key, a new size or a tick.
func (s screen) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = m.Width, m.Height
	case tick:
		snapshot := s.options.Snapshot()
		if snapshot.Phase == scenarios.Over {
			s.shown, s.asking = snapshot, false
			return s, tea.Quit
		}
		if !s.frozen {
			s.shown = snapshot
		}
		return s, next()
	case tea.KeyPressMsg:
		return s.key(m.String()), nil
	}
	return s, nil
}

// key takes a key.
func (s screen) key(key string) screen {
	if s.asking {
		switch key {
		case "y", "Y", "enter", "ctrl+c":
			s.asking, s.aborted = false, true
			s.options.Abort()
		case "n", "N", "esc", "q":
			s.asking = false
		}
		return s
	}
	switch key {
	case "q", "x", "ctrl+c":
		s.asking = !s.aborted
	case "?":
		s.help = !s.help
	case "esc":
		s.help = false
	case "space":
		s.frozen = !s.frozen
	}
	return s
}

// View draws the screen.
func (s screen) View() tea.View {
	view := tea.NewView(s.draw())
	view.AltScreen = true
	view.WindowTitle = "notifyctl " + reports.Clean(s.shown.Scenario)
	return view
}
