package preference

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// L2 is the cache between the process's own and the store, one for all services
// that share a bus. Preferences in it are shared and never changed. It may lose
// anything at any moment, and its errors cost time, not answers. An adapter
// between processes names its entries prefs:{user}.
type L2 interface {
	// Get sets found[i] for each keys[i] that is cached.
	Get(ctx context.Context, keys []pipeline.PreferenceKey, found []*pipeline.Preference) error
	// Set caches preferences, but none in place of a newer version.
	Set(ctx context.Context, preferences []*pipeline.Preference) error
	// Invalidate forgets keys that are not newer than a version, and for 10 s
	// keeps out what is older.
	Invalidate(ctx context.Context, keys []pipeline.PreferenceKey, version int64) error
	// Entries is how many preferences are held; 0 when it is not known.
	Entries() int
}

// Options configure a [Service]; zero values take the defaults.
type Options struct {
	Entries int           // of the process's own cache; 10,000
	TTL     time.Duration // of the same; 60 s
	// Selective lets the process's own cache, once it is full, take in only what
	// is asked for again and again: where L2 is in the process as well, what the
	// others cost is more than what they save. Between processes it is not: there
	// the second look-up of a notification's user would be L2's too.
	Selective bool
	// Bus tells other services over the same shards what changed, and is heard;
	// nil: there are none.
	Bus     pipeline.Bus
	Subject pipeline.Subject // of what is said on it
}

// Service answers what users want. It is safe for concurrent use.
type Service struct {
	shards  *Shards
	l1      *otter.Cache[pipeline.PreferenceKey, *pipeline.Preference]
	door    *doorkeeper // of l1; nil lets everything in
	entries int         // that l1 has room for
	l2      L2
	bus     pipeline.Bus
	subject pipeline.Subject
	unhear  func()
	// closing ends with the service, by end.
	closing context.Context
	end     context.CancelFunc

	changes changes
	flights flights
	debts   debts
	// refresh lets one put at a time read back what it wrote and cache it, so
	// that the later of two readings is cached last.
	refresh sync.Mutex

	hits1, misses1, hits2, misses2, errors2, untold atomic.Int64
}

// NewService makes a service over shards, which stay their opener's to close.
// Its error is the bus's.
func NewService(ctx context.Context, shards *Shards, l2 L2, o Options) (*Service, error) {
	if o.Entries == 0 {
		o.Entries = 10_000
	}
	if o.TTL == 0 {
		o.TTL = time.Minute
	}
	s := &Service{
		shards: shards, entries: o.Entries,
		l2: l2, bus: o.Bus, subject: o.Subject, unhear: func() {},
	}
	if o.Selective {
		s.door = newDoorkeeper(o.Entries)
	}
	s.closing, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.l1 = otter.Must(&otter.Options[pipeline.PreferenceKey, *pipeline.Preference]{
		MaximumSize:      o.Entries,
		ExpiryCalculator: otter.ExpiryWriting[pipeline.PreferenceKey, *pipeline.Preference](o.TTL),
	})
	if o.Bus == nil {
		return s, nil
	}
	stop, err := o.Bus.Subscribe(ctx, pipeline.Listener{Heard: s.heard, Missed: s.missed})
	if err != nil {
		s.end()
		s.l1.StopAllGoroutines()
		return nil, err
	}
	s.unhear = stop
	return s, nil
}

// Close ends the upkeep of the caches. The service must not be used after it.
func (s *Service) Close() {
	s.unhear()
	s.end()
	s.debts.close()
	s.l1.StopAllGoroutines()
}

// Lookup gives one preference a key, in the same order, the default where a
// user said nothing. Their addresses are shared and must not be changed.
// Errors: what a shard said; then there is no answer for any key.
func (s *Service) Lookup(ctx context.Context, keys []pipeline.PreferenceKey) ([]pipeline.Preference, error) {
	out := make([]pipeline.Preference, len(keys))
	period := s.door.admit(len(keys))
	missing := s.readL1(keys, out, period)
	if len(missing) == 0 {
		return out, nil
	}
	asked := make([]pipeline.PreferenceKey, len(missing))
	for i, at := range missing {
		asked[i] = keys[at]
	}
	marks := s.changes.mark(asked)
	found := make([]*pipeline.Preference, len(missing))
	stored, err := s.readL2(ctx, asked, marks, found)
	if err != nil {
		return nil, err
	}
	for i, at := range missing {
		out[at] = *found[i]
	}
	s.fill(ctx, marks, found, stored, period)
	return out, nil
}

// readL1 fills in what the process's own cache has and gives the indices of
// the rest.
func (s *Service) readL1(keys []pipeline.PreferenceKey, out []pipeline.Preference, now *period) (missing []int32) {
	for i, key := range keys {
		if p, ok := s.l1.GetIfPresent(key); ok {
			now.ask(key)
			out[i] = *p
			continue
		}
		if missing == nil {
			missing = make([]int32, 0, len(keys)-i)
		}
		missing = append(missing, int32(i))
	}
	s.hits1.Add(int64(len(keys) - len(missing)))
	s.misses1.Add(int64(len(missing)))
	return missing
}

// readL2 fills in all of found, from L2 and then from the store, and gives the
// indices of what came from the store and is not in L2; none when L2 has just
// failed, which it would again.
func (s *Service) readL2(ctx context.Context, keys []pipeline.PreferenceKey, marks []int64, found []*pipeline.Preference) (stored []int32, err error) {
	owed := s.debts.among(keys) // before L2 is asked: it may be told meanwhile
	failed := s.l2.Get(ctx, keys, found)
	if failed != nil {
		s.errors2.Add(1)
		clear(found)
	}
	for i := range owed {
		if owed[i] {
			found[i] = nil
		}
	}
	var missing []pipeline.PreferenceKey
	var missingMarks []int64
	for i, p := range found {
		if p == nil {
			missing, missingMarks, stored = append(missing, keys[i]), append(missingMarks, marks[i]), append(stored, int32(i))
		}
	}
	s.hits2.Add(int64(len(keys) - len(missing)))
	s.misses2.Add(int64(len(missing)))
	if len(missing) == 0 {
		return nil, nil
	}
	read, err := s.flights.read(ctx, missing, missingMarks, s.shards.Read)
	if err != nil {
		return nil, err
	}
	for i, p := range read {
		found[stored[i]] = p
	}
	if failed != nil {
		return nil, nil
	}
	return stored, nil
}

// fill caches what a lookup read: in L1 what its doorkeeper lets in, or all of it
// while there is room, what came from the store in L2; but nothing that a change
// overlapped.
func (s *Service) fill(ctx context.Context, marks []int64, found []*pipeline.Preference, stored []int32, now *period) {
	s.changes.mu.RLock()
	defer s.changes.mu.RUnlock()
	room := s.l1.EstimatedSize() < s.entries
	for i, p := range found {
		if (now.ask(p.PreferenceKey) || room) && s.changes.isCurrent(p.PreferenceKey, marks[i]) {
			s.keep(p)
		}
	}
	var fresh []*pipeline.Preference
	for _, at := range stored {
		if p := found[at]; s.changes.isCurrent(p.PreferenceKey, marks[at]) {
			fresh = append(fresh, p)
		}
	}
	s.share(ctx, fresh)
}

// keep caches a preference in L1.
func (s *Service) keep(p *pipeline.Preference) {
	s.l1.Compute(p.PreferenceKey, func(old *pipeline.Preference, found bool) (*pipeline.Preference, otter.ComputeOp) {
		if found && old.Version > p.Version { // L2 may have lost the newer one
			return old, otter.CancelOp
		}
		return p, otter.WriteOp
	})
}

// share caches preferences in L2, and says whether it has them.
func (s *Service) share(ctx context.Context, preferences []*pipeline.Preference) bool {
	if len(preferences) == 0 {
		return true
	}
	if err := s.l2.Set(ctx, preferences); err != nil {
		s.errors2.Add(1)
		return false
	}
	return true
}

// Put sets preferences and returns when they are durable, every later lookup of
// this process sees them, and the others are being told. A user's preferences
// are set all or none; of several users some may be set when it fails.
func (s *Service) Put(ctx context.Context, preferences []pipeline.Preference) error {
	if len(preferences) == 0 {
		return nil
	}
	keys := make([]pipeline.PreferenceKey, len(preferences))
	for i := range preferences {
		keys[i] = preferences[i].PreferenceKey
	}
	defer s.changes.begin(keys)()
	err := s.shards.Write(ctx, preferences)
	// Also after an error: some may have been written.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
	defer cancel()
	s.renew(ctx, keys)
	s.tell(ctx, keys)
	return err
}

// Erase forgets what a user said of every channel, and returns when that is
// durable, every later lookup of this process sees it, and the others are being
// told. It may be repeated.
func (s *Service) Erase(ctx context.Context, user string) error {
	keys := channelsOf(strings.Clone(user)) // which tombstones keep
	defer s.changes.begin(keys)()
	version := s.aboveVersions(ctx, keys)
	err := s.shards.Erase(ctx, user)
	// Also after an error: it may have been done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
	defer cancel()
	s.refresh.Lock()
	s.forget(ctx, keys, version)
	s.refresh.Unlock()
	s.tell(ctx, keys)
	return err
}

// aboveVersions gives a version above those that keys have, as far as they can
// be read, and below those that they will get: they begin with the time.
func (s *Service) aboveVersions(ctx context.Context, keys []pipeline.PreferenceKey) int64 {
	version := time.Now().UnixMicro()
	current, err := s.shards.Read(ctx, keys)
	if err != nil {
		return version
	}
	for _, p := range current {
		version = max(version, p.Version)
	}
	return version
}

// renewTimeout bounds how long a change goes on after its client is gone.
const renewTimeout = 2 * time.Second

// renew puts what was just written into the caches, with the versions that the
// store gave it; what cannot be read back is forgotten.
func (s *Service) renew(ctx context.Context, keys []pipeline.PreferenceKey) {
	s.refresh.Lock()
	defer s.refresh.Unlock()
	current, err := s.shards.Read(ctx, keys)
	if err != nil {
		s.forget(ctx, keys, time.Now().UnixMicro())
		return
	}
	for _, p := range current {
		s.keep(p)
	}
	if !s.share(ctx, current) {
		s.owe(keys, time.Now().UnixMicro())
	}
}

// forget takes keys out of the caches.
func (s *Service) forget(ctx context.Context, keys []pipeline.PreferenceKey, version int64) {
	for _, key := range keys {
		s.l1.Invalidate(key)
	}
	if err := s.l2.Invalidate(ctx, keys, version); err != nil {
		s.errors2.Add(1)
		s.owe(keys, version)
	}
}

// tell tells the other services of a change, once L2 has it, or will be told
// again.
func (s *Service) tell(ctx context.Context, keys []pipeline.PreferenceKey) {
	if s.bus == nil {
		return
	}
	invalidations := s.invalidations(keys)
	if err := s.bus.Publish(ctx, invalidations); err != nil {
		s.untold.Add(int64(len(invalidations)))
		s.owe(keys, 0)
	}
}

// invalidations is what is said of keys, once a user.
func (s *Service) invalidations(keys []pipeline.PreferenceKey) []pipeline.Invalidation {
	invalidations := make([]pipeline.Invalidation, 0, len(keys))
	told := map[string]bool{}
	for _, key := range keys {
		if !told[key.UserID] {
			told[key.UserID] = true
			invalidations = append(invalidations, pipeline.Invalidation{Subject: s.subject, UserID: key.UserID})
		}
	}
	return invalidations
}

// heard forgets in L1 what another service changed; that one has seen to L2.
// Lookups under way may have read what was before.
func (s *Service) heard(invalidations []pipeline.Invalidation) {
	for _, i := range invalidations {
		if i.Subject != s.subject {
			continue
		}
		keys := channelsOf(i.UserID)
		s.changes.begin(keys)()
		for _, key := range keys {
			s.l1.Invalidate(key)
		}
	}
}

// missed forgets all of L1.
func (s *Service) missed() {
	s.changes.all()
	s.l1.InvalidateAll()
}

// LevelStats is how one level of the cache served.
type LevelStats struct {
	Hits, Misses, Entries int64 // of keys; entries are held now
	Errors                int64 // of whole slices
}

// Stats counts the uses of the two caches.
func (s *Service) Stats() (l1, l2 LevelStats) {
	l1 = LevelStats{Hits: s.hits1.Load(), Misses: s.misses1.Load(), Entries: int64(s.l1.EstimatedSize())}
	l2 = LevelStats{Hits: s.hits2.Load(), Misses: s.misses2.Load(), Entries: int64(s.l2.Entries()), Errors: s.errors2.Load()}
	return l1, l2
}

// Untold counts users of whose changes the other services could not be told at
// once: they may believe what was before until they are, or their caches forget
// it.
func (s *Service) Untold() int64 { return s.untold.Load() }

// channelsOf gives a user's keys.
func channelsOf(user string) []pipeline.PreferenceKey {
	keys := make([]pipeline.PreferenceKey, 0, len(pipeline.Channels()))
	for _, c := range pipeline.Channels() {
		keys = append(keys, pipeline.PreferenceKey{UserID: user, Channel: c})
	}
	return keys
}
