package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

// cutOff ends the sessions that hold the lock on the shards of a schema, as a
// restart of the server does.
func cutOff(t *testing.T, dsn string) {
	t.Helper()
	conn := primary(t, dsn)
	// The key of an advisory lock stands in two halves.
	execute(t, conn, `SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = hashtextextended('notifyctl shards ' || current_schema(), 0)`)
}

var oneShard = pipeline.ShardLayout{Placement: pipeline.Placement{Shards: 1, Sharding: pipeline.JumpHash}} //nolint:gochecknoglobals // a constant

func TestAloneKeepsOthersOut(t *testing.T) {
	dsns := shared(t, 1)
	one, two := open(t, dsns...), open(t, dsns...)
	if _, _, err := one.Alone(t.Context()); !errors.Is(err, pipeline.ErrShardsInUse) {
		t.Errorf("beside another: %v", err)
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	var held context.Context
	var release func()
	eventually(t, "the other's session ends", func() (err error) {
		held, release, err = one.Alone(t.Context())
		return err
	})
	if _, _, err := one.Alone(t.Context()); !errors.Is(err, pipeline.ErrResharding) {
		t.Errorf("twice: %v", err)
	}
	_, err := tryOpen(t, slog.New(slog.DiscardHandler), dsns...)
	wantFault(t, err, false, "another process is moving users", "wait")
	if held.Err() != nil {
		t.Error("the hold has ended")
	}
	release()
	open(t, dsns...)
}

func TestALostSessionEndsTheHoldAndIsTakenAgain(t *testing.T) {
	dsns := shared(t, 1)
	set := open(t, dsns...)
	s := openStore(t, set)
	if _, err := set.Layout(t.Context(), oneShard.Placement); err != nil {
		t.Fatal(err)
	}
	held, release, err := set.Alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	cutOff(t, dsns[0])
	<-held.Done()
	eventually(t, "the lock is taken again", func() error {
		_, release, err := set.Alone(t.Context())
		if err == nil {
			release()
		}
		return err
	})
	write(t, s, "ada", "x")
	open(t, dsns...) // which the lock that is shared again lets in
}

// A process that had lost its session while another moved users serves no more.
func TestAProcessThatMissedAMoveServesNoMore(t *testing.T) {
	dsns := shared(t, 2)
	one, two := open(t, dsns...), open(t, dsns...)
	for _, set := range []interface {
		Layout(context.Context, pipeline.Placement) (pipeline.ShardLayout, error)
	}{one, two} {
		if _, err := set.Layout(t.Context(), oneShard.Placement); err != nil {
			t.Fatal(err)
		}
	}
	s := openStore(t, one)
	write(t, s, "ada", "x")
	// The layout changes behind its back, as by a process that had the lock
	// while its session was lost.
	execute(t, primary(t, dsns[0]), "UPDATE layout SET shards = 2")
	cutOff(t, dsns[0])
	eventually(t, "the process notices", func() error {
		if err := one.Check(); err == nil || !strings.Contains(err.Error(), "restart it") {
			return errors.New("it serves")
		}
		return nil
	})
	if _, err := s.Read(t.Context(), []pipeline.PreferenceKey{email("ada")}); !errors.Is(err, pipeline.ErrUnavailable) || !strings.Contains(err.Error(), "users may be on other shards") {
		t.Errorf("a read gets %v", err)
	}
	if err := s.Write(t.Context(), []pipeline.Preference{{PreferenceKey: email("ada")}}); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("a write gets %v", err)
	}
}
