package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine/pebble"
	"github.com/notifyctl/notifyctl/pipeline/engine/sqlite"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

// reshardPoll is how often the progress of a move is told.
const reshardPoll = 200 * time.Millisecond

// Reshard moves the preferences in a data directory that no process uses, and
// tells how far it is. A move that was cut off before is ended first. When ctx
// ends, the next process goes on. Errors: as [preference.Shards.Reshard], and
// that the directory is in use.
func Reshard(ctx context.Context, dir string, to pipeline.Placement, log *slog.Logger, tell func(api.Shards) error) (err error) {
	data := dataDir{path: dir}
	lock, err := pebble.Lock(data.store())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	set, err := sqlite.OpenShards(data.preferences())
	if err != nil {
		return err
	}
	shards, err := preference.OpenShards(ctx, set, to, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shards.Close()) }()
	if err := followMove(ctx, shards, tell); err != nil {
		return err
	}
	if shards.Placement() == to {
		return tell(shardStatus(shards))
	}
	if err := shards.Reshard(ctx, to.Shards); err != nil {
		return err
	}
	return followMove(ctx, shards, tell)
}

// followMove tells how far a move is until its end.
func followMove(ctx context.Context, shards *preference.Shards, tell func(api.Shards) error) error {
	for {
		poll, cancel := context.WithTimeout(ctx, reshardPoll)
		p, err := shards.AwaitMove(poll)
		cancel()
		if p.Phase != "" {
			if failed := tell(shardStatus(shards)); failed != nil {
				return failed
			}
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
