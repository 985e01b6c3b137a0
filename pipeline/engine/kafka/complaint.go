package kafka

import (
	"log/slog"
	"time"
)

// complainEvery is how often a failure that lasts is logged.
const complainEvery = 10 * time.Second

// complaint logs a failure that is tried again and again: once when it begins or
// becomes another, and from time to time while it lasts. It has one user at a
// time.
type complaint struct {
	log  *slog.Logger
	what string
	last string
	at   time.Time
}

// about logs that err was met. It is tried again.
func (c *complaint) about(err error, attrs ...any) {
	now := time.Now()
	if text := err.Error(); text != c.last || now.Sub(c.at) >= complainEvery {
		c.last, c.at = text, now
		c.log.Warn("kafka fails and is tried again", append([]any{slog.String("what", c.what), slog.Any("cause", err)}, attrs...)...)
	}
}

// over says that it works again.
func (c *complaint) over() {
	if c.last != "" {
		c.last = ""
		c.log.Info("kafka works again", slog.String("what", c.what))
	}
}
