package tui

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/notifyctl/notifyctl/reports"
)

// mostFilter bounds what is typed.
const mostFilter = 40

// key takes a key, and the text that it writes if any. It says whether the
// screen is left.
func (s *screen) key(key, text string) (quit bool) {
	switch {
	case s.asking != nothing:
		return s.answer(key)
	case s.typing:
		s.typeKey(key, text)
		return false
	}
	switch key {
	case "q", "ctrl+c":
		return s.quit()
	case "x":
		if s.options.End != nil && !s.ending {
			s.asking = endIt
		}
	case "?":
		s.help = !s.help
	case "esc":
		s.back()
	case "space":
		s.freeze()
	case "/":
		s.typing, s.help = true, false
	case "s":
		s.sorted[s.view]++
	default:
		s.move(key)
	}
	return false
}

// quit leaves the screen, after a question where something goes on without it.
func (s *screen) quit() bool {
	if s.options.Subject == Watching || s.ending {
		s.left = true
		return true
	}
	s.asking = leave
	return false
}

// answer takes the answer to a question. What was asked for by Ctrl-C is
// confirmed by it, too.
func (s *screen) answer(key string) (quit bool) {
	asked := s.asking
	switch key {
	case "y", "Y", "enter", "ctrl+c":
		s.asking = nothing
		if asked == leave {
			s.left = true
			return true
		}
		s.end()
	case "x", "X":
		s.asking = nothing
		if s.options.End != nil {
			s.end()
		}
	case "n", "N", "esc", "q":
		s.asking = nothing
	}
	return false
}

func (s *screen) end() {
	s.ending, s.frozen = true, nil
	s.options.End()
}

// back leaves what was entered last.
func (s *screen) back() {
	switch {
	case s.help:
		s.help = false
	case s.filter != "":
		s.filter = ""
	default:
		s.show(overview)
	}
}

// freeze keeps the display as it is, or lets it follow again. What is shown goes
// on all the while, and the history with it.
func (s *screen) freeze() {
	if s.frozen != nil {
		s.frozen = nil
		return
	}
	s.frozen = &picture{s.moment, s.history.clone()}
}

// typeKey takes a key while the filter is typed.
func (s *screen) typeKey(key, text string) {
	switch key {
	case "enter":
		s.typing = false
	case "esc", "ctrl+c":
		s.typing, s.filter = false, ""
	case "backspace":
		_, size := utf8.DecodeLastRuneInString(s.filter)
		s.filter = s.filter[:len(s.filter)-size]
	case "ctrl+u":
		s.filter = ""
	default:
		s.typed(text)
	}
}

func (s *screen) typed(text string) {
	text = reports.Clean(text)
	if utf8.RuneCountInString(s.filter)+utf8.RuneCountInString(text) <= mostFilter {
		s.filter += text
	}
	s.scrolled = [views]int{}
}

// move takes the keys that choose what is seen.
func (s *screen) move(key string) {
	page := max(s.height-4, 1)
	switch key {
	case "tab", "right":
		s.show((s.view + 1) % views)
	case "shift+tab", "left":
		s.show((s.view + views - 1) % views)
	case "up", "k":
		s.scroll(-1)
	case "down", "j":
		s.scroll(1)
	case "pgup":
		s.scroll(-page)
	case "pgdown":
		s.scroll(page)
	case "home":
		s.scroll(-1 << 30)
	case "end":
		s.scroll(1 << 30)
	case "+", "=":
		s.zoom(1)
	case "-":
		s.zoom(-1)
	case "a":
		s.scale = automatic
	default:
		if at := strings.Index("1234567", key); len(key) == 1 && at >= 0 {
			s.show(view(at))
		}
	}
}

func (s *screen) show(v view) { s.view, s.help = v, false }

// scroll moves the view. Drawing holds it within what there is.
func (s *screen) scroll(lines int) {
	s.scrolled[s.view] = min(max(s.scrolled[s.view]+lines, -1<<30), 1<<30)
}

// zoom makes charts cover more time, or less.
func (s *screen) zoom(by int) {
	at := s.scale
	if at == automatic {
		at = slices.Index(scales(), s.seconds())
	}
	s.scale = min(max(at+by, 0), len(scales())-1)
}
