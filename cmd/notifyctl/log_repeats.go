package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// What is said again and again while an engine is away, once a request or a
// retry, is logged so many times in each interval.
const (
	repeatsEvery = 10 * time.Second
	mostRepeats  = 10
	// mostMessages bounds how many messages are counted at once; they are
	// constants of the program, so that there are never nearly as many.
	mostMessages = 1000
)

// repeatLimiter is a log handler that leaves out what repeats too often. The
// first record of a message that passes again says how many were left out.
// Records of debugging all pass.
type repeatLimiter struct {
	slog.Handler
	repeats *repeats // shared by the handlers made of one
}

type repeats struct {
	mu       sync.Mutex
	messages map[repeated]*repeatCount
}

type repeated struct {
	level   slog.Level
	message string
}

type repeatCount struct {
	since   time.Time
	passed  int
	leftOut int
}

func limitRepeats(h slog.Handler) slog.Handler {
	return &repeatLimiter{h, &repeats{messages: map[repeated]*repeatCount{}}}
}

// Handle passes a record on, or counts it.
func (l *repeatLimiter) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		pass, leftOut := l.repeats.pass(repeated{r.Level, r.Message}, time.Now())
		if !pass {
			return nil
		}
		if leftOut > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Int("left_out", leftOut))
		}
	}
	return l.Handler.Handle(ctx, r)
}

// pass says whether a record passes, and how many of its kind did not before it.
func (s *repeats) pass(what repeated, now time.Time) (pass bool, leftOut int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.messages[what]
	switch {
	case c == nil && len(s.messages) >= mostMessages:
		return true, 0
	case c == nil:
		c = &repeatCount{since: now}
		s.messages[what] = c
	case now.Sub(c.since) >= repeatsEvery:
		leftOut = c.leftOut
		*c = repeatCount{since: now}
	}
	if c.passed == mostRepeats {
		c.leftOut++
		return false, 0
	}
	c.passed++
	return true, leftOut
}

// WithAttrs keeps the count.
func (l *repeatLimiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &repeatLimiter{l.Handler.WithAttrs(attrs), l.repeats}
}

// WithGroup keeps the count.
func (l *repeatLimiter) WithGroup(name string) slog.Handler {
	return &repeatLimiter{l.Handler.WithGroup(name), l.repeats}
}
