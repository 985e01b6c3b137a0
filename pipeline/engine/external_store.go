package engine

import (
	"context"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/cassandra"
	"github.com/notifyctl/notifyctl/pipeline/engine/kafka"
	"github.com/notifyctl/notifyctl/pipeline/engine/sequence"
)

// openSequence opens the log and the rows, and puts them and the keys in
// sequence.
func (s *System) openSequence(ctx context.Context) error {
	rows, err := s.openCassandra(ctx)
	if err != nil {
		return err
	}
	log, err := s.openKafka(ctx)
	if err != nil {
		return err
	}
	s.space = log.Space
	s.store = sequence.New(s.redis.Keys(), log, rows, sequence.Options{Log: s.cfg.Log})
	s.served(pipeline.EngineRedis+", "+pipeline.EngineKafka, "intake")
	s.served(pipeline.EngineKafka, "feed")
	s.served(pipeline.EngineCassandra+", "+pipeline.EngineKafka, "settlement")
	s.served(pipeline.EngineCassandra, "history")
	return nil
}

func (s *System) openCassandra(ctx context.Context) (*cassandra.Store, error) {
	dsn, err := cassandra.ParseDSN(s.cfg.Engines.Cassandra)
	if err != nil {
		return nil, err
	}
	rows, err := await(ctx, s.patience, func(ctx context.Context) (*cassandra.Store, error) {
		return cassandra.Open(ctx, cassandra.Config{
			DSN: dsn, Replication: s.cfg.Engines.Replication.Cassandra, Retention: s.cfg.Engines.Retention, Log: s.cfg.Log,
		})
	})
	if err != nil {
		return nil, err
	}
	s.onClose(rows.Close)
	d := &dependency{name: pipeline.EngineCassandra, address: dsn.Address(), ping: rows.Check}
	switch s.cfg.Role {
	case Gateway:
		d.without = "what became of notifications is not told, and no user is erased"
	case Worker:
		d.without, d.needed = "nothing new is sent, and what was sent waits to be settled", true
	case All:
		d.without = "what became of notifications is not told, no user is erased, and deliveries wait"
	}
	s.depend(d)
	return rows, nil
}

func (s *System) openKafka(ctx context.Context) (*kafka.Log, error) {
	address, err := kafka.ParseAddress(s.cfg.Engines.Kafka)
	if err != nil {
		return nil, err
	}
	log, err := await(ctx, s.patience, func(ctx context.Context) (*kafka.Log, error) {
		return kafka.Open(ctx, kafka.Config{
			Address: address, Partitions: s.cfg.Partitions,
			Replication: s.cfg.Engines.Replication.Kafka, MinISR: s.cfg.Engines.MinISR,
			QueueBytes: s.cfg.QueueBytes, Log: s.cfg.Log,
		})
	})
	if err != nil {
		return nil, err
	}
	s.onClose(log.Close)
	d := &dependency{name: pipeline.EngineKafka, address: address.String(), ping: log.Check, needed: true}
	switch s.cfg.Role {
	case Gateway:
		d.without = "nothing is accepted"
	case Worker:
		d.without = "nothing is delivered"
	case All:
		d.without = "nothing is accepted, and nothing delivered"
	}
	s.depend(d)
	return log, nil
}
