package preference_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/engine/sqlite"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

// awaitMove waits for a move's end.
func awaitMove(t *testing.T, s *preference.Shards) preference.MoveProgress {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p, err := s.AwaitMove(ctx)
	if err != nil {
		t.Fatalf("the move is at %+v: %v", p, err)
	}
	return p
}

// wantPlaced checks that every shard has the rows of its own users, and that
// there are so many in all.
func wantPlaced(t *testing.T, set pipeline.PreferenceShards, p pipeline.Placement, rows int) {
	t.Helper()
	router, found := preference.NewRouter(p), 0
	for shard := range pipeline.MaxShards / 4 {
		store, err := set.Open(t.Context(), shard)
		if err != nil {
			t.Fatal(err)
		}
		for after, more := (pipeline.PreferenceKey{}), true; more; {
			page, err := store.Scan(t.Context(), after, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for i := range page {
				if shard >= p.Shards || router.Shard(page[i].UserID) != shard {
					t.Fatalf("shard %d has %+v", shard, page[i])
				}
			}
			found += len(page)
			if more = len(page) == 1000; more {
				after = page[len(page)-1].PreferenceKey
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if shard >= p.Shards {
			if err := set.Remove(t.Context(), shard); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found != rows {
		t.Errorf("the shards have %d rows, want %d", found, rows)
	}
}

// numbered is a preference whose address is a number that only grows.
func numbered(user string, n int64) pipeline.Preference {
	return pipeline.Preference{PreferenceKey: email(user), Transactional: true, Addresses: []string{strconv.FormatInt(n, 10)}}
}

// history is what one writer has done to a user.
type history struct{ begun, done atomic.Int64 }

// load is writers and readers that check every answer against what was written.
type load struct {
	t       *testing.T
	service *preference.Service
	users   []history
	reads   atomic.Int64
	writes  atomic.Int64
	wg      sync.WaitGroup
}

func userName(i int) string { return fmt.Sprintf("user-%08d", i) }

// start lets writers and readers run until ctx ends. Every user has one writer.
func (l *load) start(ctx context.Context, writers, readers int) {
	for w := range writers {
		l.wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(w)))
			for ctx.Err() == nil {
				l.write(writers*random.IntN(len(l.users)/writers) + w)
			}
		})
	}
	for r := range readers {
		l.wg.Go(func() {
			random := rand.New(rand.NewPCG(2, uint64(r)))
			for ctx.Err() == nil {
				l.read(random)
			}
		})
	}
}

func (l *load) write(user int) {
	h := &l.users[user]
	n := h.begun.Add(1)
	if err := l.service.Put(context.Background(), []pipeline.Preference{numbered(userName(user), n)}); err != nil {
		l.t.Errorf("put: %v", err)
	}
	h.done.Store(n)
	l.writes.Add(1)
}

// read looks a slice up, and checks that each answer is no older than what was
// done before, and no newer than what was begun.
func (l *load) read(random *rand.Rand) {
	const slice = 20
	var keys [slice]pipeline.PreferenceKey
	var users [slice]int
	var least [slice]int64
	for i := range keys {
		users[i] = random.IntN(len(l.users))
		if i%4 == 0 {
			users[i] = random.IntN(50) // some are read and written often
		}
		keys[i], least[i] = email(userName(users[i])), l.users[users[i]].done.Load()
	}
	got := make([]pipeline.Preference, len(keys))
	if err := l.service.Lookup(context.Background(), keys[:], got); err != nil {
		l.t.Errorf("lookup: %v", err)
		return
	}
	for i, p := range got {
		n, err := strconv.ParseInt(p.Addresses[0], 10, 64)
		if most := l.users[users[i]].begun.Load(); err != nil || p.UserID != keys[i].UserID || n < least[i] || n > most {
			l.t.Errorf("read %+v, want between %d and %d", p, least[i], most)
		}
	}
	l.reads.Add(slice)
}

// Ten shards of real files become sixteen, then seven, while users are written
// and read: no answer is wrong, and jump hash moves as few users as it can.
func TestReshardingUnderLoad(t *testing.T) {
	users := 8_000
	if testing.Short() {
		users = 2_000
	}
	dir := t.TempDir()
	set, err := sqlite.OpenShards(dir)
	if err != nil {
		t.Fatal(err)
	}
	shards, err := preference.OpenShards(t.Context(), set, jumpHash(10), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l2 := memory.NewPreferences(time.Millisecond, 1<<20) // so short that many reads reach the shards
	service := overShards(t, shards, l2, preference.Options{Entries: 200})
	l := &load{t: t, service: service, users: make([]history, users)}
	for from := 0; from < users; from += 1000 {
		var rows []pipeline.Preference
		for i := from; i < from+1000; i++ {
			rows = append(rows, numbered(userName(i), 0))
		}
		if err := service.Put(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	l.start(ctx, 3, 3)
	for _, c := range []struct {
		to     int
		moving float64 // share of the users: 1 - 10/16, 1 - 7/16
	}{{16, 0.375}, {7, 0.5625}} {
		reads, writes := l.reads.Load(), l.writes.Load()
		if err := shards.Reshard(t.Context(), c.to); err != nil {
			t.Fatal(err)
		}
		if err := shards.Reshard(t.Context(), 3); !errors.Is(err, pipeline.ErrResharding) {
			t.Errorf("a second move at once: %v", err)
		}
		p := awaitMove(t, shards)
		if p.Phase != preference.MoveDone || p.Err != nil || shards.Placement() != jumpHash(c.to) {
			t.Fatalf("the move ended %+v, on %+v", p, shards.Placement())
		}
		if share := float64(p.Moved) / float64(p.Rows); p.Rows != int64(users) || share < c.moving-0.01 || share > c.moving+0.01 {
			t.Errorf("to %d shards %d of %d rows moved, want %.2f %%", c.to, p.Moved, p.Rows, 100*c.moving)
		}
		t.Logf("%d shards: %d of %d rows moved in %v, beside %d reads and %d writes", c.to, p.Moved, p.Rows, p.Ended.Sub(p.Started), l.reads.Load()-reads, l.writes.Load()-writes)
	}
	stop()
	l.wg.Wait()
	if l.reads.Load() == 0 || l.writes.Load() == 0 {
		t.Errorf("%d reads, %d writes", l.reads.Load(), l.writes.Load())
	}
	for i := range l.users {
		got, err := shards.Read(t.Context(), []pipeline.PreferenceKey{email(userName(i))})
		if err != nil || got[0].Addresses[0] != fmt.Sprint(l.users[i].done.Load()) {
			t.Fatalf("user %d has %+v, %v, want %d", i, got[0], err, l.users[i].done.Load())
		}
	}
	if err := shards.Close(); err != nil {
		t.Fatal(err)
	}
	set, err = sqlite.OpenShards(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = set.Close() }()
	wantPlaced(t, set, jumpHash(7), users)
}

// world is a model of some users over fake shards.
type world struct {
	*testing.T
	set   *shardSet
	model map[string]int64 // 0: said nothing
	next  int64
}

// change changes some users, as the store allows.
func (w *world) change(s *preference.Shards, random *rand.Rand) {
	for range 3 {
		user := userName(random.IntN(40))
		w.next++
		var err error
		if random.IntN(4) == 0 {
			if err = s.Erase(w.Context(), user); err == nil {
				w.model[user] = 0
			}
		} else if err = s.Write(w.Context(), []pipeline.Preference{numbered(user, w.next)}); err == nil {
			w.model[user] = w.next
		}
		if err != nil && !errors.Is(err, errCrashed) {
			w.Errorf("change: %v", err)
		}
		if err != nil { // it may have been done or not: both are right
			delete(w.model, user)
		}
	}
}

// check reads every user.
func (w *world) check(s *preference.Shards) {
	w.Helper()
	for user, n := range w.model {
		got, err := s.Read(w.Context(), []pipeline.PreferenceKey{email(user)})
		if err != nil {
			w.Fatal(err)
		}
		want := fmt.Sprint([]string{strconv.FormatInt(n, 10)})
		if n == 0 {
			want = "[]"
		}
		if fmt.Sprint(got[0].Addresses) != want {
			w.Fatalf("%s has %v, want %s", user, got[0].Addresses, want)
		}
	}
}

var errCrashed = errors.New("crashed")

// crashing is a set of shards whose process dies after some changes of what is
// durable: nothing is changed any more, and everything fails.
type crashing struct {
	*shardSet
	left *atomic.Int64
}

func (c crashing) step() error {
	if c.left.Add(-1) < 0 {
		return errCrashed
	}
	return nil
}

func (c crashing) SetLayout(ctx context.Context, l pipeline.ShardLayout) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.shardSet.SetLayout(ctx, l)
}

func (c crashing) Open(ctx context.Context, shard int) (pipeline.PreferenceStore, error) {
	s, err := c.shardSet.Open(ctx, shard)
	return crashingStore{s, c}, err
}

func (c crashing) Remove(ctx context.Context, shard int) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.shardSet.Remove(ctx, shard)
}

type crashingStore struct {
	pipeline.PreferenceStore
	crashing
}

func (c crashingStore) Close() error { return nil }

func (c crashingStore) Write(ctx context.Context, rows []pipeline.Preference) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.PreferenceStore.Write(ctx, rows)
}

func (c crashingStore) Import(ctx context.Context, rows []pipeline.Preference) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.PreferenceStore.Import(ctx, rows)
}

func (c crashingStore) Erase(ctx context.Context, users []string) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.PreferenceStore.Erase(ctx, users)
}

// Wherever a move is cut off, the next process ends it, and nobody's preference
// is lost, old, or back after it was erased. Each crash is at another step,
// until a move gets through; changes go on before, during and after.
func TestAMoveThatIsCutOffAnywhereIsEnded(t *testing.T) {
	for _, c := range []struct{ from, to pipeline.Placement }{
		{jumpHash(3), jumpHash(5)}, {jumpHash(5), jumpHash(2)}, {modulo(3), jumpHash(3)}, {modulo(2), modulo(5)},
	} {
		t.Run(fmt.Sprint(c.from, c.to), func(t *testing.T) {
			for steps := int64(0); !cutOff(t, c.from, c.to, steps); steps++ {
				if steps > 1000 {
					t.Fatal("a move takes more than 1000 steps")
				}
			}
		})
	}
}

// cutOff moves users until some steps are done, then opens the shards again, and
// says whether the move had ended before.
func cutOff(t *testing.T, from, to pipeline.Placement, steps int64) (through bool) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, set: &shardSet{}, model: map[string]int64{}}
		random := rand.New(rand.NewPCG(3, uint64(steps)))
		log := slog.New(slog.DiscardHandler)
		open := func(set pipeline.PreferenceShards, p pipeline.Placement) *preference.Shards {
			s, err := preference.OpenShards(t.Context(), set, p, log)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		shards := open(w.set, from)
		for range 30 {
			w.change(shards, random)
		}
		w.check(shards)
		if err := shards.Close(); err != nil {
			t.Fatal(err)
		}
		left := &atomic.Int64{}
		left.Store(steps)
		// Opened over the old placement, asked for the new rule.
		shards = open(crashing{w.set, left}, pipeline.Placement{Shards: from.Shards, Sharding: to.Sharding})
		if err := shards.Reshard(t.Context(), to.Shards); err != nil && !errors.Is(err, errCrashed) {
			t.Fatal(err)
		}
		for left.Load() > 0 && shards.Progress().Ended.IsZero() {
			w.change(shards, random)
			synctest.Wait()
		}
		synctest.Wait()
		p := shards.Progress()
		through = p.Phase == preference.MoveDone
		if err := shards.Close(); err != nil {
			t.Fatal(err)
		}

		shards = open(w.set, pipeline.Placement{Shards: from.Shards, Sharding: to.Sharding})
		w.check(shards)
		for range 10 {
			w.change(shards, random)
			w.check(shards)
		}
		synctest.Wait()
		if p := shards.Progress(); p.Phase != "" && p.Phase != preference.MoveDone {
			t.Fatalf("after %d steps the next process left the move at %+v", steps, p)
		}
		if placement := shards.Placement(); placement != from && placement != to {
			t.Fatalf("after %d steps users are on %+v", steps, placement)
		}
		w.check(shards)
		rows := 0
		for _, n := range w.model {
			if n != 0 {
				rows++
			}
		}
		for i := range 40 { // those whose change may have been done or not
			user := userName(i)
			if _, known := w.model[user]; !known {
				if got, err := shards.Read(t.Context(), []pipeline.PreferenceKey{email(user)}); err != nil || got[0].Version != 0 {
					rows++
				}
			}
		}
		placement := shards.Placement()
		if err := shards.Close(); err != nil {
			t.Fatal(err)
		}
		wantPlaced(t, w.set, placement, rows)
	})
	return through
}

// When a new shard does not take a change, users stay where they are, and what
// was copied is removed.
func TestAMoveThatFailsLeavesUsersWhereTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &shardSet{}
		shards := openShards(t, set, jumpHash(2))
		w := &world{T: t, set: set, model: map[string]int64{}}
		random := rand.New(rand.NewPCG(4, 4))
		for range 30 {
			w.change(shards, random)
		}
		down := errors.New("the disk is full")
		for i := 2; i < 4; i++ {
			if _, err := set.Open(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
		set.stores[3].fail(down)
		if err := shards.Reshard(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		p := awaitMove(t, shards)
		if p.Phase != preference.MoveFailed || !errors.Is(p.Err, down) || shards.Placement() != jumpHash(2) || set.layout != (pipeline.ShardLayout{Placement: jumpHash(2)}) {
			t.Errorf("it ended %+v with %+v", p, set.layout)
		}
		w.change(shards, random)
		w.check(shards)
		// It may be tried again; a new shard is made.
		if err := shards.Reshard(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		if p := awaitMove(t, shards); p.Phase != preference.MoveDone || p.Err != nil {
			t.Errorf("the second time it ended %+v", p)
		}
		w.check(shards)
	})
}

// While the layout cannot be written, it may be written: changes are made at
// both places, and reads go where they did.
func TestTheCutOverWaitsForTheLayout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &shardSet{}
		shards := openShards(t, set, jumpHash(2))
		w := &world{T: t, set: set, model: map[string]int64{}}
		random := rand.New(rand.NewPCG(5, 5))
		for range 30 {
			w.change(shards, random)
		}
		var away atomic.Bool
		away.Store(true)
		set.set = func(l pipeline.ShardLayout) error {
			if l.Placement == jumpHash(3) && away.Load() {
				return errors.New("no answer")
			}
			return nil
		}
		if err := shards.Reshard(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // virtual
		if p := shards.Progress(); p.Phase != preference.MoveCopying || p.Err == nil || shards.Placement() != jumpHash(2) {
			t.Errorf("while the layout cannot be written: %+v", p)
		}
		for range 10 {
			w.change(shards, random)
		}
		w.check(shards)
		away.Store(false)
		if p := awaitMove(t, shards); p.Phase != preference.MoveDone || p.Err != nil || shards.Placement() != jumpHash(3) {
			t.Errorf("it ended %+v", p)
		}
		w.check(shards)
	})
}

func TestOpenShardsRefuses(t *testing.T) {
	for _, p := range []pipeline.Placement{{}, modulo(0), jumpHash(-1), modulo(pipeline.MaxShards + 1), {Shards: 3}, {Shards: 3, Sharding: 9}} {
		if _, err := preference.OpenShards(t.Context(), &shardSet{}, p, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%+v was opened", p)
		}
	}
}

func TestReshardRefuses(t *testing.T) {
	shards := openShards(t, &shardSet{}, jumpHash(4))
	for _, to := range []int{-1, 0, 4, pipeline.MaxShards + 1} {
		err := shards.Reshard(t.Context(), to)
		if refused, ok := errors.AsType[*pipeline.ShardsError](err); !ok || refused.To != to {
			t.Errorf("to %d: %v", to, err)
		}
	}
	if p := shards.Progress(); p.Phase != "" {
		t.Errorf("a move was begun: %+v", p)
	}
}

// While other processes use the shards, nobody is moved; once they are gone, it
// may be tried again.
func TestReshardingNeedsTheShardsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &shardSet{}
		shards := openShards(t, set, jumpHash(2))
		set.alone = func() error { return pipeline.ErrShardsInUse }
		if err := shards.Reshard(t.Context(), 3); !errors.Is(err, pipeline.ErrShardsInUse) {
			t.Errorf("got %v", err)
		}
		if set.layout != (pipeline.ShardLayout{Placement: jumpHash(2)}) {
			t.Errorf("the layout is %+v", set.layout)
		}
		set.alone = nil
		if err := shards.Reshard(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		if p := awaitMove(t, shards); p.Phase != preference.MoveDone {
			t.Errorf("it ended %+v", p)
		}
	})
}

// A move that was cut off waits for the other processes to end; meanwhile users
// are served where they are.
func TestAMoveGoesOnOnceItsProcessIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &shardSet{layout: pipeline.ShardLayout{Placement: jumpHash(2), Next: jumpHash(4)}}
		var others atomic.Bool
		others.Store(true)
		set.alone = func() error {
			if others.Load() {
				return pipeline.ErrShardsInUse
			}
			return nil
		}
		shards := openShards(t, set, jumpHash(2))
		w := &world{T: t, set: set, model: map[string]int64{}}
		random := rand.New(rand.NewPCG(6, 6))
		time.Sleep(10 * time.Second) // virtual
		for range 30 {
			w.change(shards, random)
		}
		w.check(shards)
		if p := shards.Progress(); p.Phase != preference.MoveCopying || !errors.Is(p.Err, pipeline.ErrShardsInUse) || shards.Placement() != jumpHash(2) {
			t.Errorf("beside others: %+v on %+v", p, shards.Placement())
		}
		others.Store(false)
		if p := awaitMove(t, shards); p.Phase != preference.MoveDone || p.Err != nil || shards.Placement() != jumpHash(4) {
			t.Errorf("it ended %+v", p)
		}
		w.check(shards)
	})
}

// When the hold on the shards is lost in the middle of a move, another process
// may have removed what was copied, or may have ended the move: it begins again
// from what the layout says, and nobody's preference is lost.
func TestAMoveBeginsAgainWhenItsHoldIsLost(t *testing.T) {
	for name, meanwhile := range map[string]func(*shardSet){
		"copies removed": func(set *shardSet) {
			for _, store := range set.stores[2:] {
				clear(store.rows)
			}
		},
		"nothing happened": func(*shardSet) {},
	} {
		for layouts := range 2 { // it is lost before the first, or the second, that is set
			t.Run(fmt.Sprint(name, "/after ", layouts, " layouts"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					set := &shardSet{}
					shards := openShards(t, set, jumpHash(2))
					w := &world{T: t, set: set, model: map[string]int64{}}
					random := rand.New(rand.NewPCG(7, 7))
					for range 30 {
						w.change(shards, random)
					}
					holds, lost := 0, false
					set.alone = func() error { holds++; return nil }
					set.set = func(l pipeline.ShardLayout) error { // under the set's lock
						if lost || l.Next.Shards > 0 && layouts > 0 {
							return nil
						}
						lost = true
						set.lose()
						if l.Next.Shards > 0 {
							return nil
						}
						meanwhile(set)
						return errors.New("the connection is lost")
					}
					if err := shards.Reshard(t.Context(), 4); err != nil {
						t.Fatal(err)
					}
					for range 5 {
						w.change(shards, random)
					}
					p := awaitMove(t, shards)
					if p.Phase != preference.MoveDone || p.Err != nil || holds != 2 || shards.Placement() != jumpHash(4) {
						t.Errorf("it ended %+v after %d holds", p, holds)
					}
					w.check(shards)
				})
			})
		}
	}
}
