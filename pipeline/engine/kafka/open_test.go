package kafka

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestOpenMakesTopics(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		for _, name := range f.log.topics.names {
			info := f.cluster.TopicInfo(name)
			if info == nil {
				t.Fatalf("the topic %s was not made", name)
			}
			if got := len(f.cluster.PartitionInfos(name)); got != 4 || info.NumReplicas != 3 {
				t.Errorf("%s has %d partitions and %d replicas, want 4 and 3", name, got, info.NumReplicas)
			}
			for setting, want := range map[string]string{cleanupPolicy: "delete", retentionMS: "-1", retentionBytes: "-1", minISR: "2"} {
				if got := info.Configs[setting]; got == nil || *got != want {
					t.Errorf("%s has %s=%v, want %s", name, setting, got, want)
				}
			}
		}
		for _, want := range []string{"notify.email.high", "notify.sms.low", "notify.push.retry.5s", "notify.push.retry.60s"} {
			if f.cluster.TopicInfo(want) == nil {
				t.Errorf("there is no topic %s", want)
			}
		}
	})
}

func TestOpenTakesTopicsThatHaveMorePartitions(t *testing.T) {
	inCluster(t, func(t *testing.T, f *fake) {
		if err := f.cluster.CreateTopic("notify.sms.high", 7, nil); err != nil {
			t.Fatal(err)
		}
		l, err := Open(t.Context(), f.config())
		if err != nil {
			t.Fatal(err)
		}
		if got := l.topics.main(pipeline.Queue{Channel: pipeline.SMS, Priority: pipeline.High}).partitions; got != 7 {
			t.Errorf("%d partitions are used, want the 7 that are there", got)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What a cluster is warned of, by what is in the log.
func TestOpenWarns(t *testing.T) {
	for name, c := range map[string]struct {
		replication int
		settings    map[string]string
		want        string
	}{
		"fewer brokers than replicas": {5, nil, "replicas=3 replicas_asked=5"},
		"records that age":            {3, map[string]string{retentionMS: "86400000"}, "topic=notify.sms.high lost_when_queued_for=24h0m0s"},
		"records that grow":           {3, map[string]string{retentionBytes: "1000"}, "topic=notify.sms.high lost_when_a_partition_holds_bytes=1000"},
		"fewer replicas in sync":      {3, map[string]string{minISR: "1"}, "topic=notify.sms.high in_sync=1 in_sync_asked=2"},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(t *testing.T, f *fake) {
				if c.settings != nil {
					if err := f.cluster.CreateTopic("notify.sms.high", 4, c.settings); err != nil {
						t.Fatal(err)
					}
				}
				var log bytes.Buffer
				cfg := f.config()
				cfg.Replication = c.replication
				cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
				l, err := Open(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if !strings.Contains(log.String(), c.want) {
					t.Errorf("the log says\n%s\nand not %q", log.String(), c.want)
				}
			})
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	speakTLS := []kfake.Opt{kfake.TLS(&tls.Config{Certificates: server.TLS.Certificates})}
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	wantPassword := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "notify", "right")}

	topic := func(partitions int32, settings map[string]string) func(*testing.T, *fake, *Config) {
		return func(t *testing.T, f *fake, _ *Config) {
			if err := f.cluster.CreateTopic("notify.sms.high", partitions, settings); err != nil {
				t.Fatal(err)
			}
		}
	}
	as := func(mechanism, password string) func(*testing.T, *fake, *Config) {
		return func(_ *testing.T, _ *fake, cfg *Config) {
			cfg.SASL = &SASL{Mechanism: mechanism, User: "notify", Password: password}
		}
	}
	for name, c := range map[string]struct {
		options   []kfake.Opt
		prepare   func(*testing.T, *fake, *Config)
		permanent bool
		want      []string
	}{
		"too few partitions": {
			nil, topic(3, nil), true,
			[]string{"deployment.partitions is 4, and the topic notify.sms.high has 3;", "--partitions 4 ", "--set deployment.partitions=3"},
		},
		"topics that are compacted": {
			nil, topic(4, map[string]string{cleanupPolicy: "compact"}), true,
			[]string{"notify.sms.high has cleanup.policy=compact", "--add-config cleanup.policy=delete"},
		},
		"batches that are refused": {
			nil, topic(4, map[string]string{maxMessageBytes: "65536"}), true,
			[]string{"notify.sms.high has max.message.bytes=65536", "--add-config max.message.bytes=1048576"},
		},
		"topics that may not be made": {
			nil, func(_ *testing.T, f *fake, _ *Config) {
				f.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: -1})
			}, true,
			[]string{"is missing and cannot be made", "Topic Authorization Failed", "4 partitions or more", "Create topics notify.*"},
		},
		"a network that is down": {
			nil, func(_ *testing.T, f *fake, _ *Config) { f.faults.down.Store(true) }, false,
			[]string{"connection refused", "see whether the brokers run"},
		},
		// The brokers in memory only hang up.
		"a wrong password":    {wantPassword, as(SCRAMSHA512, "wrong"), false, []string{"hang up on the user notify (scram-sha-512)"}},
		"another mechanism":   {wantPassword, as(Plain, "right"), false, []string{"hang up on the user notify (plain)"}},
		"a needless password": {nil, as(SCRAMSHA512, "right"), false, []string{"hang up on the user notify"}},
		"no password":         {wantPassword, nil, false, []string{"want a user and password", "kafka://USER:PASSWORD@"}},
		"plain text to TLS":   {speakTLS, nil, true, []string{"speaks TLS", "tls=true"}},
		"TLS to plain text": {
			nil, func(_ *testing.T, _ *fake, cfg *Config) { cfg.TLS = &tls.Config{RootCAs: trusted} }, true,
			[]string{"speaks in plain", "leave out tls=true"},
		},
		"an unknown authority": {
			speakTLS, func(_ *testing.T, _ *fake, cfg *Config) {
				cfg.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"}
			}, true,
			[]string{"certificate", "ca="},
		},
		"a drain time that is too long": {
			nil, func(_ *testing.T, _ *fake, cfg *Config) { cfg.DrainTime = cfg.SessionTimeout + 1<<40 }, true, []string{"drain time"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(t *testing.T, f *fake) {
				cfg := f.config()
				if c.prepare != nil {
					c.prepare(t, f, &cfg)
				}
				wantFault(t, cfg, c.permanent, c.want...)
			}, c.options...)
		})
	}
}

func TestOpenWithTLSAndPassword(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	for _, mechanism := range []string{Plain, SCRAMSHA256, SCRAMSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			inCluster(t, func(t *testing.T, f *fake) {
				cfg := f.config()
				cfg.TLS = &tls.Config{RootCAs: trusted, ServerName: "example.com"}
				cfg.SASL = &SASL{Mechanism: mechanism, User: "notify", Password: "right"}
				l, err := Open(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				if err := l.Append(t.Context(), f.entries(emailNormal(), 3)); err != nil {
					t.Errorf("Append: %v", err)
				}
				// A group's connections are given as long as all others.
				f.faults.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					time.Sleep(tlsDialTimeout / 2)
					return f.network.DialContext(ctx, network, address)
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if lease, err := l.Acquire(ctx, pipeline.Email); err != nil {
					t.Error(err)
				} else if err := lease.Close(ctx); err != nil {
					t.Error(err)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}, kfake.TLS(&tls.Config{Certificates: server.TLS.Certificates}), kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "notify", "right"))
		})
	}
}

// inCluster is as inFake, without a log in the cluster.
func inCluster(t *testing.T, test func(t *testing.T, f *fake), options ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, options...)
		defer f.cluster.Close()
		test(t, f)
	})
}

func TestCheck(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		if err := f.log.Check(t.Context()); err != nil {
			t.Errorf("Check of a cluster that is well = %v", err)
		}
		f.cluster.SetFollowers("notify.sms.high", 1, nil)
		f.faults.down.Store(true)
		if err := f.log.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "no broker answers") {
			t.Errorf("Check without a network = %v, want that no broker answers", err)
		}
		f.faults.down.Store(false)
		if err := f.log.Check(t.Context()); err != nil {
			t.Errorf("Check when the network is back = %v", err)
		}
	})
}

func TestDeleteRecords(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		if err := f.log.Append(t.Context(), f.entries(emailNormal(), 200)); err != nil {
			t.Fatal(err)
		}
		of := f.log.topics.main(emailNormal())
		before := map[topicPartition]int64{}
		for partition := range of.partitions {
			before[topicPartition{of.name, partition}] = int64(partition) + 3
		}
		if err := f.log.deleteRecords(t.Context(), before); err != nil {
			t.Fatalf("deleteRecords: %v", err)
		}
		for partition := range of.partitions {
			if got := f.cluster.PartitionInfo(of.name, partition).LogStartOffset; got != int64(partition)+3 {
				t.Errorf("partition %d starts at %d, want %d", partition, got, partition+3)
			}
		}
		err := f.log.deleteRecords(t.Context(), map[topicPartition]int64{{of.name, 0}: 1 << 40})
		if !errors.Is(err, kafkago.OffsetOutOfRange) || !strings.Contains(err.Error(), of.name+"/0") {
			t.Errorf("deleteRecords behind the end = %v, want that %s/0 has no such offset", err, of.name)
		}
	})
}
