package provider_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
)

// TestConnectionsAreBoundedAndReused: many sends at a time share few
// connections, and later ones open no more.
func TestConnectionsAreBoundedAndReused(t *testing.T) {
	const limit = 3
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			_, url := startMock(t, mockproviders.Options{})
			watch := &watch{}
			client := w.make(t, provider.Options{BaseURL: url, Connections: limit, Dial: watch.dial})
			for range 3 {
				var sends sync.WaitGroup
				for range 20 {
					sends.Go(func() { onlyClass(t, client.Send(t.Context(), messages(w.channel, 20)), pipeline.Sent) })
				}
				sends.Wait()
			}
			if most, opened := watch.most.Load(), watch.opened.Load(); most > limit || opened > limit {
				t.Errorf("%d connections were open at a time and %d opened, with a limit of %d", most, opened, limit)
			}
			client.Close()
		})
	}
}

// TestUnpooledConnectionsCarryOneCall: each call makes a connection of its own,
// but where calls share them.
func TestUnpooledConnectionsCarryOneCall(t *testing.T) {
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			_, url := startMock(t, mockproviders.Options{})
			watch := &watch{}
			client := w.make(t, provider.Options{BaseURL: url, Unpooled: true, Dial: watch.dial})
			const calls = 3
			for range calls {
				onlyClass(t, client.Send(t.Context(), messages(w.channel, 1)), pipeline.Sent)
			}
			want := int64(calls)
			if shared := w.name == "fcm single" || w.name == "apns"; shared {
				want = 1
			}
			if opened := watch.opened.Load(); int64(opened) != want {
				t.Errorf("%d connections for %d calls, want %d", opened, calls, want)
			}
			client.Close()
		})
	}
}

// startHTTP2 serves FCM's single wire over HTTP/2, with so many calls at a time
// on a connection.
func startHTTP2(t *testing.T, streams int, handler func()) string {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		handler()
		_, _ = io.WriteString(w, fcmSent)
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// TestFullConnectionsAreJoinedByOthers: when a connection is full another is
// made, up to the bound; the rest waits.
func TestFullConnectionsAreJoinedByOthers(t *testing.T) {
	const streams, limit = 100, 3
	var calls atomic.Int64
	full := make(chan struct{})
	url := startHTTP2(t, streams, func() {
		if calls.Add(1) == streams*limit {
			close(full)
		}
		<-full // the first calls end together, on as many connections as there may be
	})
	watch := &watch{}
	client := newFCM(t, provider.Options{BaseURL: url, Connections: limit, Dial: watch.dial}, provider.Single)
	for range 3 {
		onlyClass(t, client.Send(t.Context(), messages(pipeline.Push, 500)), pipeline.Sent)
	}
	if opened := watch.opened.Load(); opened != limit {
		t.Errorf("%d connections were opened, want %d", opened, limit)
	}
}

// TestAFewCallsAtATime: a server that allows fewer calls on a connection than
// it had already when it said so stalls nothing.
func TestAFewCallsAtATime(t *testing.T) {
	url := startHTTP2(t, 2, func() {})
	client := newFCM(t, provider.Options{BaseURL: url, Connections: 4}, provider.Single)
	for range 3 {
		for i, a := range client.Send(t.Context(), messages(pipeline.Push, 300)) {
			if strings.Contains(a.Error, "in time") {
				t.Fatalf("answer %d is %+v", i, a)
			}
		}
	}
	onlyClass(t, client.Send(t.Context(), messages(pipeline.Push, 300)), pipeline.Sent) // by now it is known
}

// TestIdleConnectionsAreClosed: by us, before a server would.
func TestIdleConnectionsAreClosed(t *testing.T) {
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mock, err := mockproviders.New(mockproviders.Options{})
				if err != nil {
					t.Fatal(err)
				}
				listener := newPipes()
				served := make(chan error, 1)
				go func() { served <- mock.Serve(listener) }()
				watch := &watch{inner: listener.dial}
				client := w.make(t, provider.Options{BaseURL: "http://127.0.0.1", Dial: watch.dial})
				onlyClass(t, client.Send(t.Context(), messages(w.channel, 2)), pipeline.Sent)
				time.Sleep(30 * time.Second)
				if watch.open.Load() == 0 {
					t.Error("a connection that was just used is closed")
				}
				time.Sleep(30 * time.Second)
				if open := watch.open.Load(); open != 0 {
					t.Errorf("%d idle connections are open", open)
				}
				onlyClass(t, client.Send(t.Context(), messages(w.channel, 2)), pipeline.Sent)
				client.Close()
				if err := errors.Join(mock.Close(context.Background()), <-served); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestMetricsCountConnections, opened and closed.
func TestMetricsCountConnections(t *testing.T) {
	everyWire(t, func(t *testing.T, w wire, _ sender, _ *mockproviders.Server) {
		_, url := startMock(t, mockproviders.Options{})
		registry := prometheus.NewPedanticRegistry()
		metrics := telemetry.New(registry)
		client := w.make(t, provider.Options{BaseURL: url, Metrics: metrics.Provider("p")})
		onlyClass(t, client.Send(t.Context(), messages(w.channel, 1)), pipeline.Sent)
		if got := gathered(t, registry, "notifyctl_provider_open_connections"); got != 1 {
			t.Errorf("%v connections are open, want 1", got)
		}
		client.Close()
		if got := gathered(t, registry, "notifyctl_provider_opened_connections_total"); got != 1 {
			t.Errorf("%v connections were opened, want 1", got)
		}
	})
}

// gathered is the value of a metric without regard to its labels.
func gathered(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			m := family.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// watch counts the connections that it dials.
type watch struct {
	inner        func(ctx context.Context, network, address string) (net.Conn, error)
	open, opened atomic.Int64
	most         atomic.Int64
}

func (w *watch) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dial := w.inner
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.opened.Add(1)
	for n := w.open.Add(1); ; {
		most := w.most.Load()
		if n <= most || w.most.CompareAndSwap(most, n) {
			break
		}
	}
	return &watchedConn{Conn: conn, watch: w}, nil
}

type watchedConn struct {
	net.Conn
	once  sync.Once
	watch *watch
}

func (c *watchedConn) Close() error {
	c.once.Do(func() { c.watch.open.Add(-1) })
	return c.Conn.Close()
}
