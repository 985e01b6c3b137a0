package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/autoscale"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/engine/pebble"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
	"github.com/notifyctl/notifyctl/pipeline/ingest"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/preference"
	"github.com/notifyctl/notifyctl/pipeline/region"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// minFreeBytes is the room on the disk that is kept for settling what was
// accepted.
const minFreeBytes = 256 << 20

// System is a running pipeline.
type System struct {
	cfg     Config
	started time.Time
	metrics *telemetry.Metrics
	// dashboard takes the readings of the status.
	dashboard *telemetry.Dashboard
	store     *pebble.Store
	shards    *preference.Shards
	server    *gateway.Server
	ready     func(context.Context) api.Readiness
	url       string
	// closers end what was opened, in reverse.
	closers []func() error
	// stop ends the delivery, whose error delivered holds once it is closed.
	stop      context.CancelFunc
	delivered chan struct{}
	failure   error
	data      dataDir

	regions       *region.Global
	scaling       *autoscale.Loop
	scalingTimes  autoscale.Times
	scalingPolicy string
}

// Open starts a pipeline and returns when it listens. What was opened before a
// failure is closed again. Its context bounds the opening alone.
func Open(ctx context.Context, cfg Config) (_ *System, err error) {
	s := &System{cfg: cfg, started: time.Now(), delivered: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	// The address comes first: a port in use is the likeliest fault, and
	// nothing was touched then.
	listener, err := listen(ctx, cfg.Listen)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = listener.Close() // it served nobody yet
		}
	}()
	base, err := s.openBase(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.openDelivery(base)
	if err != nil {
		return nil, err
	}
	g := s.newGateway(base)
	s.server, s.ready = gateway.NewServer(g), g.Readiness
	if err := s.openRegions(g); err != nil {
		return nil, err
	}
	if err := s.openScaling(d); err != nil {
		return nil, err
	}
	s.openDashboard()
	s.serve(listener)
	return s, nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another program listens on %s; give another address: %w", address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// base is what the stages stand on, beside the store.
type base struct {
	key         pipeline.IDKey
	registry    *prometheus.Registry
	preferences *preference.Directory
	templates   *template.Service
}

// openBase opens what keeps the state.
func (s *System) openBase(ctx context.Context) (b base, err error) {
	if s.data, err = openDataDir(s.cfg.DataDir); err != nil {
		return b, err
	}
	s.onClose(s.data.remove)
	if b.key, err = s.data.idKey(s.cfg.IDKey); err != nil {
		return b, err
	}
	b.registry = prometheus.NewRegistry()
	s.metrics = telemetry.New(b.registry)
	// The store comes first: its lock keeps other processes off the directory.
	if err := s.openStore(); err != nil {
		return b, err
	}
	if b.preferences, err = s.openPreferences(ctx, b.key); err != nil {
		return b, err
	}
	b.templates, err = s.openTemplates(ctx)
	return b, err
}

// openDelivery makes the delivery and runs it.
func (s *System) openDelivery(b base) (*delivery.Delivery, error) {
	routes, err := s.routes()
	if err != nil {
		return nil, err
	}
	d := delivery.New(delivery.Config{
		Feed: s.store, Settlement: s.store, History: s.store, Preferences: b.preferences, Addresses: b.preferences, Retractions: b.preferences,
		Templates: b.templates, Routes: routes, Backoff: policy.DefaultBackoff(), Metrics: s.metrics, Tracer: s.cfg.Tracer, Log: s.cfg.Log,
	})
	s.deliver(d)
	return d, nil
}

// newGateway makes the HTTP side, with the ingest behind it.
func (s *System) newGateway(b base) *gateway.Gateway {
	taken := ingest.New(ingest.Config{
		Intake: s.store, DeadLetters: s.store, Preferences: b.preferences, Addresses: b.preferences,
		Templates: b.templates, IDs: pipeline.NewIDMinter(b.key), Observer: s.metrics, Tracer: s.cfg.Tracer, Log: s.cfg.Log,
		Limits: memory.NewLimits(limitBytes), DailyLimits: s.cfg.DailyLimits,
	})
	return gateway.New(gateway.Config{
		Ingester: taken, Replayer: taken, History: s.store, Users: s.store, DeadLetters: s.store,
		Preferences: b.preferences, Templates: b.templates, Resharder: s.shards, IDs: b.key, Status: s.Status, Keys: s.cfg.Keys,
		Checks: map[string]func(context.Context) error{
			"store": s.checkStore, "preferences": checkPreferences(b.preferences), "delivery": s.checkDelivery,
		},
		Metrics:  telemetry.Handler(b.registry),
		Observer: s.metrics, Logger: s.cfg.Log, Hosts: s.cfg.Hosts,
	})
}

// serve begins to answer on a listener, which is the server's from now on.
func (s *System) serve(l net.Listener) {
	s.url = "http://" + l.Addr().String()
	if s.cfg.TLS != nil {
		s.server.Secure(s.cfg.TLS)
		s.url = "https://" + l.Addr().String()
	}
	s.server.Start(l)
}

func (s *System) onClose(closer func() error) { s.closers = append(s.closers, closer) }

// close ends what was opened, last first.
func (s *System) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (s *System) openTemplates(ctx context.Context) (*template.Service, error) {
	dir := s.cfg.Templates.Dir
	if dir == "" {
		dir = s.data.templates()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the templates folder: %w", err)
		}
	}
	folder, err := template.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	s.onClose(folder.Close)
	store := template.Layered{folder, template.Shipped()}
	service := template.NewService(store, template.Options{TTL: s.cfg.Templates.TTL})
	s.onClose(func() error { service.Close(); return nil })
	if warm, err := service.Warm(ctx); err != nil {
		s.cfg.Log.Warn("some templates cannot be used", slog.Int("usable", warm), slog.Any("error", err))
	}
	s.metrics.ObserveCache("templates", func() telemetry.CacheStats {
		stats := service.Stats()
		return telemetry.CacheStats{Hits: stats.Hits, Misses: stats.Misses, Entries: stats.Entries}
	})
	return service, nil
}

func (s *System) openStore() (err error) {
	log := s.metrics.Log("store")
	s.store, err = pebble.Open(pebble.Config{
		Dir: s.data.store(), Partitions: s.cfg.Partitions,
		QueueBytes: s.cfg.QueueBytes, IdempotencyBytes: s.cfg.IdempotencyBytes, HistoryBytes: s.cfg.HistoryBytes, MinFreeBytes: minFreeBytes,
		Log: s.cfg.Log, Fatal: s.cfg.Fatal,
		Committed: func(changes, _ int, took time.Duration) { log.Committed(changes, took) },
	})
	if err != nil {
		return err
	}
	s.onClose(s.store.Close)
	s.metrics.ObserveQueues(s.store.Depths)
	return nil
}

// deliver runs the delivery until the system is drained.
func (s *System) deliver(d *delivery.Delivery) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() {
		defer close(s.delivered)
		s.failure = d.Run(ctx)
	}()
	s.onClose(func() error {
		stop()
		<-s.delivered
		return s.failure
	})
}

func (s *System) checkStore(ctx context.Context) error {
	_, err := s.store.Account(ctx)
	return err
}

var errNotDelivering = errors.New("nothing is delivered any more")

func (s *System) checkDelivery(context.Context) error {
	select {
	case <-s.delivered:
		return errNotDelivering
	default:
		return nil
	}
}

// URL is where the HTTP interface answers.
func (s *System) URL() string { return s.url }

// Readiness says whether it is ready, as GET /readyz does.
func (s *System) Readiness(ctx context.Context) api.Readiness { return s.ready(ctx) }

// DataDir is where the state lies, and whether it is removed at the end.
func (s *System) DataDir() (path string, temporary bool) { return s.data.path, s.data.temporary }

// Done is closed when the system has failed: it takes nothing more, or delivers
// nothing more. Drain then tells why.
func (s *System) Done() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-s.server.Done():
		case <-s.delivered:
		}
	}()
	return done
}

// drainPoll is how often the end of a temporary system looks whether its
// queues are empty.
const drainPoll = 20 * time.Millisecond

// Drain ends the system in order: it takes no more, answers what is being
// asked, sends what is in flight, settles it and closes. With a temporary data
// directory, what is queued is sent too, until ctx ends: it would be lost with
// the directory. What a lasting directory queues is sent after the next start.
func (s *System) Drain(ctx context.Context) error {
	err := s.server.Drain(ctx)
	if s.data.temporary {
		err = errors.Join(err, s.awaitEmpty(ctx))
	}
	return errors.Join(err, s.close())
}

func (s *System) awaitEmpty(ctx context.Context) error {
	ticker := time.NewTicker(drainPoll)
	defer ticker.Stop()
	for {
		account, err := s.store.Account(ctx)
		if err != nil || account.InFlight == 0 {
			return err
		}
		select {
		case <-ticker.C:
		case <-s.delivered:
			return errNotDelivering
		case <-ctx.Done():
			return fmt.Errorf("%d notifications were still queued and are gone with the temporary data directory: %w", account.InFlight, ctx.Err())
		}
	}
}
