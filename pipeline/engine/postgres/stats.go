package postgres

import (
	"errors"
	"fmt"
)

// Host is how a process stands to one host of a shard.
type Host struct {
	Shard int // from 0
	Name  string
	Role  string // "primary", "replica" or "away"
	// Connections for queries: in use, idle, and the most there may be.
	Acquired, Idle, Max int
}

// Hosts lists the hosts of all shards, as the last look found them.
func (s *Shards) Hosts() []Host {
	var all []Host
	for shard, c := range s.clusters {
		v := c.current()
		for _, h := range c.hosts {
			pool := h.pool.Stat()
			all = append(all, Host{
				Shard: shard, Name: h.name, Role: v.role(h),
				Acquired: int(pool.AcquiredConns()), Idle: int(pool.IdleConns()), Max: int(pool.MaxConns()),
			})
		}
	}
	return all
}

func (v *view) role(h *host) string {
	if h.down.Load() {
		return "away"
	}
	if h == v.primary {
		return "primary"
	}
	for _, replica := range v.replicas {
		if h == replica {
			return "replica"
		}
	}
	return "away"
}

// Check says which shards have no primary now, or why this process must not
// serve. It asks nobody: the hosts are looked at every second.
func (s *Shards) Check() error {
	errs := []error{s.session.gate.check()}
	for shard, c := range s.clusters {
		if v := c.current(); v.primary == nil || v.primary.down.Load() {
			errs = append(errs, fmt.Errorf("shard %d: postgres at %s: %w", shard, c.name, c.noPrimary(v)))
		}
	}
	return errors.Join(errs...)
}
