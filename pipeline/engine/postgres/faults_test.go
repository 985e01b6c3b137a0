package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/postgres"
)

// used is how often a server has begun to read the preferences by a query of
// ours: by it a test knows who answered.
func used(t *testing.T, s *server) int {
	t.Helper()
	conn := primaryOrReplica(t, s)
	var n int
	if err := conn.QueryRow(context.Background(), "SELECT coalesce(sum(coalesce(idx_scan, 0) + seq_scan), 0) FROM pg_stat_user_tables WHERE relname = 'preferences'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// awaitReplicas waits until a set sees so many replicas.
func awaitReplicas(t *testing.T, set *postgres.Shards, want int) {
	t.Helper()
	awaitRoles(t, set, want, "replica")
}

func awaitRoles(t *testing.T, set *postgres.Shards, want int, role string) {
	t.Helper()
	eventually(t, fmt.Sprint(want, " hosts become ", role), func() error {
		n := 0
		for _, host := range set.Hosts() {
			if host.Role == role {
				n++
			}
		}
		if n != want {
			return fmt.Errorf("%+v", set.Hosts())
		}
		return nil
	})
}

// Whatever a replica is behind by, no read that begins after a write has
// returned misses it, and replicas that have come far enough are read.
func TestAPausedReplicaGivesNoOldValue(t *testing.T) {
	primary := newPrimary(t)
	replica := newReplica(t, primary)
	set := open(t, dsn(replica, primary)) // in any order
	s := openStore(t, set)
	awaitReplicas(t, set, 1)
	write(t, s, "ada", "0")
	eventually(t, "the replica is read", func() error {
		wantText(t, s, "ada", "0")
		if used(t, replica) == 0 {
			return errors.New("it is not")
		}
		return nil
	})
	for i := range 20 {
		if i%5 == 0 {
			replica.sql("SELECT pg_wal_replay_pause()")
		}
		text := fmt.Sprint("paused ", i)
		write(t, s, "ada", text)
		wantText(t, s, "ada", text)
		if i%5 == 3 {
			replica.sql("SELECT pg_wal_replay_resume()")
		}
	}
}

// With writers, readers and a replica whose replay stops and goes on, every
// answer is one between what was written before it was asked and after.
func TestReadsAreNeverOldUnderLoad(t *testing.T) {
	primary := newPrimary(t)
	replica := newReplica(t, primary)
	set := open(t, dsn(primary, replica))
	s := openStore(t, set)
	awaitReplicas(t, set, 1)
	const users = 4
	var begun, done [users]atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for u := range users {
		user := fmt.Sprint("user", u)
		write(t, s, user, "0")
		wg.Go(func() {
			for ctx.Err() == nil {
				n := begun[u].Add(1)
				if err := s.Write(context.Background(), []pipeline.Preference{{PreferenceKey: email(user), Addresses: []string{fmt.Sprint(n)}}}); err != nil {
					t.Error(err)
				}
				done[u].Store(n)
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil {
				least := done[u].Load()
				got, err := s.Read(context.Background(), []pipeline.PreferenceKey{email(user)})
				most := begun[u].Load()
				var n int64
				if err == nil {
					_, err = fmt.Sscan(got[0].Addresses[0], &n)
				}
				if err != nil || n < least || n > most {
					t.Errorf("%s has %+v, %v, want %d to %d", user, got, err, least, most)
				}
			}
		})
	}
	for range 5 {
		replica.sql("SELECT pg_wal_replay_pause()")
		before := done[0].Load()
		eventually(t, "writes go on", func() error {
			if done[0].Load() < before+20 {
				return errors.New("they do not")
			}
			return nil
		})
		replica.sql("SELECT pg_wal_replay_resume()")
	}
	stop()
	wg.Wait()
}

func TestAReplicaThatIsAway(t *testing.T) {
	primary := newPrimary(t)
	replica := newReplica(t, primary)
	set := open(t, dsn(primary, replica))
	s := openStore(t, set)
	for name, away := range map[string]func(bool){
		"killed": func(away bool) {
			if away {
				replica.crash()
			} else {
				replica.start()
			}
		},
		"hanging": replica.hang,
	} {
		t.Run(name, func(t *testing.T) {
			awaitReplicas(t, set, 1)
			write(t, s, "ada", name)
			wantText(t, s, "ada", name)
			away(true)
			for i := range 50 {
				text := fmt.Sprint(name, i)
				write(t, s, "ada", text)
				wantText(t, s, "ada", text)
			}
			awaitReplicas(t, set, 0)
			away(false)
			awaitReplicas(t, set, 1)
			before := used(t, replica)
			eventually(t, "the replica is read again", func() error {
				wantText(t, s, "ada", fmt.Sprint(name, 49))
				if used(t, replica) <= before {
					return errors.New("it is not")
				}
				return nil
			})
		})
	}
}

// While the primary is away, replicas answer that have all that this process
// knows of, and writes fail at once; a promoted replica takes over, and the old
// primary gets no say any more.
func TestFailover(t *testing.T) {
	primary := newPrimary(t)
	behind := newReplica(t, primary)
	next := newReplica(t, primary)
	set := open(t, dsn(primary, behind, next))
	s := openStore(t, set)
	awaitReplicas(t, set, 2)
	write(t, s, "ada", "old")
	behind.sql("SELECT pg_wal_replay_pause()")
	eventually(t, "the replay is paused", func() error {
		return behind.check("SELECT pg_get_wal_replay_pause_state() = 'paused'")
	})
	write(t, s, "ada", "before")
	eventually(t, "the other replica has it", func() error {
		return next.check("SELECT addresses = '{before}' FROM preferences")
	})
	primary.crash()
	for range 20 {
		wantText(t, s, "ada", "before")
	}
	started := time.Now()
	err := s.Write(t.Context(), []pipeline.Preference{{PreferenceKey: email("ada")}})
	if took := time.Since(started); !errors.Is(err, pipeline.ErrUnavailable) || !strings.Contains(err.Error(), "no primary") || strings.Contains(err.Error(), "\n") || took > 10*time.Second {
		t.Errorf("without a primary a write gets %v after %v", err, took)
	}
	if err := set.Check(); err == nil || !strings.Contains(err.Error(), "shard 0") {
		t.Errorf("without a primary: %v", err)
	}
	if _, _, err := set.Alone(t.Context()); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("without a primary users may be moved: %v", err)
	}
	next.sql("SELECT pg_promote()")
	awaitRoles(t, set, 1, "primary")
	write(t, s, "ada", "after")
	wantText(t, s, "ada", "after")
	if err := set.Check(); err != nil {
		t.Error(err)
	}
	// The lock is on the new primary.
	eventually(t, "the session is on the new primary", func() error {
		_, release, err := set.Alone(t.Context())
		if err == nil {
			release()
		}
		return err
	})
	// The old primary comes back and takes writes: it is not asked. Nor is the
	// replica that did not follow the new one.
	primary.start()
	behind.sql("SELECT pg_wal_replay_resume()")
	for i := range 30 {
		text := fmt.Sprint("after", i)
		write(t, s, "ada", text)
		wantText(t, s, "ada", text)
	}
	if err := primary.check("SELECT addresses = '{before}' FROM preferences"); err != nil {
		t.Error(err)
	}
	for _, host := range set.Hosts() {
		if host.Role == "primary" && !strings.HasSuffix(host.Name, fmt.Sprint(next.port)) {
			t.Errorf("the primary is %+v", host)
		}
	}
}

// A server that takes writes and is another's, or a copy of ours, is refused.
func TestTwoPrimaries(t *testing.T) {
	one, two := newPrimary(t), newPrimary(t)
	var j journal
	_, err := tryOpen(t, j.log(), dsn(one, two))
	if err == nil || !strings.Contains(err.Error(), "both take writes") {
		t.Errorf("two primaries are taken: %v", err)
	}
	// A replica of another primary has another lineage, however far it is.
	foreign := newReplica(t, two)
	set := open(t, dsn(one, foreign))
	s := openStore(t, set)
	openStore(t, open(t, dsn(two))) // it has the same tables
	two.sql("SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000)) FROM generate_series(1, 20)")
	for i := range 20 {
		write(t, s, "ada", fmt.Sprint(i))
		wantText(t, s, "ada", fmt.Sprint(i))
	}
}

func TestAFailoverThatMayLoseAnswersIsSaid(t *testing.T) {
	primary := newPrimary(t)
	replica := newReplica(t, primary)
	const warning = "a failover to a replica may lose opt-outs"
	for _, c := range []struct {
		standbys, commit string
		warned           bool
	}{{"", "on", true}, {"*", "on", false}, {"*", "local", true}} {
		primary.sql(fmt.Sprintf("ALTER SYSTEM SET synchronous_standby_names = '%s'", c.standbys), fmt.Sprintf("ALTER SYSTEM SET synchronous_commit = '%s'", c.commit), "SELECT pg_reload_conf()")
		eventually(t, "the setting is there", func() error {
			return primary.check(fmt.Sprintf("SELECT current_setting('synchronous_commit') = '%s' AND current_setting('synchronous_standby_names') = '%s'", c.commit, c.standbys))
		})
		var j journal
		if _, err := tryOpen(t, j.log(), dsn(primary, replica)); err != nil {
			t.Fatal(err)
		}
		if j.has(warning) != c.warned {
			t.Errorf("%+v: warned: %v", c, j.has(warning))
		}
	}
}
