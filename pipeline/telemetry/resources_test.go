package telemetry_test

import (
	"runtime"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

func TestResourcesAreThoseOfThisProcess(t *testing.T) {
	const ballast = 64 << 20
	before, err := telemetry.ReadResources()
	if err != nil {
		t.Fatal(err)
	}
	held := make([]byte, ballast)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1 // touched, so that it is resident
	}
	runtime.GC()
	done := make(chan struct{})
	go func() { <-done }()
	after, err := telemetry.ReadResources()
	close(done)
	if err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(held)

	if grown := after.LiveHeapBytes - before.LiveHeapBytes; grown < ballast/2 {
		t.Errorf("live heap grew by %d bytes while %d were allocated", grown, ballast)
	}
	if after.HeapBytes < ballast {
		t.Errorf("heap of %d bytes holds %d", after.HeapBytes, ballast)
	}
	if after.CPU <= 0 || after.CPU < before.CPU {
		t.Errorf("CPU time went from %v to %v", before.CPU, after.CPU)
	}
	if after.GCCycles <= before.GCCycles {
		t.Errorf("collections went from %d to %d", before.GCCycles, after.GCCycles)
	}
	if after.Goroutines <= before.Goroutines {
		t.Errorf("goroutines went from %d to %d", before.Goroutines, after.Goroutines)
	}
	switch {
	case runtime.GOOS != "linux":
		if after.ResidentBytes != nil {
			t.Errorf("resident memory is %d bytes where it cannot be read", *after.ResidentBytes)
		}
	case after.ResidentBytes == nil || *after.ResidentBytes < ballast:
		t.Errorf("resident memory %v, want at least %d bytes", after.ResidentBytes, ballast)
	}
}
