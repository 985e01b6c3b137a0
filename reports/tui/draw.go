package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

// A view is one of the screen's pages.
type view int

const (
	overview view = iota
	channels
	queues
	providers
	stores
	process
	logs
	views // how many there are
)

func (v view) String() string {
	return [views]string{"overview", "channels", "queues", "providers", "stores", "process", "log"}[v]
}

const (
	// Below this size there is room for one column alone.
	narrowColumns = 80
	narrowRows    = 20
	// Above this width checks and events stand beside the charts.
	wideColumns = 120
)

// A canvas is what a view is drawn on: what there is to be shown, and the room.
type canvas struct {
	*Moment
	history *history
	t       reports.Terminal
	signs   signs
	seconds int // that charts cover
	order   order
	width   int
	height  int
}

// within gives a canvas of another size.
func (c *canvas) within(width, height int) *canvas {
	inner := *c
	inner.width, inner.height = max(width, 0), max(height, 0)
	return &inner
}

// narrow says whether there is room for one column alone.
func (c *canvas) narrow() bool { return c.width < narrowColumns || c.height < narrowRows-2 }

// draw gives the whole screen: exactly as many lines as it has, none wider.
func (s *screen) draw() string {
	if s.width < 1 || s.height < 1 {
		return ""
	}
	m, h := s.shown()
	c := &canvas{
		Moment: m, history: h, t: s.options.Terminal, signs: s.signs, seconds: s.seconds(),
		order: order{s.sorted[s.view], s.filter}, width: s.width, height: max(s.height-2, 0),
	}
	lines := make([]string, 0, s.height)
	if s.height > 1 {
		lines = append(lines, s.header())
	}
	lines = append(lines, s.body(c)...)
	lines = append(lines, s.footer())
	for i, line := range lines {
		if ansi.StringWidth(line) > s.width {
			lines[i] = ansi.Truncate(line, s.width, "")
		}
	}
	return strings.Join(lines, "\n")
}

// body gives as many lines of the view as there is room for.
func (s *screen) body(c *canvas) []string {
	var lines []string
	switch {
	case s.help:
		lines = s.helpText()
	case c.Server.Status == nil && (c.Run == nil || c.Run.Report == nil) && s.view != logs:
		lines = c.nothing(s.options.Subject)
	default:
		lines = c.view(s.view)
	}
	pinned := 0
	if s.view == logs && !s.help {
		pinned = min(1, c.height) // its title
	}
	offset := s.offset(len(lines)-pinned, c.height-pinned) + pinned
	lines = append(lines[:pinned:pinned], lines[offset:min(offset+c.height-pinned, len(lines))]...)
	for len(lines) < c.height {
		lines = append(lines, "")
	}
	return lines
}

// offset gives the line that the view begins with, and holds scrolling within
// what there is. The log stays at its end unless it is moved.
func (s *screen) offset(lines, room int) int {
	over := max(lines-room, 0)
	at := &s.scrolled[s.view]
	switch {
	case s.help:
		return 0
	case s.view == logs:
		*at = min(max(*at, -over), 0)
		return over + *at
	}
	*at = min(max(*at, 0), over)
	return *at
}

func (c *canvas) view(v view) []string {
	switch v {
	case overview, views:
		return c.overview()
	case channels:
		return c.channels()
	case queues:
		return c.queues()
	case providers:
		return c.providers()
	case stores:
		return c.stores()
	case process:
		return c.process()
	case logs:
		return c.log()
	}
	panic("BUG: a view that is none")
}

// nothing says what is waited for.
func (c *canvas) nothing(about Subject) []string {
	lines := []string{c.rule("", ""), ""}
	switch {
	case c.Run != nil && c.Run.ToWrite > c.Run.Written:
		return append(lines, fmt.Sprintf("  writing the preferences of %s users: %s done",
			count(float64(c.Run.ToWrite)), count(float64(c.Run.Written))))
	case about == LoadTest:
		return append(lines, "  waiting for the system to be ready")
	case c.Server.Silent == "":
		return append(lines, "  waiting for the first word of "+c.t.Text(c.Server.URL))
	}
	return append(lines,
		"  no answer from "+c.t.Text(c.Server.URL),
		"  "+c.t.Dim(c.t.Text(c.Server.Silent)), "", "  it is tried again until it answers; q leaves")
}

// rule is a line across, with a title and, at its right end, a remark.
func (c *canvas) rule(title, remark string) string {
	if title != "" {
		title = strings.Repeat(c.signs.rule, 2) + " " + title + " "
	}
	if remark != "" {
		remark = " " + remark + " " + c.signs.rule
	}
	left := ansi.Truncate(title, max(c.width, 0), "")
	gap := c.width - ansi.StringWidth(left) - ansi.StringWidth(remark)
	if gap < 1 {
		remark, gap = "", max(c.width-ansi.StringWidth(left), 0)
	}
	return c.t.Dim(left + strings.Repeat(c.signs.rule, gap) + remark)
}

// ago says how much time charts cover.
func (c *canvas) ago() string {
	return "the last " + strings.TrimSuffix(strings.TrimSuffix(long(time.Duration(c.seconds)*time.Second), " 00s"), " 00m")
}

// subject names what is shown.
func (s *screen) subject() string {
	if r := s.moment.Run; r != nil {
		return s.options.Terminal.Text(r.Scenario)
	}
	return s.options.Terminal.Text(s.moment.Server.URL)
}

// header says what is shown, how far that is, and how it stands.
func (s *screen) header() string {
	m, _ := s.shown()
	left := "notifyctl  " + s.subject()
	middle := ""
	if r := m.Run; r != nil {
		left += "  " + s.options.Terminal.Text(r.Profile)
		middle = progress(r)
	} else if st := m.Server.Status; st != nil {
		middle = "up " + long(st.Now.Sub(st.Started))
		if st.Role != "all" {
			middle = s.options.Terminal.Text(st.Role) + "  " + middle
		}
	}
	if s.filter != "" {
		left += "  filter: " + s.options.Terminal.Text(s.filter)
	}
	how, text := s.state()
	state := paint(s.options.Terminal, how, s.signs.dot) + " " + text
	room := s.width - ansi.StringWidth(state)
	if room < 12 {
		return state
	}
	gap := room - ansi.StringWidth(left) - ansi.StringWidth(middle)
	if gap < 4 {
		middle, gap = "", room-ansi.StringWidth(left)
	}
	if gap < 2 {
		return fit(left, room-2) + "  " + state
	}
	return left + strings.Repeat(" ", gap/2) + middle + strings.Repeat(" ", gap-gap/2) + state
}

// progress says how far a load test is.
func progress(r *scenarios.Snapshot) string {
	switch r.Phase {
	case scenarios.Starting:
		if r.ToWrite > r.Written {
			return fmt.Sprintf("writing users, %s of %s", reports.Count(r.Written), reports.Count(r.ToWrite))
		}
		return "starting, " + reports.Clock(r.Total) + " to go"
	case scenarios.Running:
		return fmt.Sprintf("%s %s of %s", reports.Clean(r.Stage), reports.Clock(r.Elapsed), reports.Clock(r.Total))
	case scenarios.Draining, scenarios.Over:
	}
	return reports.Clock(r.Elapsed) + " of " + reports.Clock(r.Total)
}

// state says in a word or two how it stands.
func (s *screen) state() (severity, string) {
	m := &s.moment
	switch {
	case s.ending:
		return doubtful, "stopping"
	case s.frozen != nil:
		return doubtful, "frozen; space goes on"
	case m.Run != nil:
		return good, string(m.Run.Phase)
	case m.Server.Status == nil:
		return doubtful, "no answer yet"
	case m.stale():
		return bad, "no answer for " + long(m.age())
	case m.Server.Status.Draining:
		return doubtful, "draining"
	case !m.Server.Status.Ready:
		return doubtful, "not ready"
	}
	return good, "ready"
}

// footer is what can be done, or a question.
func (s *screen) footer() string {
	t := s.options.Terminal
	switch {
	case s.asking != nothing:
		return t.Strong(s.question())
	case s.typing:
		return t.Strong("/"+t.Text(s.filter)) + t.Dim("_  enter keeps the filter, esc drops it")
	case s.help:
		return t.Dim("esc leaves this help")
	}
	names := make([]string, views)
	short := s.width < narrowColumns
	for v := range views {
		name := fmt.Sprintf("%d %s", v+1, v)
		if short {
			name = fmt.Sprint(int(v) + 1)
		}
		if v == s.view {
			names[v] = "[" + name + "]"
		} else {
			names[v] = t.Dim(name)
		}
	}
	line := strings.Join(names, " ")
	hint := "? help"
	if gap := s.width - ansi.StringWidth(line) - len(hint); gap > 0 {
		line += strings.Repeat(" ", gap) + t.Dim(hint)
	}
	return line
}

// question is what is asked before something ends.
func (s *screen) question() string {
	test := s.options.Subject == LoadTest
	switch {
	case s.asking == leave && test:
		return "Leave the screen? The test goes on in plain lines.  y leave  x abort it  n stay"
	case s.asking == leave:
		return "Leave the screen? The server goes on without it.  y leave  x end it  n stay"
	case test:
		return "Abort the test? Its result is of what was done until now.  y abort  n go on"
	}
	return "End the server? What is being sent is settled first.  y end  n go on"
}

func (s *screen) helpText() []string {
	c := &canvas{t: s.options.Terminal, signs: s.signs, width: s.width}
	q := "q, Ctrl-C    leave"
	x := ""
	switch s.options.Subject {
	case LoadTest:
		q = "q, Ctrl-C    leave the screen, after asking; the test goes on in plain lines"
		x = "x            abort the test, after asking; what was done has its result"
	case Serving:
		q = "q, Ctrl-C    leave the screen, after asking; the server goes on without it"
		x = "x            end the server, after asking; what is being sent is settled"
	case Watching:
		q = "q, Ctrl-C    leave; the server goes on"
	}
	lines := []string{
		c.rule("help", ""),
		"  1 to 7       overview, channels, queues, providers, stores, process, log",
		"  tab          the next view; shift-tab the one before",
		"  space        freeze the display, and let it go on; nothing else is held up",
		"  s            sort the view's table by its next column, largest first",
		"  /            show only rows with a text in their name; esc drops it",
		"  + -          charts cover more time, or less; a fits them to what there is",
		"  up down      scroll, as do j and k, page up and down, home and end",
		"  " + q,
	}
	if x != "" {
		lines = append(lines, "  "+x)
	}
	lines = append(lines, "  esc          back: from this help, a filter, or to the overview", "")
	text := "Numbers of the moment are of the last second, tables of the last ten. What a server no longer says is dimmed."
	if s.options.Subject == LoadTest {
		text += " Latencies of clients count from when a request was due, not from when it was sent. " +
			"Checks are judged over the run so far; those with .. can only be judged when it is over."
	}
	return append(lines, wrap(text, "  ", s.width)...)
}

// wrap breaks a text at its spaces.
func wrap(text, indent string, width int) []string {
	wrapped := ansi.Wordwrap(text, max(width-2*len(indent), 16), "")
	lines := strings.Split(wrapped, "\n")
	for i := range lines {
		lines[i] = indent + lines[i]
	}
	return lines
}
