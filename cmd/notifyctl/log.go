package main

import (
	"fmt"
	"io"
	"log/slog"
)

// newLogger makes the logger that the global flags ask for.
func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var opts slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	opts.Level = l
	if format == "json" {
		return slog.New(limitRepeats(slog.NewJSONHandler(w, &opts))), nil
	}
	return slog.New(limitRepeats(slog.NewTextHandler(w, &opts))), nil
}
