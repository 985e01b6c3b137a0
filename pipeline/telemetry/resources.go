package telemetry

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"time"
)

// Resources is what the process uses. What the operating system does not tell
// is nil, never 0.
type Resources struct {
	CPU           time.Duration // user and system time since the process started
	ResidentBytes *int64        // of memory; nil where it cannot be read
	HeapBytes     int64         // occupied by objects, those not yet collected included
	LiveHeapBytes int64         // that the last collection found in use: what a leak is seen by
	Goroutines    int64
	OpenFiles     *int64 // descriptors; nil where they cannot be counted
	GCCycles      int64
	GCPause       time.Duration // with the world stopped, since the process started
	GCCPU         time.Duration // as the runtime estimates it, since the process started
}

// ReadResources reads the process's use of resources.
func ReadResources() (Resources, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return Resources{}, fmt.Errorf("reading the process's CPU time: %w", err)
	}
	resident, err := readResidentBytes()
	if err != nil {
		return Resources{}, fmt.Errorf("reading the process's resident memory: %w", err)
	}
	files, err := countOpenFiles()
	if err != nil {
		return Resources{}, fmt.Errorf("counting the process's open files: %w", err)
	}
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
	}
	metrics.Read(samples)
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	return Resources{
		CPU:           time.Duration(usage.Utime.Nano() + usage.Stime.Nano()),
		ResidentBytes: resident,
		OpenFiles:     files,
		HeapBytes:     int64(samples[0].Value.Uint64()),
		LiveHeapBytes: int64(samples[1].Value.Uint64()),
		Goroutines:    int64(samples[2].Value.Uint64()),
		GCCycles:      gc.NumGC,
		GCPause:       gc.PauseTotal,
		GCCPU:         time.Duration(samples[3].Value.Float64() * float64(time.Second)),
	}, nil
}
