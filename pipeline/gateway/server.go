package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// Limits of a server's connections.
const (
	maxConnections = 4096
	maxHeaderBytes = 16 << 10
	headerTimeout  = 5 * time.Second
	// readTimeout bounds a whole request. A body that is read has a shorter
	// time of its own; this one ends a connection whose request was refused
	// before its body came.
	readTimeout = 30 * time.Second
	idleTimeout = 2 * time.Minute
	// maxHTTP2Streams bounds the requests that one HTTP/2 connection has in
	// progress.
	maxHTTP2Streams = 128
	// writeTimeout bounds an answer from the end of its request's header: the
	// body's time, the commit's, and a slow reader's.
	writeTimeout = time.Minute
)

// Server serves a gateway on a listener. It is started once; draining it twice
// is fine.
type Server struct {
	gateway *Gateway
	http    *http.Server
	done    chan struct{}
	err     error // of serving; read after done
}

// NewServer makes a server that is not started yet.
func NewServer(g *Gateway) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &Server{
		gateway: g,
		http: &http.Server{
			Handler:                      g,
			ReadHeaderTimeout:            headerTimeout,
			ReadTimeout:                  readTimeout,
			IdleTimeout:                  idleTimeout,
			WriteTimeout:                 writeTimeout,
			MaxHeaderBytes:               maxHeaderBytes,
			DisableGeneralOptionsHandler: true,
			Protocols:                    protocols,
			ErrorLog:                     slog.NewLogLogger(g.cfg.Logger.Handler(), slog.LevelDebug),
		},
		done: make(chan struct{}),
	}
}

// Front puts a handler before the gateway, such as a load balancer that ends at
// it. It is called before Start, if at all.
func (s *Server) Front(h http.Handler) { s.http.Handler = h }

// Secure lets connections be TLS alone, and HTTP/2 where a client speaks it. It
// is called before Start, if at all.
func (s *Server) Secure(c *tls.Config) {
	s.http.TLSConfig = c
	s.http.Protocols.SetHTTP2(true)
	s.http.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: maxHTTP2Streams}
}

// Start serves on a listener, which the server closes.
func (s *Server) Start(l net.Listener) {
	l = netutil.LimitListener(l, maxConnections)
	go func() {
		defer close(s.done)
		serve := s.http.Serve
		if s.http.TLSConfig != nil {
			serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
		}
		err := serve(l)
		if !errors.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err)
		}
	}()
}

// Done is closed when the server takes no more connections: it is being
// drained, or it failed, which Drain then tells.
func (s *Server) Done() <-chan struct{} { return s.done }

// Drain stops a started server: it is not ready any more, takes no submission
// and no connection, and ends when the requests in progress are answered. When
// ctx ends first, they are cut off, and the error says so. The error of a
// server that had stopped by itself is returned here.
func (s *Server) Drain(ctx context.Context) error {
	s.gateway.drain()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("requests in progress were cut off: %w", errors.Join(err, s.http.Close()))
	}
	<-s.done
	return errors.Join(err, s.err)
}
