package mockproviders

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a [Server]. The zero value answers at once, on loopback.
type Options struct {
	Latency Latency
	// ProviderLatency is that of providers that differ, by name.
	ProviderLatency map[string]Latency
	// Connect is how long a new connection takes until its first call is read, as
	// looking up the name, TCP and TLS do over a network; 0 is what loopback takes.
	Connect time.Duration
	// Limits are what the accounts may send; without any, all that comes.
	Limits Limits
	// Seed decides which calls faults and latencies hit.
	Seed   uint64
	Faults Script
	// AllowedHosts are the names under which the server answers, beside those
	// of loopback and the address that it listens on: a web page that a browser
	// of this machine shows must not reach it under a name of its own.
	AllowedHosts []string
	// ControlToken is the bearer token that /_mock asks for; empty means none,
	// which [Server.Serve] accepts on loopback alone.
	ControlToken string
	// Certificate has the server speak TLS, and nothing else; see
	// [NewCertificate].
	Certificate *tls.Certificate
	Logger      *slog.Logger // nil logs nothing
}

// Server serves the mock providers under their prefixes, and their control
// under /_mock. It is an http.Handler, and listens by itself by Serve.
type Server struct {
	latency    *latencies
	connect    time.Duration
	seed       uint64
	token      string
	ledger     *Ledger
	judge      atomic.Pointer[judge]
	limiter    atomic.Pointer[limiter]
	work       [providerCount]work
	callNumber atomic.Uint64
	serial     atomic.Uint64
	calls      callPool
	handler    http.Handler
	http       *http.Server

	hosts   hostList
	closing chan struct{}
	closed  sync.Once
}

// maxConnections bounds the connections that are served at a time; further ones
// wait. A client keeps about a hundred a provider.
const maxConnections = 4096

// ErrNoControlToken says that a server that others can reach has no control
// token.
var ErrNoControlToken = errors.New("the mocks need a control token when they do not listen on loopback")

// New makes a server that does not listen yet. It fails on faults, limits or
// latencies that do not hold.
func New(o Options) (*Server, error) {
	all := Latencies{Latency: o.Latency, Providers: o.ProviderLatency}
	if err := errors.Join(o.Faults.Validate(), o.Limits.Validate(), all.Validate()); err != nil {
		return nil, err
	}
	s := &Server{
		latency: newLatencies(all), connect: o.Connect, seed: o.Seed, token: o.ControlToken,
		ledger: NewLedger(), closing: make(chan struct{}),
	}
	s.hosts.allow(o.AllowedHosts...)
	s.judge.Store(newJudge(s.seed, o.Faults, time.Now()))
	s.limiter.Store(newLimiter(maps.Clone(o.Limits)))
	s.handler = s.guard(s.mux())
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.Certificate != nil)
	protocols.SetUnencryptedHTTP2(o.Certificate == nil)
	s.http = &http.Server{
		Handler:   s,
		Protocols: protocols,
		// FCM's clients send 500 messages at a time over one connection.
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 1000},
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		// Longer than clients keep idle connections: a connection closed under
		// a request that is being written makes an ambiguous answer.
		IdleTimeout:    3 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	if o.Certificate != nil {
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*o.Certificate}, MinVersion: tls.VersionTLS12}
	}
	return s, nil
}

func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range routes() {
		mux.Handle(r.pattern, endpoint{server: s, wire: r.wire})
	}
	s.control(mux)
	return mux
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Ledger is what the mocks accepted.
func (s *Server) Ledger() *Ledger { return s.ledger }

// Faults is the script in force.
func (s *Server) Faults() Script { return s.judge.Load().script }

// SetFaults puts a script in force; its times count from now.
func (s *Server) SetFaults(script Script) error {
	if err := script.Validate(); err != nil {
		return err
	}
	script.Faults = slices.Clone(script.Faults)
	s.judge.Store(newJudge(s.seed, script, time.Now()))
	return nil
}

// Limits are those in force.
func (s *Server) Limits() Limits { return s.limiter.Load().limits }

// SetLimits puts limits in force; all accounts begin anew.
func (s *Server) SetLimits(limits Limits) error {
	if err := limits.Validate(); err != nil {
		return err
	}
	s.limiter.Store(newLimiter(maps.Clone(limits)))
	return nil
}

// Serve answers on a listener until Close, and returns nil then. It takes
// HTTP/1.1 and HTTP/2, by TLS where there is a certificate and without it where
// there is none. A listener that is not on loopback needs a control token:
// [ErrNoControlToken].
func (s *Server) Serve(l net.Listener) error {
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		if !tcp.IP.IsLoopback() && s.token == "" {
			return ErrNoControlToken
		}
		if !tcp.IP.IsUnspecified() { // which is no address to call it by
			s.hosts.allow(tcp.IP.String())
		}
	}
	l = newLimitListener(l, maxConnections)
	if s.connect > 0 {
		l = &slowListener{Listener: l, connect: s.connect}
	}
	serve := s.http.Serve
	if s.http.TLSConfig != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the mock providers: %w", err)
	}
	return nil
}

// Close stops the server: calls that hang or wait are answered now, new ones
// are not taken. It waits for those under way until ctx ends, then breaks them.
func (s *Server) Close(ctx context.Context) error {
	s.closed.Do(func() { close(s.closing) })
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}
