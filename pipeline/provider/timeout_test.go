package provider_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
)

// pipes is a listener without a network, on which virtual time can pass.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (*pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inVirtualTime runs a test on every wire, against mocks without a network.
func inVirtualTime(t *testing.T, o mockproviders.Options, test func(t *testing.T, w wire, client sender, mock *mockproviders.Server)) {
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mock, err := mockproviders.New(o)
				if err != nil {
					t.Fatal(err)
				}
				listener := newPipes()
				served := make(chan error, 1)
				go func() { served <- mock.Serve(listener) }()
				client := w.make(t, provider.Options{BaseURL: "http://127.0.0.1", Dial: listener.dial})
				test(t, w, client, mock)
				client.Close()
				if err := mock.Close(context.Background()); err != nil {
					t.Error(err)
				}
				if err := <-served; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestLatencyIsWaitedFor: a call takes what the reference says.
func TestLatencyIsWaitedFor(t *testing.T) {
	inVirtualTime(t, mockproviders.Options{Latency: mockproviders.ReferenceLatency()}, func(t *testing.T, w wire, client sender, _ *mockproviders.Server) {
		began := time.Now()
		onlyClass(t, client.Send(t.Context(), messages(w.channel, 1)), pipeline.Sent)
		if took := time.Since(began); took < 60*time.Millisecond || took > 170*time.Millisecond {
			t.Errorf("one message took %v", took)
		}
	})
}

// TestHangIsAmbiguous: who does not answer within the read timeout may have
// accepted.
func TestHangIsAmbiguous(t *testing.T) {
	faults := mockproviders.Script{Faults: []mockproviders.Fault{{Kind: mockproviders.Hang}}}
	inVirtualTime(t, mockproviders.Options{Faults: faults}, func(t *testing.T, w wire, client sender, _ *mockproviders.Server) {
		began := time.Now()
		onlyClass(t, client.Send(t.Context(), messages(w.channel, 3)), pipeline.Ambiguous)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it was waited for %v, want the read timeout of 5s", took)
		}
	})
}

// TestDripIsBounded: an answer that comes byte by byte is not waited for longer
// than one that does not come. What the status says already, counts.
func TestDripIsBounded(t *testing.T) {
	faults := mockproviders.Script{Faults: []mockproviders.Fault{{Kind: mockproviders.Drip, Delay: mockproviders.Duration(time.Hour)}}}
	inVirtualTime(t, mockproviders.Options{Faults: faults}, func(t *testing.T, w wire, client sender, _ *mockproviders.Server) {
		began := time.Now()
		answers := client.Send(t.Context(), messages(w.channel, 3))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it was waited for %v", took)
		}
		want := pipeline.Sent
		if w.results {
			want = pipeline.Ambiguous
		}
		onlyClass(t, answers, want)
	})
}

// TestSlowAnswerWithinTheTimeout is waited for.
func TestSlowAnswerWithinTheTimeout(t *testing.T) {
	faults := mockproviders.Script{Faults: []mockproviders.Fault{{Kind: mockproviders.Slow, Delay: mockproviders.Duration(4 * time.Second)}}}
	inVirtualTime(t, mockproviders.Options{Faults: faults}, func(t *testing.T, w wire, client sender, _ *mockproviders.Server) {
		onlyClass(t, client.Send(t.Context(), messages(w.channel, 2)), pipeline.Sent)
	})
}

// TestFaultsKeepTheirTimes: an outage begins and ends when the script says.
func TestFaultsKeepTheirTimes(t *testing.T) {
	faults := mockproviders.Script{Faults: []mockproviders.Fault{{
		Kind: mockproviders.Outage, At: mockproviders.Duration(10 * time.Second), For: mockproviders.Duration(30 * time.Second),
	}}}
	inVirtualTime(t, mockproviders.Options{Faults: faults}, func(t *testing.T, w wire, client sender, _ *mockproviders.Server) {
		for _, step := range []struct {
			wait time.Duration
			want pipeline.AnswerClass
		}{
			{0, pipeline.Sent},
			{9 * time.Second, pipeline.Sent},
			{time.Second, pipeline.Transient},
			{29 * time.Second, pipeline.Transient},
			{time.Second, pipeline.Sent},
		} {
			time.Sleep(step.wait)
			onlyClass(t, client.Send(t.Context(), messages(w.channel, 2)), step.want)
		}
	})
}

// TestCannotConnect: a connection that does not come about within the connect
// timeout sent nothing.
func TestCannotConnect(t *testing.T) {
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := w.make(t, provider.Options{BaseURL: "http://127.0.0.1", Dial: newPipes().dial})
				began := time.Now()
				onlyClass(t, client.Send(t.Context(), messages(w.channel, 3)), pipeline.Transient)
				if took := time.Since(began); took != 2*time.Second {
					t.Errorf("it was waited for %v, want the connect timeout of 2s", took)
				}
			})
		})
	}
}

// TestNeverWrittenInWhole: a peer that stops reading in the middle of the
// request cannot have processed it.
func TestNeverWrittenInWhole(t *testing.T) {
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := newPipes()
				var peers sync.WaitGroup
				peers.Go(func() {
					for {
						conn, err := listener.Accept()
						if err != nil {
							return
						}
						peers.Go(func() {
							_, _ = io.CopyN(io.Discard, conn, 40) // less than the head of a request
							<-listener.closed
							_ = conn.Close()
						})
					}
				})
				client := w.make(t, provider.Options{BaseURL: "http://127.0.0.1", Dial: listener.dial})
				onlyClass(t, client.Send(t.Context(), messages(w.channel, 2)), pipeline.Transient)
				_ = listener.Close()
				peers.Wait()
			})
		})
	}
}

// TestShutdownWhileWaiting: whoever gives up on a request that was written does
// not know what became of it.
func TestShutdownWhileWaiting(t *testing.T) {
	inVirtualTime(t, mockproviders.Options{Latency: mockproviders.FixedLatency(2 * time.Second)}, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		onlyClass(t, client.Send(ctx, messages(w.channel, 2)), pipeline.Ambiguous)
		if sends := mock.Ledger().Totals().Total.Sends; sends != 2 {
			t.Errorf("the provider accepted %d of 2 before it was given up on", sends)
		}
	})
}
