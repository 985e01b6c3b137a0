package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/reports"
)

// reshardEvery is how often a server is asked how far it is.
const reshardEvery = 200 * time.Millisecond

// reshardOptions are the flags and the argument of reshard.
type reshardOptions struct {
	planOptions
	serverOptions
	to   int
	data string
}

// newReshardCommand builds notifyctl reshard.
func newReshardCommand(a *app) *cobra.Command {
	opts := reshardOptions{serverOptions: serverOptions{url: defaultServer}}
	cmd := &cobra.Command{
		Use:   "reshard --to N [URL]",
		Short: "Move the preferences of a server to another number of shards",
		Long: `Move what users want to another number of shards, of a running server
(` + defaultServer + ` by default) or, with --data, in the directory of one
that is stopped. A server goes on meanwhile: no answer of it is wrong.

Users are divided by the postgres.sharding of the plan: the server's, or with
--data that of -f. Jump hash moves as few of them as can be, 1 - N/M from N
shards to M; the modulo moves most.

A move that is cut off, by a kill too, is gone on with by whoever opens the
directory next. Interrupting this command does not stop a server's move.`,
		Example: `  notifyctl reshard --to 16
  notifyctl reshard --to 16 --api-key-file admin.key https://127.0.0.1:8443
  notifyctl reshard --to 16 --data ./data --set postgres.sharding=jump`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("notifyctl reshard takes one URL, and was given %q", args)
			}
			if len(args) == 1 && opts.data != "" {
				return errors.New("give a URL or --data, not both")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				opts.url = args[0]
			}
			return runReshard(cmd.Context(), a, opts)
		},
	}
	flags := cmd.Flags()
	opts.register(flags)
	opts.keyOptions.register(flags)
	flags.IntVar(&opts.to, "to", 0, fmt.Sprintf("`number` of shards, 1 to %d", pipeline.MaxShards))
	flags.StringVar(&opts.data, "data", "", "`directory` of a server that is stopped")
	flags.StringArrayVar(&opts.external, "allow-external", nil, "ask this `host` although it is not this machine; repeatable")
	return cmd
}

// runReshard moves the preferences and shows how far that is.
func runReshard(ctx context.Context, a *app, opts reshardOptions) error {
	if opts.to < 1 || opts.to > pipeline.MaxShards {
		return usagef("--to %d: want 1 to %d shards", opts.to, pipeline.MaxShards)
	}
	shown := moveShower{out: a.stdout}
	if opts.data != "" {
		plan, err := opts.load(a)
		if err != nil {
			return err
		}
		err = engine.Reshard(ctx, opts.data, pipeline.Placement{Shards: opts.to, Sharding: sharding(plan)}, a.log, shown.show)
		if err != nil {
			return err
		}
		return shown.end()
	}
	client, err := opts.client(ctx, a)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Reshard(ctx, uint32(opts.to)); err != nil {
		return err
	}
	return shown.follow(ctx, client)
}

// A moveShower shows how far a move is, a line whenever that has changed.
type moveShower struct {
	out  io.Writer
	last string
	now  api.Shards
}

// follow asks a server until its move has ended.
func (m *moveShower) follow(ctx context.Context, client *api.Client) error {
	ticker := time.NewTicker(reshardEvery)
	defer ticker.Stop()
	for {
		status, err := client.Status(ctx)
		if err != nil {
			return fmt.Errorf("the move goes on, also after a restart, but how far it is cannot be seen: %w", err)
		}
		if err := m.show(status.Shards); err != nil {
			return err
		}
		if r := status.Shards.Reshard; r == nil || !r.Running() {
			return m.end()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// show shows how far the move is.
func (m *moveShower) show(s api.Shards) error {
	m.now = s
	r := s.Reshard
	if r == nil || !r.Running() {
		return nil
	}
	line := fmt.Sprintf("%s: %d of %d shards, %s", r.Phase, r.Copied, r.From, moved(r))
	if r.Error != "" {
		line += "; it waits: " + r.Error
	}
	if line == m.last {
		return nil
	}
	m.last = line
	_, err := fmt.Fprintln(m.out, reports.Clean(line))
	return err
}

// moved says how many rows move.
func moved(r *api.Reshard) string {
	share := 0.0
	if r.Rows > 0 {
		share = float64(r.Moved) / float64(r.Rows)
	}
	return fmt.Sprintf("%d of %d rows move (%.1f %%)", r.Moved, r.Rows, math.Round(share*1000)/10)
}

// end shows how the move ended.
func (m *moveShower) end() error {
	r := m.now.Reshard
	if r != nil && r.Phase == api.ReshardFailed {
		return fmt.Errorf("the preferences stay on %d shards: %s", m.now.Shards, r.Error)
	}
	line := fmt.Sprintf("the preferences are on %d shards, divided by %s", m.now.Shards, m.now.Sharding)
	if r != nil && r.Ended != nil {
		line += fmt.Sprintf(": %s, in %v", moved(r), r.Ended.Sub(r.Started).Round(time.Millisecond))
	}
	_, err := fmt.Fprintln(m.out, reports.Clean(line))
	return err
}
