package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/engine/postgres"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

func TestConformance(t *testing.T) {
	pipelinetest.PreferenceStore(t, func(t *testing.T) pipeline.PreferenceStore {
		set := open(t, shared(t, 1)...)
		store, err := set.Open(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}

func TestShardsConform(t *testing.T) {
	pipelinetest.PreferenceShards(t, func(t *testing.T) func() pipeline.PreferenceShards {
		dsns := shared(t, 5)
		return func() pipeline.PreferenceShards {
			set, err := postgres.OpenShards(context.Background(), postgres.Config{DSNs: dsns, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			return set
		}
	})
}

// Who was erased and comes back has a version above, whatever the clocks say.
func TestVersionsGrowAgainstTheClock(t *testing.T) {
	s := openStore(t, open(t, shared(t, 1)...))
	ahead := time.Now().Add(time.Hour).UnixMicro()
	if err := s.Import(t.Context(), []pipeline.Preference{{PreferenceKey: email("ada"), Version: ahead}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Erase(t.Context(), []string{"ada"}); err != nil {
		t.Fatal(err)
	}
	write(t, s, "ada", "a")
	write(t, s, "bob", "b")
	got, err := s.Read(t.Context(), []pipeline.PreferenceKey{email("ada"), email("bob")})
	if err != nil || len(got) != 2 || got[0].Version <= ahead || got[1].Version <= ahead {
		t.Errorf("got %+v, %v, want versions above %d", got, err, ahead)
	}
}

// Slices that overlap in any order are written without a deadlock, and of a key
// that stands twice the last counts.
func TestOverlappingWrites(t *testing.T) {
	s := openStore(t, open(t, shared(t, 1)...))
	var wg sync.WaitGroup
	for w := range 4 { // they wait for each other, and each for no longer than a call may take
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(w)))
			for range 6 {
				var rows []pipeline.Preference
				for _, i := range random.Perm(50) {
					rows = append(rows, pipeline.Preference{PreferenceKey: email(fmt.Sprint("u", i))})
				}
				rows = append(rows, pipeline.Preference{PreferenceKey: email("u7"), Promotional: true})
				if err := s.Write(context.Background(), rows); err != nil {
					t.Error(err)
				}
				if err := s.Erase(context.Background(), []string{"u49", "u1", "u30"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, err := s.Read(t.Context(), []pipeline.PreferenceKey{email("u7")}); err != nil || len(got) != 1 || !got[0].Promotional {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Two processes over the same shards, with caches that tell each other.
func TestTwoProcesses(t *testing.T) {
	dsns := shared(t, 3)
	bus, log := memory.NewBus(), slog.New(slog.DiscardHandler)
	l2 := memory.NewPreferences(time.Minute, 1<<20)
	var services [2]*preference.Service
	for i := range services {
		shards, err := preference.OpenShards(t.Context(), openUnclosed(t, dsns), pipeline.Placement{Shards: 2, Sharding: pipeline.JumpHash}, log)
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, shards)
		services[i], err = preference.NewService(t.Context(), shards, l2, preference.Options{Entries: 10, Bus: bus, Subject: pipeline.SubjectPreferences})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(services[i].Close)
		if err := shards.Reshard(t.Context(), 3-i); i == 1 && !errors.Is(err, pipeline.ErrShardsInUse) {
			t.Errorf("beside another process: %v", err)
		} else if i == 0 {
			if err != nil {
				t.Fatal(err)
			}
			if p, err := shards.AwaitMove(t.Context()); err != nil || p.Phase != preference.MoveDone {
				t.Fatalf("alone: %+v, %v", p, err)
			}
		}
	}
	for i := range 60 {
		user := fmt.Sprint("user", i)
		for turn, s := range services {
			p := pipeline.Preference{PreferenceKey: email(user), Promotional: turn == 0}
			if err := s.Put(t.Context(), []pipeline.Preference{p}); err != nil {
				t.Fatal(err)
			}
			for _, reader := range services {
				var got [1]pipeline.Preference
				err := reader.Lookup(t.Context(), []pipeline.PreferenceKey{email(user)}, got[:])
				if err != nil || got[0].Promotional != p.Promotional {
					t.Fatalf("%s has %+v, %v", user, got, err)
				}
			}
		}
	}
}

// openUnclosed opens shards that their user closes.
func openUnclosed(t *testing.T, dsns []string) *postgres.Shards {
	t.Helper()
	set, err := postgres.OpenShards(t.Context(), postgres.Config{DSNs: dsns, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// primaryAlone is the address of the host that takes writes.
func primaryAlone(t testing.TB, dsn string) string {
	t.Helper()
	conn := primary(t, dsn)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = fmt.Sprintf("%s:%d", conn.Config().Host, conn.Config().Port)
	return u.String()
}

// BenchmarkStore reads and writes on the engine that tests share: the primary
// alone, and with its replicas, which are read where they have come far enough.
func BenchmarkStore(b *testing.B) {
	const users = 20_000
	for _, hosts := range []string{"primary", "replicas"} {
		dsn := pipelinetest.Engine(b, "postgres-0")
		if hosts == "primary" {
			dsn = primaryAlone(b, dsn)
		}
		s := openStore(b, open(b, newSchemas(b, dsn, 1)...))
		rows := make([]pipeline.Preference, users)
		for i := range rows {
			rows[i] = pipeline.Preference{PreferenceKey: email(fmt.Sprintf("user-%08d", i)), Addresses: []string{"ada@example.com"}}
		}
		for from := 0; from < users; from += 1000 {
			if err := s.Write(context.Background(), rows[from:from+1000]); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(hosts+"/read=100", func(b *testing.B) {
			b.ReportAllocs()
			keys := make([]pipeline.PreferenceKey, 100)
			for b.Loop() {
				for i := range keys {
					keys[i] = rows[rand.IntN(users)].PreferenceKey
				}
				if _, err := s.Read(context.Background(), keys); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(hosts+"/read=100/parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				keys := make([]pipeline.PreferenceKey, 100)
				for pb.Next() {
					for i := range keys {
						keys[i] = rows[rand.IntN(users)].PreferenceKey
					}
					if _, err := s.Read(context.Background(), keys); err != nil {
						b.Error(err)
					}
				}
			})
		})
		for _, n := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/write=%d", hosts, n), func(b *testing.B) {
				for b.Loop() {
					from := rand.IntN(users - n)
					if err := s.Write(context.Background(), rows[from:from+n]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
