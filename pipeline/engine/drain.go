package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Done is closed when the system has failed: it takes nothing more, or delivers
// nothing more. Drain then tells why.
func (s *System) Done() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-s.server.Done():
		case <-s.delivered:
		}
	}()
	return done
}

// drainPoll is how often the end of a temporary system looks whether its
// queues are empty.
const drainPoll = 20 * time.Millisecond

// Drain ends the system in order: it takes no more, answers what is being
// asked, sends what is in flight, settles it and closes. With its store in a
// temporary data directory, what is queued is sent too, until ctx ends: it would
// be lost with the directory. What a lasting directory queues is sent after the
// next start, and what engines beyond the network queue by whoever else delivers.
func (s *System) Drain(ctx context.Context) error {
	err := s.server.Drain(ctx)
	if s.data.temporary && !s.cfg.Engines.externalStore() {
		err = errors.Join(err, s.awaitEmpty(ctx))
	}
	return errors.Join(err, s.close())
}

func (s *System) awaitEmpty(ctx context.Context) error {
	ticker := time.NewTicker(drainPoll)
	defer ticker.Stop()
	for {
		account, err := s.store.Account(ctx)
		if err != nil || account.InFlight == 0 {
			return err
		}
		select {
		case <-ticker.C:
		case <-s.delivered:
			return errNotDelivering
		case <-ctx.Done():
			return fmt.Errorf("%d notifications were still queued and are gone with the temporary data directory: %w", account.InFlight, ctx.Err())
		}
	}
}
