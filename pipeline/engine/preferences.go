package engine

import (
	"context"
	"log/slog"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/engine/sqlite"
	"github.com/notifyctl/notifyctl/pipeline/preference"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

const (
	// limitBytes bounds the counters of the users' daily limits: about 1.6
	// million users of a channel.
	limitBytes = 64 << 20
	// What is kept of addresses, each of some hundred bytes: those alone that
	// something was said of.
	addressEntries = 10_000
	addressBytes   = 16 << 20
)

// openShards opens the shards of the preferences in the data directory.
func (s *System) openShards(ctx context.Context) error {
	set, err := sqlite.OpenShards(s.data.preferences())
	if err != nil {
		return err
	}
	shards, err := preference.OpenShards(ctx, set, pipeline.Placement{Shards: s.cfg.Shards, Sharding: s.cfg.Sharding}, s.cfg.Log)
	if err != nil {
		return err
	}
	s.served(engineSQLite, "preferences")
	s.keepShards(shards, s.cfg.Shards)
	return nil
}

// keepShards keeps shards that were opened, and says so if they are others than
// was asked for.
func (s *System) keepShards(shards *preference.Shards, asked int) {
	s.shards = shards
	s.onClose(shards.Close)
	if is := shards.Placement(); is.Shards != asked || is.Sharding != s.cfg.Sharding {
		s.cfg.Log.Warn("the preferences stay on the shards that they are on; notifyctl reshard moves them",
			slog.Int("shards", is.Shards), slog.String("sharding", is.Sharding.String()),
			slog.Int("asked", asked), slog.String("asked_sharding", s.cfg.Sharding.String()))
	}
	s.metrics.ObserveShards(s.observeShards)
}

// openPreferences puts caches before the shards.
func (s *System) openPreferences(ctx context.Context, key pipeline.IDKey) (*preference.Directory, error) {
	bus := s.openBus()
	users, err := s.openPreferenceCaches(ctx, s.cfg.Preferences.L2Bytes, preference.Options{
		Local:   s.redis == nil, // then a cache before the second would hold the same again
		Entries: s.cfg.Preferences.L1Entries, TTL: s.cfg.Preferences.L1TTL, Bus: bus, Subject: pipeline.SubjectPreferences,
	})
	if err != nil {
		return nil, err
	}
	addresses, err := s.openPreferenceCaches(ctx, addressBytes, preference.Options{
		Entries: addressEntries, TTL: s.cfg.Preferences.L1TTL, Bus: bus, Subject: pipeline.SubjectAddresses,
	})
	if err != nil {
		return nil, err
	}
	s.observeCaches(users, addresses)
	directory, err := preference.NewDirectory(ctx, users, addresses, preference.AddressOptions{
		Key: key, Refresh: s.cfg.Preferences.L2TTL, Log: s.cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	s.onClose(func() error { directory.Close(); return nil })
	s.directory = directory
	return directory, nil
}

// observeCaches lets the metrics see the caches: of addresses the first alone. The
// first that users' preferences lack without Redis is told of as well, as one that
// has nothing, so that the shares of all look-ups stay what they are.
func (s *System) observeCaches(users, addresses *preference.Service) {
	entries := s.cfg.Preferences.L1Entries
	if s.redis == nil {
		entries = 0
	}
	s.metrics.ObserveCache(telemetry.CachePreferencesL1, func() telemetry.CacheStats {
		l1, _ := users.Stats()
		return levelStats(l1, entries)
	})
	s.metrics.ObserveCache(telemetry.CachePreferencesL2, func() telemetry.CacheStats { _, l2 := users.Stats(); return levelStats(l2, 0) })
	s.metrics.ObserveCache("addresses", func() telemetry.CacheStats {
		l1, _ := addresses.Stats()
		return levelStats(l1, addressEntries)
	})
}

// ImportPreferences sets what many users want, as [preference.Service.Import].
func (s *System) ImportPreferences(ctx context.Context, preferences []pipeline.Preference) error {
	return s.directory.Import(ctx, preferences)
}

// openPreferenceCaches puts caches before the shards, the second of so many bytes
// where it is in memory.
func (s *System) openPreferenceCaches(ctx context.Context, l2Bytes uint64, o preference.Options) (*preference.Service, error) {
	service, err := preference.NewService(ctx, s.shards, s.openL2(l2Bytes), o)
	if err != nil {
		return nil, err
	}
	s.onClose(func() error { service.Close(); return nil })
	return service, nil
}

// openL2 makes a second cache, of so many bytes where it is in memory. Shards in
// the data directory are changed by this process alone, which hears of each
// change, so that nothing of theirs has to be read again after a time.
func (s *System) openL2(bytes uint64) preference.L2 {
	switch {
	case s.redis != nil:
		return s.redis.Preferences(s.cfg.Preferences.L2TTL)
	case s.postgres != nil:
		return memory.NewPreferences(s.cfg.Preferences.L2TTL, bytes)
	}
	return memory.NewPreferences(0, bytes)
}

// openBus makes the bus that tells what changed.
func (s *System) openBus() pipeline.Bus {
	if s.redis != nil {
		s.served(pipeline.EngineRedis, "cache", "limits", "bus")
		return s.redis.Bus()
	}
	s.served(engineMemory, "cache", "limits", "bus")
	return memory.NewBus()
}

// openLimits makes the counters of what users get.
func (s *System) openLimits() pipeline.Limits {
	if s.redis != nil {
		return s.redis.Limits()
	}
	return memory.NewLimits(limitBytes)
}

// levelStats are a level's counts, with the entries that it may hold; 0 where
// it is bounded in bytes.
func levelStats(l preference.LevelStats, capacity int) telemetry.CacheStats {
	return telemetry.CacheStats{Hits: l.Hits, Misses: l.Misses, Entries: l.Entries, Errors: l.Errors, Capacity: int64(capacity)}
}

func checkPreferences(d *preference.Directory) func(context.Context) error {
	return func(ctx context.Context) error {
		var found [1]pipeline.Preference
		return d.Lookup(ctx, []pipeline.PreferenceKey{{UserID: "readiness", Channel: pipeline.Push}}, found[:])
	}
}

// observeShards reads for the metrics how the preferences are divided.
func (s *System) observeShards() telemetry.Shards {
	status := shardStatus(s.shards)
	shards := telemetry.Shards{Shards: status.Shards}
	if status.Reshard != nil {
		shards.Moving, shards.Moved = status.Reshard.Running(), status.Reshard.Moved
	}
	return shards
}

// shardStatus says how users are divided over shards, and how far the last move
// is.
func shardStatus(shards *preference.Shards) api.Shards {
	placement, p := shards.Placement(), shards.Progress()
	status := api.Shards{Shards: placement.Shards, Sharding: placement.Sharding.String()}
	if p.Phase == "" {
		return status
	}
	status.Reshard = &api.Reshard{
		Phase: string(p.Phase), From: p.From.Shards, To: p.To.Shards, Copied: p.Copied, Rows: p.Rows, Moved: p.Moved, Started: p.Started,
	}
	if !p.Ended.IsZero() {
		status.Reshard.Ended = &p.Ended
	}
	if p.Err != nil {
		status.Reshard.Error = p.Err.Error()
	}
	return status
}
