package kafka

import (
	"log/slog"
	"time"
)

// complainEvery is how often a failure that lasts is logged.
const complainEvery = 10 * time.Second

// complaint logs a failure that is tried again and again: once when it begins,
// and from time to time while it lasts. It has one user at a time.
type complaint struct {
	log  *slog.Logger
	what string
	at   time.Time // when it was last logged; zero when nothing fails
}

// about logs that err was met. It is tried again.
func (c *complaint) about(err error) {
	if now := time.Now(); now.Sub(c.at) >= complainEvery {
		c.at = now
		c.log.Warn("kafka fails and is tried again", slog.String("what", c.what), slog.Any("cause", err))
	}
}

// over says that it works again.
func (c *complaint) over() {
	if !c.at.IsZero() {
		c.at = time.Time{}
		c.log.Info("kafka works again", slog.String("what", c.what))
	}
}
