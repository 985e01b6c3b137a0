package kafka

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
	kafkago "github.com/segmentio/kafka-go"
)

// inEngine is a configuration of a log of the test's own in the real brokers,
// under one of their addresses.
func inEngine(t testing.TB, name string) Config {
	t.Helper()
	address, err := ParseAddress(pipelinetest.Engine(t, name))
	if err != nil {
		t.Fatal(err)
	}
	address.Prefix = "test-" + strings.ToLower(rand.Text()[:10])
	return Config{
		Address: address, Partitions: 4, Replication: 3, MinISR: 2,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// mustOpen opens a log; when the test ends its topics are deleted.
func mustOpen(t testing.TB, cfg Config) *Log {
	t.Helper()
	l, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		// Of a broker that was ended meanwhile, a connection may be left to find out by.
		_, err := backoff.Retry(ctx, func() (*kafkago.DeleteTopicsResponse, error) {
			return l.client().DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Addr: l.addr, Topics: l.topics.names})
		}, backoff.WithMaxTries(4))
		if err != nil {
			t.Errorf("delete the topics: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

func BenchmarkAppend(b *testing.B) {
	const slice = 100
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			cfg := inEngine(b, "kafka")
			cfg.Log = nil
			l := mustOpen(b, cfg)
			var entries [][]pipeline.LogEntry
			for i := range callers {
				var mine []pipeline.LogEntry
				for j := range slice {
					mine = append(mine, testEntry(pipeline.Queues()[(i+j)%9], uint32(i*slice+j)))
				}
				entries = append(entries, mine)
			}
			if err := l.Append(b.Context(), entries[0]); err != nil {
				b.Fatal(err)
			}
			before := processorTime(b)
			b.ReportAllocs()
			b.ResetTimer()
			var running sync.WaitGroup
			for i := range callers {
				running.Go(func() {
					for n := i; n < b.N; n += callers {
						if err := l.Append(b.Context(), entries[i]); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			running.Wait()
			records := float64(b.N * slice)
			b.ReportMetric(records/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(processorTime(b)-before)/records, "cpu-ns/record")
		})
	}
}

// processorTime is what the process has used of the processor, in ns.
func processorTime(b *testing.B) int64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

func TestEngineAppends(t *testing.T) {
	l := mustOpen(t, inEngine(t, "kafka"))
	var calls sync.WaitGroup
	all := make([][]pipeline.LogEntry, 16)
	for i := range all {
		for j := range 200 {
			all[i] = append(all[i], testEntry(emailNormal(), uint32(i*200+j)))
		}
		calls.Go(func() {
			for slice := range slices.Chunk(all[i], 20) {
				if err := l.Append(t.Context(), slice); err != nil {
					t.Errorf("Append: %v", err)
				}
			}
		})
	}
	calls.Wait()
	stored := readQueue(t, l, emailNormal())
	for _, entries := range all {
		for i := range entries {
			if got := stored[entries[i].ID]; !reflect.DeepEqual(got, []entry{{LogEntry: entries[i]}}) {
				t.Fatalf("an entry is stored as %+v, want once %+v", got, entries[i])
			}
		}
	}
	if err := l.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	of := l.topics.main(emailNormal())
	if err := l.deleteRecords(t.Context(), map[topicPartition]int64{{of.name, 0}: 10, {of.name, 1}: 20}); err != nil {
		t.Errorf("deleteRecords: %v", err)
	}
	left := 0
	for _, copies := range readQueue(t, l, emailNormal()) {
		left += len(copies)
	}
	if want := 16*200 - 30; left != want {
		t.Errorf("%d entries are left, want %d", left, want)
	}
}

// A batch that is sent again under its sequence, over another connection, is
// known to the brokers, also when it had been written.
func TestEngineKnowsABatchAgain(t *testing.T) {
	cfg := inEngine(t, "kafka")
	network := &faultyNetwork{dial: new(net.Dialer).DialContext}
	cfg.Dial = network.Dial
	l := mustOpen(t, cfg)
	var entries []pipeline.LogEntry
	for i := range 120 {
		entries = append(entries, testEntry(emailNormal(), uint32(i)))
	}
	for slice := range slices.Chunk(entries, 10) {
		network.mute.Store(2)
		if err := l.Append(t.Context(), slice); err != nil {
			t.Fatalf("Append: %v", err)
		}
	}
	stored := readQueue(t, l, emailNormal())
	for i := range entries {
		if n := len(stored[entries[i].ID]); n != 1 {
			t.Errorf("entry %d is stored %d times", i, n)
		}
	}
}

func TestEngineAuthenticates(t *testing.T) {
	for _, mechanism := range []string{Plain, SCRAMSHA256, SCRAMSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			cfg := inEngine(t, "kafka-sasl")
			cfg.SASL.Mechanism = mechanism
			l := mustOpen(t, cfg)
			if err := l.Append(t.Context(), []pipeline.LogEntry{testEntry(emailNormal(), 1)}); err != nil {
				t.Errorf("Append: %v", err)
			}
		})
	}
}

func TestEngineRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		engine string
		change func(*Config)
		want   []string
	}{
		"a wrong password": {"kafka-sasl", func(cfg *Config) { cfg.SASL.Mechanism, cfg.SASL.Password = SCRAMSHA512, "wrong" }, []string{"or its password is not accepted (scram-sha-512)"}},
		"a wrong password in plain": {
			"kafka-sasl", func(cfg *Config) { cfg.SASL.Mechanism, cfg.SASL.Password = Plain, "wrong" }, []string{"or its password is not accepted (plain)"},
		},
		"a password where none is taken": {
			"kafka", func(cfg *Config) { cfg.SASL = &SASL{Mechanism: Plain, User: "notify", Password: "wrong"} }, []string{"take no user and password"},
		},
		"plain text to TLS": {"kafka-tls", func(cfg *Config) { cfg.TLS = nil }, []string{"speaks TLS", "tls=true"}},
		"TLS to plain text": {"kafka", func(cfg *Config) { cfg.TLS = &tls.Config{} }, []string{"speaks in plain", "leave out tls=true"}},
		"an unknown authority": {
			"kafka-tls", func(cfg *Config) { cfg.TLS = &tls.Config{RootCAs: x509.NewCertPool()} }, []string{"certificate", "ca="},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := inEngine(t, c.engine)
			c.change(&cfg)
			wantFault(t, cfg, true, c.want...)
		})
	}
	t.Run("no password", func(t *testing.T) {
		cfg := inEngine(t, "kafka-sasl")
		cfg.SASL = nil
		wantFault(t, cfg, false, "want a user and password")
	})
	t.Run("nobody listens", func(t *testing.T) {
		cfg := inEngine(t, "kafka")
		cfg.Brokers = []string{"127.0.0.1:1"}
		wantFault(t, cfg, false, "kafka at 127.0.0.1:1: ", "connection refused", "start the brokers")
	})
	t.Run("too few partitions", func(t *testing.T) {
		cfg := inEngine(t, "kafka")
		mustOpen(t, cfg)
		cfg.Partitions++
		wantFault(t, cfg, true, "deployment.partitions is 5", " has 4, and 14 more have too few;", "--partitions 5 ", "--set deployment.partitions=4")
	})
}

// wantFault opens a log that cannot be, and looks for texts in the error.
func wantFault(t *testing.T, cfg Config, permanent bool, want ...string) {
	t.Helper()
	l, err := Open(t.Context(), cfg)
	if err == nil {
		_ = l.Close()
		t.Fatal("Open succeeded")
	}
	var fault *pipeline.EngineError
	if !errors.As(err, &fault) || fault.Engine != pipeline.EngineKafka || fault.Permanent != permanent {
		t.Errorf("Open = %#v, want an error of kafka, permanent %t", err, permanent)
	}
	for _, text := range append(want, "kafka at "+cfg.Brokers[0]) {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("Open = %q, which does not say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("Open = %q, want one line without the password", err)
	}
}
