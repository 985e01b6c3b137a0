package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/autoscale"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/engine/postgres"
	"github.com/notifyctl/notifyctl/pipeline/engine/redis"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
	"github.com/notifyctl/notifyctl/pipeline/ingest"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/preference"
	"github.com/notifyctl/notifyctl/pipeline/region"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// System is a running pipeline.
type System struct {
	cfg     Config
	started time.Time
	metrics *telemetry.Metrics
	// dashboard takes the readings of the status.
	dashboard *telemetry.Dashboard
	store     store
	space     func() []pipeline.Space // that the store takes
	shards    *preference.Shards
	directory *preference.Directory
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

	// patience is how long engines beyond the network are waited for; redis and
	// postgres are those that more than one part stands on, or nil.
	patience *patience
	redis    *redis.Client
	postgres *postgres.Shards
	// dependencies are the engines beyond the network that are open.
	dependencies []*dependency
	// engines names what serves each part, for the status.
	engines map[string]string

	regions       *region.Global
	scaling       *autoscale.Loop
	scalingTimes  autoscale.Times
	scalingPolicy string
}

// Open starts a pipeline and returns when it listens. What was opened before a
// failure is closed again. Its context bounds the opening alone.
func Open(ctx context.Context, cfg Config) (_ *System, err error) {
	cfg.Role = cmp.Or(cfg.Role, All)
	s := &System{cfg: cfg, started: time.Now(), delivered: make(chan struct{}), engines: map[string]string{}}
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
	var workers autoscale.Pools = noPools{}
	if cfg.Role.delivers() {
		d, err := s.openDelivery(base)
		if err != nil {
			return nil, err
		}
		workers = pools{d}
	}
	g := s.newGateway(base)
	s.server, s.ready = gateway.NewServer(g), g.Readiness
	if cfg.Role.accepts() {
		if err := s.openRegions(g); err != nil {
			return nil, err
		}
	}
	if err := s.openScaling(workers); err != nil {
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
	b.registry = prometheus.NewRegistry()
	s.metrics = telemetry.New(b.registry)
	s.metrics.ObserveDependencies(s.observeDependencies)
	s.patience = newPatience(s.cfg.Engines.Wait, s.cfg.Log)
	if err := s.openRedis(ctx); err != nil {
		return b, err
	}
	if err := s.openPostgres(ctx); err != nil {
		return b, err
	}
	if err := s.openData(); err != nil {
		return b, err
	}
	if b.key, err = s.idKey(ctx); err != nil {
		return b, err
	}
	// The store comes first: its lock keeps other processes off the directory.
	if s.cfg.Engines.externalStore() && s.postgres == nil {
		if err := s.lockData(); err != nil {
			return b, err
		}
	}
	if err := s.openStore(ctx); err != nil {
		return b, err
	}
	if s.postgres == nil {
		if err := s.openShards(ctx); err != nil {
			return b, err
		}
	}
	if b.preferences, err = s.openPreferences(ctx, b.key); err != nil {
		return b, err
	}
	b.templates, err = s.openTemplates(ctx)
	return b, err
}

// settleExternallyEvery is how long facts gather for a settlement that writes to
// three nodes of one engine and then to three of another: each costs them as
// much for many facts as for few.
const settleExternallyEvery = 50 * time.Millisecond

// openDelivery makes the delivery and runs it.
func (s *System) openDelivery(b base) (*delivery.Delivery, error) {
	routes, err := s.routes()
	if err != nil {
		return nil, err
	}
	c := delivery.Config{
		Feed: s.store, Settlement: s.store, History: s.store, Preferences: b.preferences, Addresses: b.preferences, Retractions: b.preferences,
		Templates: b.templates, Routes: routes, Backoff: policy.DefaultBackoff(), Metrics: s.metrics, Tracer: s.cfg.Tracer, Log: s.cfg.Log,
	}
	if s.cfg.Engines.externalStore() {
		c.SettleEvery = settleExternallyEvery
	}
	d := delivery.New(c)
	s.deliver(d)
	return d, nil
}

// newGateway makes the HTTP side, with the ingest behind it where the role has
// one.
func (s *System) newGateway(b base) *gateway.Gateway {
	c := gateway.Config{
		Status: s.Status, Checks: s.checks(b), Metrics: telemetry.Handler(b.registry),
		Observer: s.metrics, Logger: s.cfg.Log, Keys: s.cfg.Keys, Hosts: s.cfg.Hosts,
	}
	if s.cfg.Role.accepts() {
		taken := ingest.New(ingest.Config{
			Intake: s.store, DeadLetters: s.store, Preferences: b.preferences, Addresses: b.preferences,
			Templates: b.templates, IDs: pipeline.NewIDMinter(b.key), Observer: s.metrics, Tracer: s.cfg.Tracer, Log: s.cfg.Log,
			Limits: s.openLimits(), DailyLimits: s.cfg.DailyLimits,
		})
		c.Ingester, c.Replayer, c.IDs = taken, taken, b.key
		c.History, c.Users, c.DeadLetters = s.store, s.store, s.store
		c.Preferences, c.Templates, c.Resharder = b.preferences, b.templates, s.shards
	}
	return gateway.New(c)
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

// URL is where the HTTP interface answers.
func (s *System) URL() string { return s.url }

// Role is what the process does.
func (s *System) Role() Role { return s.cfg.Role }

// Readiness says whether it is ready, as GET /readyz does.
func (s *System) Readiness(ctx context.Context) api.Readiness { return s.ready(ctx) }

// DataDir is where the state lies, and whether it is removed at the end.
func (s *System) DataDir() (path string, temporary bool) { return s.data.path, s.data.temporary }
