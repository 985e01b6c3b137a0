package engine

import (
	"context"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/postgres"
	"github.com/notifyctl/notifyctl/pipeline/engine/redis"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

// openRedis opens Redis, if it is named.
func (s *System) openRedis(ctx context.Context) error {
	if s.cfg.Engines.Redis == "" {
		return nil
	}
	dsn, err := redis.ParseDSN(s.cfg.Engines.Redis)
	if err != nil {
		return err
	}
	client, err := await(ctx, s.patience, func(ctx context.Context) (*redis.Client, error) {
		return redis.Open(ctx, redis.Config{DSN: dsn, KeyTTL: s.cfg.KeyTTL, Log: s.cfg.Log})
	})
	if err != nil {
		return err
	}
	s.onClose(client.Close)
	without := "users' limits grant all, preferences are read from their shards, and changes that other processes make are seen late"
	if s.cfg.Engines.externalStore() {
		without = "requests with an idempotency key get 503, " + without
	}
	s.depend(&dependency{name: pipeline.EngineRedis, address: dsn.Address(), ping: client.Check, without: without})
	s.redis = client
	return nil
}

// openPostgres opens the shards of the preferences, if they lie in Postgres.
func (s *System) openPostgres(ctx context.Context) error {
	e := &s.cfg.Engines
	if !e.externalPreferences() {
		return nil
	}
	shards, err := await(ctx, s.patience, func(ctx context.Context) (_ *preference.Shards, err error) {
		s.postgres, err = postgres.OpenShards(ctx, postgres.Config{DSNs: e.Postgres, Connections: e.PostgresConnections, Log: s.cfg.Log})
		if err != nil {
			return nil, err
		}
		return preference.OpenShards(ctx, s.postgres, pipeline.Placement{Shards: len(e.Postgres), Sharding: s.cfg.Sharding}, s.cfg.Log)
	})
	if err != nil {
		return err
	}
	s.keepShards(shards, len(e.Postgres))
	s.served(pipeline.EnginePostgres, "preferences")
	var hosts []string
	for _, host := range s.postgres.Hosts() {
		hosts = append(hosts, host.Name)
	}
	s.depend(&dependency{
		name: pipeline.EnginePostgres, address: strings.Join(hosts, ","),
		ping:    func(context.Context) error { return s.postgres.Check() },
		without: "preferences cannot be changed; what replicas and caches do not know gets 503, and deliveries of it wait",
	})
	return nil
}
