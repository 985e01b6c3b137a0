package preference

// LevelStats is how one level of the cache served. A level that there is not
// missed everything.
type LevelStats struct {
	Hits, Misses, Entries int64 // of keys; entries are held now
	Errors                int64 // of whole slices
}

// Stats counts the uses of the two caches.
func (s *Service) Stats() (l1, l2 LevelStats) {
	l1 = LevelStats{Hits: s.hits1.Load(), Misses: s.misses1.Load(), Entries: s.l1.len()}
	l2 = LevelStats{Hits: s.hits2.Load(), Misses: s.misses2.Load(), Entries: int64(s.l2.Entries()), Errors: s.errors2.Load()}
	return l1, l2
}

// Untold counts users of whose changes the other services could not be told at
// once: they may believe what was before until they are, or their caches forget
// it.
func (s *Service) Untold() int64 { return s.untold.Load() }
