package engine

import (
	"context"

	"github.com/notifyctl/notifyctl/pipeline"
)

// store is what keeps notifications, from their intake to the end of their
// history: one that is embedded, or engines beyond the network put in sequence.
type store interface {
	pipeline.Intake
	pipeline.Feed
	pipeline.Settlement
	pipeline.History
	pipeline.UserHistory
	pipeline.DeadLetters
}

// openStore opens the store that was chosen.
func (s *System) openStore(ctx context.Context) error {
	open := s.openSequence
	if !s.cfg.Engines.externalStore() {
		open = s.openEmbedded
	}
	if err := open(ctx); err != nil {
		return err
	}
	s.metrics.ObserveQueues(s.store.Depths)
	return nil
}
