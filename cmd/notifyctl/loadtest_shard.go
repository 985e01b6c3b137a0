package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// shardOptions are the flags that divide a load test among processes.
type shardOptions struct {
	shard   string
	startAt string

	part scenarios.Part // what they come to
}

// register adds the flags.
func (o *shardOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.shard, "shard", "", "send `I/N`, the I-th of N parts of the load, with --target and --start-at; report merge puts the results together")
	flags.StringVar(&o.startAt, "start-at", "", "`time` at which the load begins: 2026-11-24T10:00:00Z, 10:00:00 on this machine's clock, or +30s")
}

// readShard reads the flags.
func (o *loadtestOptions) readShard(a *app) (err error) {
	if o.startAt != "" {
		if o.part.StartAt, err = startTime(o.startAt, a.now()); err != nil {
			return err
		}
	}
	switch {
	case o.shard == "":
		return nil
	case o.target == "":
		return usagef("--shard is for a --target, which all shards load together; without one each would start a system of its own")
	case o.startAt == "":
		return usagef("--shard needs --start-at: the shards begin together, and their run is named after the time")
	case strings.HasPrefix(o.startAt, "+"):
		return usagef("--start-at %s is another time in each process; shards need one that is the same for all, as in 2026-11-24T10:00:00Z", o.startAt)
	}
	o.part.Shard, err = parseShard(o.shard)
	return err
}

// parseShard reads I/N.
func parseShard(text string) (*scenarios.Shard, error) {
	first, second, _ := strings.Cut(text, "/")
	index, err1 := strconv.Atoi(first)
	of, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil || of < 1 || of > load.MaxShards || index < 1 || index > of {
		return nil, usagef("--shard %q: accepted is I/N, as in 2/8, with I from 1 to N and N up to %d", text, load.MaxShards)
	}
	return &scenarios.Shard{Index: index, Of: of}, nil
}

// startTime reads a time of --start-at. A time of the day is the one that is
// nearest to now, before or after it.
func startTime(text string, now time.Time) (time.Time, error) {
	if after, ok := strings.CutPrefix(text, "+"); ok {
		if d, err := time.ParseDuration(after); err == nil && d >= 0 {
			return now.Add(d), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	clock, err := time.ParseInLocation(time.TimeOnly, text, now.Location())
	if err != nil {
		return time.Time{}, usagef("--start-at %q: accepted are 2026-11-24T10:00:00Z, 10:00:00 and +30s", text)
	}
	today := time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, now.Location())
	nearest := today
	for _, days := range []int{-1, 1} {
		if other := today.AddDate(0, 0, days); other.Sub(now).Abs() < nearest.Sub(now).Abs() {
			nearest = other
		}
	}
	return nearest, nil
}

// checkStart refuses to begin several runs at one time.
func (o *shardOptions) checkStart(runs int) error {
	if runs > 1 && o.startAt != "" {
		return usagef("--start-at is for one run, and these are %d", runs)
	}
	return nil
}
