package main

import (
	"fmt"
	"io"
	"log/slog"
)

// A loggerMaker makes a logger that writes to w. Beside w, what is not left out
// as a repetition passes through the handler that around gives, unless it is
// nil.
type loggerMaker func(w io.Writer, around func(slog.Handler) slog.Handler) *slog.Logger

// loggers gives what makes loggers as the global flags ask for.
func loggers(level, format string) (loggerMaker, error) {
	var opts slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	opts.Level = l
	return func(w io.Writer, around func(slog.Handler) slog.Handler) *slog.Logger {
		var handler slog.Handler = slog.NewTextHandler(w, &opts)
		if format == "json" {
			handler = slog.NewJSONHandler(w, &opts)
		}
		if around != nil {
			handler = around(handler)
		}
		return slog.New(limitRepeats(handler))
	}, nil
}
