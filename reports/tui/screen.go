package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/notifyctl/notifyctl/reports"
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
	Subject  Subject
	// Take gives the moment to be shown; it is called four times a second.
	Take func() Moment
	// End asks what is shown to end in order, when the user has confirmed it. The
	// screen stays until the moments or the context say that it has ended. It is
	// nil where there is nothing to end: looking at a server of somebody else's.
	End func()
}

// A Subject is what a screen is about, which its questions and answers name.
type Subject int

// What a screen can be about.
const (
	LoadTest Subject = iota // a run in this process
	Serving                 // a server in this process
	Watching                // a server elsewhere
)

// Show shows moments until one is of a run that is over, the context ends, or
// the user leaves. It says whether the user did: what is shown goes on then.
func Show(ctx context.Context, o Options) (left bool, err error) {
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
	last, err := program.Run()
	close(over)
	beside.Wait()
	if err != nil && !errors.Is(err, tea.ErrProgramKilled) {
		return false, fmt.Errorf("show the live screen (--plain does without): %w", err)
	}
	s, ok := last.(*screen)
	return ok && s.left, nil
}

// question is what the user is being asked.
type question int

const (
	nothing question = iota
	leave
	endIt
)

// screen is the state of the display.
type screen struct {
	options Options
	signs   signs
	width   int
	height  int

	moment  Moment   // the newest
	history *history // all that was seen so far
	frozen  *picture // nil while the display follows

	view     view
	help     bool
	asking   question
	ending   bool // what is shown was asked to end
	left     bool
	sorted   [views]int // how each view's table is sorted: 0 as it comes
	scrolled [views]int // lines that each view is moved up by
	filter   string
	typing   bool // whether the filter is being typed
	scale    int  // of scales(), or automatic
	drawn    string
	current  bool // whether drawn is how the screen is
}

// A picture is what a frozen display shows.
type picture struct {
	moment  Moment
	history *history
}

// automatic is the time scale that fits what there is.
const automatic = -1

// scales are what charts may cover, in seconds.
func scales() []int {
	return []int{30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 7 * 24 * 3600}
}

func newScreen(o Options) *screen {
	s := &screen{options: o, signs: signsOf(o.Terminal), width: 80, height: 24, history: newHistory(), scale: automatic}
	s.look()
	return s
}

// look takes the moment.
func (s *screen) look() {
	s.moment = s.options.Take()
	s.history.take(&s.moment)
}

// shown is what is on display.
func (s *screen) shown() (*Moment, *history) {
	if s.frozen != nil {
		return &s.frozen.moment, s.frozen.history
	}
	return &s.moment, s.history
}

// seconds is how much time charts cover.
func (s *screen) seconds() int {
	all := scales()
	if s.scale != automatic {
		return all[s.scale]
	}
	_, h := s.shown()
	for _, seconds := range all {
		if h.next <= seconds {
			return seconds
		}
	}
	return all[len(all)-1]
}

// tick says that it is time to look again.
type tick time.Time

// next waits for the next tick.
func next() tea.Cmd { return tea.Tick(refresh, func(t time.Time) tea.Msg { return tick(t) }) }

// Init starts the ticking.
func (s *screen) Init() tea.Cmd { return next() }

// Update takes a key, a new size or a tick.
func (s *screen) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height, s.current = m.Width, m.Height, false
	case tick:
		s.look()
		s.current = s.current && s.frozen != nil
		if s.moment.over() {
			s.frozen, s.asking = nil, nothing
			return s, tea.Quit
		}
		return s, next()
	case tea.KeyPressMsg:
		s.current = false
		if s.key(m.String(), m.Text) {
			return s, tea.Quit
		}
	case tea.PasteMsg:
		if s.typing {
			s.current = false
			s.typed(m.Content)
		}
	}
	return s, nil
}

// View gives the screen, which is drawn again only if something has changed.
func (s *screen) View() tea.View {
	if !s.current {
		s.drawn, s.current = s.draw(), true
	}
	v := tea.NewView(s.drawn)
	v.AltScreen = true
	v.WindowTitle = strings.TrimSpace("notifyctl " + s.subject())
	return v
}
