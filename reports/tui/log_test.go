package tui

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestLogIsHeldWhileTheScreenIsOn(t *testing.T) {
	var out bytes.Buffer
	l := NewLog(&out)
	log := slog.New(l.Handler(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo})))
	log.Info("before")
	if !strings.Contains(out.String(), "msg=before") {
		t.Errorf("not written at once: %q", &out)
	}
	out.Reset()
	l.Hold()
	log.With("channel", "push").WithGroup("queue").Warn("it waits", "for", 3, slog.Group("of", "n", 7))
	log.Debug("nobody asked for it")
	if _, err := fmt.Fprintln(l, "a line for people"); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("written to the screen: %q", &out)
	}
	logged := l.Logged()
	if len(logged) != 2 || logged[1].Level != slog.LevelWarn || logged[1].Text != "it waits  channel=push  queue.for=3  queue.of.n=7" {
		t.Errorf("shown: %+v", logged)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `msg="it waits" channel=push queue.for=3 queue.of.n=7`) || !strings.HasSuffix(out.String(), "\na line for people\n") {
		t.Errorf("after the screen: %q", &out)
	}
	out.Reset()
	log.Info("after")
	if !strings.Contains(out.String(), "msg=after") {
		t.Errorf("not written at once again: %q", &out)
	}
}

func TestLogIsBounded(t *testing.T) {
	var out bytes.Buffer
	l := NewLog(&out)
	log := slog.New(l.Handler(slog.NewTextHandler(l, nil)))
	l.Hold()
	for i := range 5000 {
		log.Info("much", "i", i, "text", strings.Repeat("x", 2*loggedBytes))
	}
	logged := l.Logged()
	if len(logged) != loggedLines || len(logged[0].Text) > loggedBytes {
		t.Errorf("%d lines of %d bytes are kept", len(logged), len(logged[0].Text))
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if out.Len() > heldBytes+100 || !strings.Contains(out.String(), "i=4999 ") || !strings.HasPrefix(out.String(), "notifyctl: 48") {
		t.Errorf("%d bytes are written, as in %.80q", out.Len(), &out)
	}
}

// closedPipe is a stream that nobody reads.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestLogTellsThatItCannotBeWritten(t *testing.T) {
	l := NewLog(closedPipe{})
	l.Hold()
	if _, err := l.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err == nil {
		t.Error("nothing was said")
	}
}
