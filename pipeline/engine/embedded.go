package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/engine/pebble"
)

// minFreeBytes is the room on the disk that is kept for settling what was
// accepted.
const minFreeBytes = 256 << 20

// openEmbedded opens the store in the data directory, which its lock keeps other
// processes off.
func (s *System) openEmbedded(context.Context) error {
	log := s.metrics.Log("store")
	opened, err := pebble.Open(pebble.Config{
		Dir: s.data.store(), Partitions: s.cfg.Partitions,
		QueueBytes: s.cfg.QueueBytes, IdempotencyBytes: s.cfg.IdempotencyBytes, HistoryBytes: s.cfg.HistoryBytes, MinFreeBytes: minFreeBytes,
		KeyTTL: s.cfg.KeyTTL,
		Log:    s.cfg.Log, Fatal: s.cfg.Fatal,
		Committed: func(changes, _ int, took time.Duration) { log.Committed(changes, took) },
	})
	if err != nil {
		return err
	}
	s.onClose(opened.Close)
	s.store, s.space = opened, opened.Space
	s.served(enginePebble, "intake", "feed", "settlement", "history")
	return nil
}

// lockData keeps other processes off a data directory without a store.
func (s *System) lockData() error {
	if err := makeDir(s.data.store()); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	lock, err := pebble.Lock(s.data.store())
	if err != nil {
		return err
	}
	s.onClose(lock.Close)
	return nil
}
