package telemetry

import "time"

// The caches that stand before the preferences, by the names that they are
// observed under.
const (
	CachePreferencesL1 = "preferences_l1"
	CachePreferencesL2 = "preferences_l2"
)

func readWorkers(v *view, add adder) {
	for i, w := range v.snapshot.Workers {
		if i < len(v.before.snapshot.Workers) {
			w.Time -= v.before.snapshot.Workers[i].Time
			w.BusyTime -= v.before.snapshot.Workers[i].BusyTime
		}
		addRatio(add, w.BusyTime.Seconds(), w.Time.Seconds(), v.targets().Utilisation, w.Channel.String())
	}
}

func readConnections(v *view, add adder) {
	v.providers(func(now, before *ProviderSnapshot) {
		busy := float64(now.Latency.Sum-before.Latency.Sum) * microsecond
		addRatio(add, busy, float64(now.ConnectionsPooled)*v.seconds(), Target{}, now.Name)
	})
}

func readPreferenceHits(v *view, add adder) {
	read, missed := int64(0), int64(0)
	v.caches(func(c CacheSnapshot) {
		switch c.Name {
		case CachePreferencesL1:
			read = c.Hits + c.Misses
		case CachePreferencesL2:
			missed = c.Misses
		}
	})
	addRatio(add, float64(max(0, read-missed)), float64(read), Target{AtLeast: v.targets().CacheHit})
}

func readCacheHits(v *view, add adder) {
	v.caches(func(c CacheSnapshot) { addRatio(add, float64(c.Hits), float64(c.Hits+c.Misses), Target{}, c.Name) })
}

func readCacheFill(v *view, add adder) {
	v.caches(func(c CacheSnapshot) {
		if c.Capacity > 0 {
			add(float64(c.Entries)/float64(c.Capacity), true, Target{}, c.Name)
		}
	})
}

// share is a part of the time between the two moments.
func (v *view) share(now, before time.Duration) float64 {
	return (now - before).Seconds() / v.seconds()
}

func readCPU(v *view, add adder) {
	add(v.share(v.resources.CPU, v.before.resources.CPU)/processors(), true, v.targets().Utilisation)
}

func readGCPauses(v *view, add adder) {
	add(v.share(v.resources.GCPause, v.before.resources.GCPause), true, Target{})
}

func readMemory(v *view, add adder) { addSize(add, v.resources.ResidentBytes) }

func readHeap(v *view, add adder) { addSize(add, &v.resources.HeapBytes) }

func readGoroutines(v *view, add adder) { addSize(add, &v.resources.Goroutines) }

func readOpenFiles(v *view, add adder) { addSize(add, v.resources.OpenFiles) }

// addSize reads what may not be known everywhere.
func addSize(add adder, size *int64) {
	if size == nil {
		add(0, false, Target{})
		return
	}
	add(float64(*size), true, Target{})
}
