package preference

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// L2 is the cache between the process's own and the store, one for all services
// that share a bus. It may lose anything at any moment, and its errors cost time,
// not answers. An adapter between processes names its entries prefs:{user}.
type L2 interface {
	// Get fills in found[i] for each keys[i] that is cached, and gives the places
	// of the others, in order. What it gives may share memory with the keys and with
	// each other. After an error some of found may be filled in.
	Get(ctx context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) (missing []int32, err error)
	// Set caches copies of preferences, but none in place of a newer version.
	Set(ctx context.Context, preferences []*pipeline.Preference) error
	// Invalidate forgets keys that are not newer than a version, and for 10 s
	// keeps out what is older.
	Invalidate(ctx context.Context, keys []pipeline.PreferenceKey, version int64) error
	// Entries is how many users or preferences are held; 0 when it is not known.
	Entries() int
}

// Options configure a [Service]; zero values take the defaults.
type Options struct {
	// Local says that L2 is in this process. Then there is no cache before it,
	// which would hold the same again, and what it has not is read of all channels
	// of a user at once: his rows lie side by side, and so do his entries.
	Local   bool
	Entries int           // of the process's own cache; 10,000
	TTL     time.Duration // of the same; 60 s
	// Bus tells other services over the same shards what changed, and is heard;
	// nil: there are none.
	Bus     pipeline.Bus
	Subject pipeline.Subject // of what is said on it
}

// Service answers what users want. It is safe for concurrent use.
type Service struct {
	shards  *Shards
	l1      *ownCache // nil before a local L2
	l2      L2
	local   bool // l2 is in this process
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
	s := &Service{shards: shards, l2: l2, local: o.Local, bus: o.Bus, subject: o.Subject, unhear: func() {}}
	if !o.Local {
		s.l1 = newOwnCache(cmp.Or(o.Entries, 10_000), cmp.Or(o.TTL, time.Minute))
	}
	s.closing, s.end = context.WithCancel(context.WithoutCancel(ctx))
	if o.Bus == nil {
		return s, nil
	}
	stop, err := o.Bus.Subscribe(ctx, pipeline.Listener{Heard: s.heard, Missed: s.missed})
	if err != nil {
		s.end()
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
}

// Lookup fills in one preference a key, in the same order, the default where a
// user said nothing. Their texts are shared and must not be changed; who keeps any
// of them copies it.
// Errors: what a shard said; then there is no answer for any key.
func (s *Service) Lookup(ctx context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) error {
	missing := s.l1.get(keys, found)
	s.hits1.Add(int64(len(keys) - len(missing)))
	s.misses1.Add(int64(len(missing)))
	switch len(missing) {
	case 0:
		return nil
	case len(keys):
		return s.lookBehind(ctx, keys, found)
	}
	asked, got := make([]pipeline.PreferenceKey, len(missing)), make([]pipeline.Preference, len(missing))
	for i, at := range missing {
		asked[i] = keys[at]
	}
	if err := s.lookBehind(ctx, asked, got); err != nil {
		return err
	}
	for i, at := range missing {
		found[at] = got[i]
	}
	return nil
}

// lookBehind fills in what the process's own cache has not.
func (s *Service) lookBehind(ctx context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) error {
	marks := s.changes.mark(keys)
	stored, err := s.readL2(ctx, keys, marks, found)
	if err == nil {
		s.fill(ctx, keys, marks, found, stored)
	}
	return err
}

// reading is what a lookup reads from the store, and the marks of the keys. What
// was found is L2's to have, unless it has just failed, as it would again.
type reading struct {
	keys  []pipeline.PreferenceKey
	marks []int64
	found []*pipeline.Preference
}

// readL2 fills in all of found, from L2 and then from the store, and gives what
// came from the store and is not in L2.
func (s *Service) readL2(ctx context.Context, keys []pipeline.PreferenceKey, marks []int64, found []pipeline.Preference) (stored reading, err error) {
	owed := s.debts.among(keys) // before L2 is asked: it may be told meanwhile
	missing, failed := s.l2.Get(ctx, keys, found)
	if failed != nil {
		s.errors2.Add(1)
		missing = places(len(keys), func(int) bool { return true })
	} else if owed != nil {
		missing = places(len(keys), func(i int) bool {
			_, lacks := slices.BinarySearch(missing, int32(i))
			return lacks || owed[i]
		})
	}
	s.hits2.Add(int64(len(keys) - len(missing)))
	s.misses2.Add(int64(len(missing)))
	if len(missing) == 0 {
		return reading{}, nil
	}
	read, at := s.toRead(keys, marks, missing)
	if read.found, err = s.flights.read(ctx, read.keys, read.marks, s.shards.Read); err != nil {
		return reading{}, err
	}
	for i, place := range missing {
		found[place] = *read.found[at[i]]
	}
	if failed != nil {
		return reading{}, nil
	}
	return read, nil
}

// places gives those of n that fit, in order.
func places(n int, fits func(i int) bool) []int32 {
	some := make([]int32, 0, n)
	for i := range n {
		if fits(i) {
			some = append(some, int32(i))
		}
	}
	return some
}

// toRead says what is to be read for the keys that are missing, and where each
// of them is among it: before a local L2 all of their users' channels.
func (s *Service) toRead(keys []pipeline.PreferenceKey, marks []int64, missing []int32) (r reading, at []int32) {
	at = make([]int32, len(missing))
	channels := len(pipeline.Channels())
	for i, place := range missing {
		key := keys[place]
		if !s.local {
			at[i] = int32(i)
			r.keys, r.marks = append(r.keys, key), append(r.marks, marks[place])
			continue
		}
		first := len(r.keys) - channels
		if first < 0 || r.keys[first].UserID != key.UserID {
			first = len(r.keys)
			r.keys = appendChannels(r.keys, key.UserID)
			for range channels { // a mark is of the user
				r.marks = append(r.marks, marks[place])
			}
		}
		of := slices.Index(r.keys[first:], key)
		if of < 0 {
			panic("BUG: a preference of " + key.Channel.String())
		}
		at[i] = int32(first + of)
	}
	return r, at
}

// fill caches what a lookup read: all of it in L1, what came from the store in
// L2; but nothing that a change overlapped.
func (s *Service) fill(ctx context.Context, keys []pipeline.PreferenceKey, marks []int64, found []pipeline.Preference, stored reading) {
	if s.l1 == nil && len(stored.keys) == 0 {
		return
	}
	s.changes.mu.RLock()
	defer s.changes.mu.RUnlock()
	if s.l1 != nil {
		for i := range found {
			if s.changes.isCurrent(keys[i], marks[i]) {
				s.l1.keep(&found[i])
			}
		}
	}
	fresh := make([]*pipeline.Preference, 0, len(stored.found))
	for i, p := range stored.found {
		if s.changes.isCurrent(stored.keys[i], stored.marks[i]) {
			fresh = append(fresh, p)
		}
	}
	s.share(ctx, fresh)
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
		s.l1.keep(p)
	}
	if !s.share(ctx, current) {
		s.owe(keys, time.Now().UnixMicro())
	}
}

// forget takes keys out of the caches.
func (s *Service) forget(ctx context.Context, keys []pipeline.PreferenceKey, version int64) {
	s.l1.forget(keys)
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
		s.l1.forget(keys)
	}
}

// missed forgets all of L1.
func (s *Service) missed() {
	s.changes.all()
	s.l1.clear()
}

// channelsOf gives a user's keys.
func channelsOf(user string) []pipeline.PreferenceKey {
	return appendChannels(make([]pipeline.PreferenceKey, 0, len(pipeline.Channels())), user)
}

func appendChannels(keys []pipeline.PreferenceKey, user string) []pipeline.PreferenceKey {
	for _, c := range pipeline.Channels() {
		keys = append(keys, pipeline.PreferenceKey{UserID: user, Channel: c})
	}
	return keys
}
