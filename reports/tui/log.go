package tui

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// What is kept of a log while the screen is on.
const (
	heldBytes   = 256 << 10 // of what is to be written after it
	loggedLines = 500       // to be shown on it
	loggedBytes = 1 << 10   // of one of them
)

// Logged is something that was logged.
type Logged struct {
	At    time.Time
	Level slog.Level
	Text  string
}

// A Log is what a command writes for people, a log among it, which would break
// the screen. While that is on it is held, to be written afterwards; its last
// lines are for the screen to show. It is safe for concurrent use.
type Log struct {
	out io.Writer

	mu     sync.Mutex
	held   [][]byte // nil while nothing is to be held
	on     bool
	bytes  int
	let    int // pieces that were let go, there being too many
	logged []Logged
}

// NewLog makes a log that is written to out, at once until [Log.Hold].
func NewLog(out io.Writer) *Log { return &Log{out: out} }

// Hold keeps what is written until [Log.Release].
func (l *Log) Hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on = true
}

// Release writes what was held, and what is written from now on at once.
func (l *Log) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	held, let := l.held, l.let
	l.held, l.on, l.bytes, l.let = nil, false, 0, 0
	if let > 0 {
		if _, err := fmt.Fprintf(l.out, "notifyctl: %d lines before these were let go while the screen was on\n", let); err != nil {
			return err
		}
	}
	for _, text := range held {
		if _, err := l.out.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// Write writes or holds a text.
func (l *Log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.on {
		return l.out.Write(text)
	}
	l.held = append(l.held, slices.Clone(text))
	for l.bytes += len(text); l.bytes > heldBytes && len(l.held) > 1; l.let++ {
		l.bytes -= len(l.held[0])
		l.held = slices.Delete(l.held, 0, 1)
	}
	return len(text), nil
}

// Handler gives a handler that notes for the screen what passes to the next.
func (l *Log) Handler(next slog.Handler) slog.Handler { return &logHandler{log: l, next: next} }

// Logged gives what was logged last, oldest first.
func (l *Log) Logged() []Logged {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.logged)
}

func (l *Log) note(line Logged) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.logged) == loggedLines {
		l.logged = slices.Delete(l.logged, 0, 1)
	}
	l.logged = append(l.logged, line)
}

// logHandler writes records in short.
type logHandler struct {
	log    *Log
	next   slog.Handler
	prefix string // of the keys
	attrs  string
}

// Enabled asks the next handler.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle notes a record and hands it on.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, h.prefix, a)
		return true
	})
	text := b.String()
	h.log.note(Logged{r.Time, r.Level, text[:min(len(text), loggedBytes)]})
	return h.next.Handle(ctx, r)
}

// WithAttrs gives a handler that adds attributes.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.attrs)
	for _, a := range attrs {
		writeAttr(&b, h.prefix, a)
	}
	return &logHandler{h.log, h.next.WithAttrs(attrs), h.prefix, b.String()}
}

// WithGroup gives a handler whose keys begin with a name.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.log, h.next.WithGroup(name), h.prefix + name + ".", h.attrs}
}

func writeAttr(b *strings.Builder, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, inner := range v.Group() {
			writeAttr(b, prefix+a.Key+".", inner)
		}
		return
	}
	fmt.Fprintf(b, "  %s%s=%v", prefix, a.Key, v)
}

// howLogged is how bad a level is.
func howLogged(level slog.Level) severity {
	switch {
	case level >= slog.LevelError:
		return bad
	case level >= slog.LevelWarn:
		return doubtful
	}
	return plain
}
