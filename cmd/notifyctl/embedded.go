package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine"
	"github.com/notifyctl/notifyctl/planner"
	"github.com/notifyctl/notifyctl/planner/units"
)

// anyPort listens on loopback, where the system finds a free port.
const anyPort = "127.0.0.1:0"

// An embeddedSystem is a pipeline and its mock providers, running in this
// process.
type embeddedSystem struct {
	url    string
	mock   string
	system *engine.System
	mocks  *runningMocks
}

// startEmbedded starts both on ports of their own. The control times are
// multiplied by the time scale.
func startEmbedded(ctx context.Context, a *app, plan *planner.Plan, engines *engineOptions, seed uint64, timeScale float64) (*embeddedSystem, error) {
	if err := checkProviderURLs(plan); err != nil {
		return nil, err
	}
	targets, prices, err := promises(plan)
	if err != nil {
		return nil, err
	}
	mocks, err := startMocks(ctx, a.log, mockproviders.Options{Latency: mockproviders.ReferenceLatency(), Connect: plan.Deployment.ConnectTime, Seed: seed, Logger: a.log})
	if err != nil {
		return nil, err
	}
	config := engineConfig(plan, mocks.url)
	config.Listen, config.Log = anyPort, a.log
	engines.configure(&config, plan)
	config.Scaling.TimeScale = timeScale
	config.Targets, config.Prices = targets, prices
	config.Version = buildVersion().String()
	config.IDKey, _ = a.getenv("NOTIFYCTL_ID_KEY")
	config.Fatal = fatal(a)
	system, err := engine.Open(ctx, config)
	if err != nil {
		return nil, errors.Join(err, mocks.stop(ctx))
	}
	return &embeddedSystem{url: system.URL(), mock: mocks.url, system: system, mocks: mocks}, nil
}

// stop ends the system first, so that what it still sends meets a provider.
func (s *embeddedSystem) stop(ctx context.Context) error {
	return errors.Join(s.system.Drain(ctx), s.mocks.stop(ctx))
}

// engineConfig takes from a plan what the pipeline is made of; its providers
// are mocks at a base URL.
func engineConfig(plan *planner.Plan, mocks string) engine.Config {
	d, p, limits := plan.Deployment, plan.Providers, plan.RateLimits.PerUser
	push, sms := quotas(plan)
	return engine.Config{
		Partitions: d.Partitions,
		Shards:     d.Shards,
		Sharding:   sharding(plan),
		DailyLimits: pipeline.DailyLimits{
			Push: dailyLimit(limits.Push), Email: dailyLimit(limits.Email), SMS: dailyLimit(limits.SMS),
		},
		Workers: map[pipeline.Channel]int{
			pipeline.Push: d.Workers.Push, pipeline.Email: d.Workers.Email, pipeline.SMS: d.Workers.SMS,
		},
		Batches: map[pipeline.Channel]int{
			pipeline.Push: batchOf(plan.Workers.Push), pipeline.Email: batchOf(plan.Workers.Email), pipeline.SMS: batchOf(plan.Workers.SMS),
		},
		KeyTTL:           plan.Redis.IdempotencyTTL.Duration(),
		QueueBytes:       d.QueueBytes,
		IdempotencyBytes: d.IdempotencyBytes,
		HistoryBytes:     d.HistoryBytes,
		Preferences: engine.Preferences{
			L1Entries: int(plan.Preferences.L1.Entries.High),
			L1TTL:     plan.Preferences.L1.TTL.Duration(),
			L2TTL:     plan.Preferences.L2.TTL.Duration(),
			L2Bytes:   uint64(d.Memory) / l2Share,
		},
		Templates: engine.Templates{TTL: plan.Templates.TTL.Duration()},
		Scaling:   scalingConfig(plan),
		Providers: engine.Providers{
			SendGrid: mocks + "/sendgrid", SES: mocks + "/ses",
			FCM: mocks + "/fcm", FCMBatch: p.Push.Wire == "batch", APNs: mocks + "/apns",
			Twilio: mocks + "/twilio", TwilioBatch: p.SMS.Wire == "batch", Vonage: mocks + "/vonage",
			Connections: int(p.Connections.High), Unpooled: d.Connections == "single",
			Push:  engine.ProviderChoice{Primary: p.Push.Primary, Backup: p.Push.Backup, Quota: push},
			Email: engine.ProviderChoice{Primary: p.Email.Primary, Backup: p.Email.Backup},
			SMS:   engine.ProviderChoice{Primary: p.SMS.Primary, Backup: p.SMS.Backup, Quota: sms},
		},
	}
}

// sharding is the rule that a plan divides users by; plans are checked to have
// one.
func sharding(plan *planner.Plan) pipeline.Sharding {
	s, ok := pipeline.ParseSharding(plan.Postgres.Sharding)
	if !ok {
		panic("BUG: a plan with the sharding " + plan.Postgres.Sharding)
	}
	return s
}

// batchOf takes the high end of a batch that is not known exactly.
func batchOf(pool planner.WorkerPool) int { return int(pool.Batch.High) }

// dailyLimit takes the high end of a limit that is not known exactly.
func dailyLimit(limit units.Count) int64 { return int64(limit.High) }

// l2Share is the part of the deployment's memory, one in so many, that the
// preferences' second cache may hold: of 1 GB, that of a million users with an
// address of each channel.
const l2Share = 4

// checkProviderURLs refuses a plan that names providers: what is started here
// has the credentials of mocks.
func checkProviderURLs(plan *planner.Plan) error {
	urls := plan.Providers.URLs
	for _, u := range []planner.URL{urls.SendGrid, urls.SES, urls.FCM, urls.APNs, urls.Twilio, urls.Vonage} {
		if u != "" {
			return usagef("providers.urls: notifications go to mock providers alone, and the plan names %s; leave it out", u)
		}
	}
	return nil
}

// runningMocks are mock providers that listen.
type runningMocks struct {
	url    string
	server *mockproviders.Server
	served sync.WaitGroup
	failed error // once served
}

// startMocks starts the mock providers on a free port.
func startMocks(ctx context.Context, log *slog.Logger, o mockproviders.Options) (*runningMocks, error) {
	server, err := mockproviders.New(o)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", anyPort)
	if err != nil {
		return nil, fmt.Errorf("listen for the mock providers: %w", err)
	}
	m := &runningMocks{url: "http://" + listener.Addr().String(), server: server}
	m.served.Go(func() {
		if m.failed = server.Serve(listener); m.failed != nil {
			log.Error("the mock providers failed", "error", m.failed)
		}
	})
	return m, nil
}

// stop ends them, and tells if they had failed.
func (m *runningMocks) stop(ctx context.Context) error {
	err := m.server.Close(ctx)
	m.served.Wait()
	return errors.Join(err, m.failed)
}
