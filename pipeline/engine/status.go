package engine

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// submitRoute is the route whose latency stands for the API's.
const submitRoute = "/v1/notifications"

// Status takes the snapshot of GET /v1/status.
func (s *System) Status(ctx context.Context) (api.Status, error) {
	account, depths, err := s.count(ctx)
	if err != nil {
		return api.Status{}, err
	}
	resources, err := telemetry.ReadResources()
	if err != nil {
		return api.Status{}, err
	}
	now := time.Now()
	snapshot := s.metrics.Snapshot()
	return api.Status{
		Started: s.started, Now: now, Version: s.cfg.Version,
		Role: string(s.cfg.Role), Engines: s.engines, Dependencies: s.dependencyStatus(),
		Account: api.Account{
			Accepted: account.Accepted, Delivered: account.Delivered, Suppressed: account.Suppressed,
			Expired: account.Expired, RateDropped: account.RateDropped, Dead: account.Dead,
			InFlight: account.InFlight, Ambiguous: account.Ambiguous, Takeovers: account.Takeovers,
		},
		Queues:    queueStatus(depths, now),
		Space:     spaceStatus(s.space()),
		Workers:   workerStatus(&snapshot),
		Regions:   s.regionStatus(),
		Scaling:   s.scalingStatus(),
		Providers: providerStatus(&snapshot),
		API:       trafficStatus(&snapshot),
		EndToEnd:  endToEndStatus(&snapshot),
		Caches:    cacheStatus(&snapshot),
		Shards:    shardStatus(s.shards),
		Resources: resourceStatus(&resources),
		Groups:    s.groupStatus(now, &snapshot, depths, resources),
	}, nil
}

// count reads the account and the queues together: what lies beyond the network
// is then asked once for both.
func (s *System) count(ctx context.Context) (account pipeline.Account, depths []pipeline.Depth, err error) {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		account, err = s.store.Account(ctx)
		return err
	})
	both.Go(func() (err error) {
		depths, err = s.store.Depths(ctx)
		return err
	})
	err = both.Wait()
	return account, depths, err
}

// The engines as the status names them, beside those of the network.
const (
	enginePebble = "pebble"
	engineSQLite = "sqlite"
	engineMemory = "memory"
	engineFolder = "folder"
	engineBucket = "bucket"
)

// served notes which engine serves parts of the pipeline.
func (s *System) served(engine string, parts ...string) {
	for _, part := range parts {
		s.engines[part] = engine
	}
}

func queueStatus(depths []pipeline.Depth, now time.Time) []api.Queue {
	queues := make([]api.Queue, len(depths))
	for i, d := range depths {
		queues[i] = api.Queue{
			Channel: d.Channel.String(), Priority: d.Priority.String(),
			Waiting: d.Waiting, Windowed: d.Windowed, Retrying: d.Retrying,
		}
		if !d.Oldest.IsZero() {
			queues[i].OldestAgeMS = max(0, now.Sub(d.Oldest).Milliseconds())
		}
	}
	return queues
}

func spaceStatus(parts []pipeline.Space) []api.Space {
	space := make([]api.Space, len(parts))
	for i, p := range parts {
		space[i] = api.Space{Part: string(p.Part), Bytes: p.Bytes, LimitBytes: p.Limit}
	}
	return space
}

func workerStatus(s *telemetry.Snapshot) []api.Workers {
	workers := make([]api.Workers, len(s.Workers))
	for i, w := range s.Workers {
		workers[i] = api.Workers{Channel: w.Channel.String(), Desired: w.Desired, Running: w.Running, Busy: w.Busy, OverBudget: w.OverBudget}
		for j := range s.Queues {
			if q := &s.Queues[j]; q.Channel == w.Channel {
				workers[i].Batches += q.Batches.Histogram.TotalCount()
				workers[i].Entries += q.Batches.Sum
			}
		}
	}
	return workers
}

func providerStatus(s *telemetry.Snapshot) []api.Provider {
	providers := make([]api.Provider, len(s.Providers))
	for i, p := range s.Providers {
		known, _ := catalog.Lookup(p.Name)
		providers[i] = api.Provider{
			Name: p.Name, Channel: known.Channel,
			Calls: p.Latency.Histogram.TotalCount(), Entries: p.Entries,
			Sent: p.Attempts[pipeline.Sent], Permanent: p.Attempts[pipeline.Permanent],
			Throttled: p.Attempts[pipeline.Throttled], Transient: p.Attempts[pipeline.Transient],
			Ambiguous: p.Attempts[pipeline.Ambiguous], Connections: p.ConnectionsOpen,
			Breaker: p.Breaker.String(), FailedOver: p.FailedOver, Doubtful: p.Doubtful, Segments: p.Segments,
			Latency: api.NewHistogram(p.Latency.Histogram),
		}
	}
	return providers
}

func trafficStatus(s *telemetry.Snapshot) api.Traffic {
	t := api.Traffic{Requests: map[string]int64{}, InFlight: s.Answering, Accepted: s.Replayed}
	for i := range s.Queues {
		t.Accepted += s.Queues[i].Accepted
	}
	for _, n := range s.Refused {
		t.Refused += n
	}
	for _, r := range s.Requests {
		for code, n := range r.Codes {
			t.Requests[strconv.Itoa(code)] += n
		}
		if r.Route == submitRoute {
			t.Latency = api.NewHistogram(r.Latency.Histogram)
		}
	}
	return t
}

func endToEndStatus(s *telemetry.Snapshot) []api.EndToEnd {
	all := make([]api.EndToEnd, len(s.Queues))
	for i := range s.Queues {
		q := &s.Queues[i]
		stages := &q.EndToEnd.Stages
		all[i] = api.EndToEnd{
			Channel: q.Channel.String(), Priority: q.Priority.String(),
			Total: api.NewHistogram(q.EndToEnd.Total.Histogram),
			Stages: api.Stages{
				Queue:  api.NewHistogram(stages[telemetry.StageQueue].Histogram),
				Batch:  api.NewHistogram(stages[telemetry.StageBatch].Histogram),
				Send:   api.NewHistogram(stages[telemetry.StageSend].Histogram),
				Settle: api.NewHistogram(stages[telemetry.StageSettle].Histogram),
			},
		}
	}
	return all
}

func cacheStatus(s *telemetry.Snapshot) []api.Cache {
	caches := make([]api.Cache, len(s.Caches))
	for i, c := range s.Caches {
		caches[i] = api.Cache{Name: c.Name, Hits: c.Hits, Misses: c.Misses, Entries: c.Entries}
	}
	return caches
}

func resourceStatus(r *telemetry.Resources) api.Resources {
	return api.Resources{
		HeapBytes: r.LiveHeapBytes, RSSBytes: r.ResidentBytes, OpenFiles: r.OpenFiles, Goroutines: r.Goroutines,
		CPUSeconds: r.CPU.Seconds(), GCCycles: r.GCCycles, GCPauseSeconds: r.GCPause.Seconds(), GCCPUSeconds: r.GCCPU.Seconds(),
	}
}
