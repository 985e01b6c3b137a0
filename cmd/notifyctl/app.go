package main

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/notifyctl/notifyctl/reports/tui"
)

// An app is what the world gives to a command: everything that a test would
// replace, and what the global flags set up.
type app struct {
	stdin  io.Reader
	stdout io.Writer // data
	stderr io.Writer // everything else
	getenv func(key string) (value string, set bool)
	now    func() time.Time

	// log writes to stderr as the global flags say. It is set before a command
	// runs.
	log *slog.Logger
	// logTo makes such a logger that writes elsewhere.
	logTo loggerMaker
}

// logging is an app whose messages and log go into a log, for a screen to hold
// and to show them.
func (a *app) logging(log *tui.Log) *app {
	b := *a
	b.stderr = log
	b.log = a.logTo(log, log.Handler)
	return &b
}

// newApp is the app of this process.
func newApp() *app {
	return &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.LookupEnv, now: time.Now,
		log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
}
