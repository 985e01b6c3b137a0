package pebble

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// counters lists the account's counters in the order they are kept.
func counters(a *pipeline.Account) [8]*int64 {
	return [...]*int64{&a.Accepted, &a.Delivered, &a.Suppressed, &a.Expired, &a.RateDropped, &a.Dead, &a.Ambiguous, &a.Takeovers}
}

// accountSize is the bytes of an account: eight counters and a commit's number.
const accountSize = (8 + 1) * 8

// appendAccount appends the counters, and the number of the commit that wrote
// them.
func appendAccount(b []byte, a *pipeline.Account, commits uint64) []byte {
	for _, n := range counters(a) {
		b = binary.BigEndian.AppendUint64(b, uint64(*n))
	}
	return binary.BigEndian.AppendUint64(b, commits)
}

// recoverAccount reads the counters, and counts the idempotency keys.
func (s *Store) recoverAccount() error {
	value, found, err := s.get(accountKey())
	if err != nil {
		return err
	}
	if found {
		if s.writer.commits, err = commitOf([]byte(value)); err != nil {
			return err
		}
		for i, n := range counters(&s.writer.account) {
			*n = int64(binary.BigEndian.Uint64([]byte(value[8*i:])))
		}
		s.account = s.writer.account
	}
	counts, _, err := s.get(metaKey("keys"))
	if err != nil {
		return err
	}
	for ; len(counts) >= 12; counts = counts[12:] {
		generation := binary.BigEndian.Uint32([]byte(counts))
		f := newKeyFilter(generation, false)
		f.kept = int64(binary.BigEndian.Uint64([]byte(counts[4:])))
		s.writer.keys[generation] = f
	}
	s.writer.showKeys()
	return nil
}

// writeKeyCounts writes how many idempotency keys each generation holds.
func (g *group) writeKeyCounts() {
	var value []byte
	for generation, f := range g.w.keys {
		value = binary.BigEndian.AppendUint32(value, generation)
		value = binary.BigEndian.AppendUint64(value, uint64(f.kept))
	}
	g.set(metaKey("keys"), value)
	g.w.showKeys()
}

// showKeys shows readers which generations hold keys, and how many. It comes
// before the commit: whoever looks into a generation for nothing finds nothing.
func (w *writer) showKeys() {
	keys := &w.store.keys
	keys.count.Store(w.keyCount())
	if shown := keys.generations.Load(); shown != nil && len(*shown) == len(w.keys) &&
		!slices.ContainsFunc(*shown, func(f *keyFilter) bool { return w.keys[f.generation] == nil }) {
		return
	}
	newestFirst := slices.SortedFunc(maps.Values(w.keys), func(a, b *keyFilter) int { return cmp.Compare(b.generation, a.generation) })
	keys.generations.Store(&newestFirst)
}

func (w *writer) keyCount() int64 {
	n := int64(0)
	for _, f := range w.keys {
		n += f.kept
	}
	return n
}

// recoverRuns reads the outcomes of the load runs that are kept.
func (s *Store) recoverRuns() (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixRun}, UpperBound: []byte{prefixRun + 1}})
	if err != nil {
		return fmt.Errorf("scan the load runs: %w", err)
	}
	defer closeIter(it, &err)
	var read []runOutcome
	for valid := it.First(); valid; valid = it.Next() {
		key := string(it.Key()[1:])
		name, _, found := strings.Cut(key, "\x00")
		if !found {
			return fmt.Errorf("load run key %x has not its shape", it.Key())
		}
		commit := binary.BigEndian.Uint64([]byte(key[len(key)-8:]))
		if read, err = decodeOutcomes(read[:0], name, it.Value()); err != nil {
			return err
		}
		s.runs.publish(read)
		s.runs.touch(name, commit)
	}
	return nil
}
