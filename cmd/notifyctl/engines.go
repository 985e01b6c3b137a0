package main

import (
	"errors"
	"time"

	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/planner"
)

// engineOptions are the flags that say what a pipeline stands on, of every
// command that starts one.
type engineOptions struct {
	data      string
	kafka     string
	redis     string
	postgres  []string
	cassandra string
	templates string
	wait      time.Duration
}

// register adds the flags.
func (o *engineOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.data, "data", "", "`directory` that keeps across restarts what is embedded (default: a temporary one)")
	flags.StringVar(&o.kafka, "kafka", "", "`brokers` that keep the queues, with --cassandra and --redis, as in 10.0.0.1:9092,10.0.0.2:9092 or kafka://user:password@host:9093?tls=true")
	flags.StringVar(&o.redis, "redis", "", "`URL` of Redis for limits, caches and idempotency keys, as in redis://:password@host:6379; several hosts are a cluster")
	flags.StringArrayVar(&o.postgres, "postgres", nil, "`URL` of a shard of the preferences, repeatable, one a shard, as in postgres://user:pass@primary,replica/db")
	flags.StringVar(&o.cassandra, "cassandra", "", "`hosts` that keep the history, with --kafka and --redis, as in 10.0.0.1,10.0.0.2 or cassandra://user:pass@host:9042/notifyctl")
	flags.StringVar(&o.templates, "templates", "", "`folder`, or URL of a bucket as in s3://name?region=eu-central-1, of templates that are laid over the shipped ones")
	flags.DurationVar(&o.wait, "wait", 30*time.Second, "how long the engines above are waited for, together")
}

// engines names the engines that the flags ask for.
func (o *engineOptions) engines() engine.Engines {
	return engine.Engines{Kafka: o.kafka, Redis: o.redis, Postgres: o.postgres, Cassandra: o.cassandra, Wait: o.wait}
}

// check refuses what the flags must not say, before anything is started.
func (o *engineOptions) check(role engine.Role) error {
	engines, templates := o.engines(), engine.Templates{At: o.templates}
	if err := errors.Join(engines.Check(role), templates.Check()); err != nil {
		return &usageError{err}
	}
	return nil
}

// given is the first of the flags that says what a started server stands on,
// or empty.
func (o *engineOptions) given() string {
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"--data", o.data != ""},
		{"--kafka", o.kafka != ""},
		{"--redis", o.redis != ""},
		{"--postgres", len(o.postgres) > 0},
		{"--cassandra", o.cassandra != ""},
		{"--templates", o.templates != ""},
	} {
		if flag.given {
			return flag.name
		}
	}
	return ""
}

// configure says to the pipeline what the flags and the plan say of the engines.
func (o *engineOptions) configure(c *engine.Config, plan *planner.Plan) {
	c.DataDir, c.Templates.At = o.data, o.templates
	c.Engines = o.engines()
	c.Engines.Replication.Kafka = int(plan.Kafka.Replication.High)
	c.Engines.Replication.Cassandra = int(plan.Cassandra.Replication.High)
	c.Engines.MinISR = int(plan.Kafka.MinInsync.High)
	c.Engines.Retention = plan.Cassandra.Retention.Duration()
	c.Engines.PostgresConnections = int(plan.Service.ConnectionsPerInstance.High)
}
