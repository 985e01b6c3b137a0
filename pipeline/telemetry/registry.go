package telemetry

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// registry holds one value a key. Keys are few and never removed, so a look-up
// takes a shared lock and no allocation. The zero registry is empty. It is safe
// for concurrent use.
type registry[K cmp.Ordered, V any] struct {
	mu    sync.RWMutex
	byKey map[K]V
}

// get returns the value of a key, made on its first use.
func (r *registry[K, V]) get(key K, build func() V) V {
	r.mu.RLock()
	v, ok := r.byKey[key]
	r.mu.RUnlock()
	if ok {
		return v
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.byKey[key]; ok {
		return v
	}
	v = build()
	r.put(key, v)
	return v
}

// set gives a key its value, in place of one that it had.
func (r *registry[K, V]) set(key K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(key, v)
}

func (r *registry[K, V]) put(key K, v V) {
	if r.byKey == nil {
		r.byKey = map[K]V{}
	}
	r.byKey[key] = v
}

// each calls f for every key, in order, so that series and snapshots come in
// the same order each time. It holds no lock meanwhile.
func (r *registry[K, V]) each(f func(key K, v V)) {
	r.mu.RLock()
	byKey := maps.Clone(r.byKey)
	r.mu.RUnlock()
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		f(key, byKey[key])
	}
}
