package main_test

import "testing"

const (
	// fleetTotal notifications at fleetRate a second are a load that leaves time
	// for something to happen to it.
	fleetTotal = 6_000
	fleetRate  = 500
)

// TestFleetDelivers has a gateway and a worker share the work.
func TestFleetDelivers(t *testing.T) {
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 1)
	l := f.load(t, f.name, keyedRequests(f.name, fleetTotal), fleetRate)
	checkNothingTwice(t, f.reckon(t, l))
	f.end(t)
}

// end ends all processes in order.
func (f *fleet) end(t *testing.T) {
	t.Helper()
	for _, p := range append(f.gateways, f.workers...) {
		p.end(t)
	}
}

// checkNothingTwice holds a fleet that lost no process to what then holds.
func checkNothingTwice(t *testing.T, got figures) {
	t.Helper()
	if got.Duplicates != 0 || got.Takeovers != 0 || got.Ambiguous != 0 {
		t.Errorf("%d acceptances beyond the first, %d takeovers, %d ambiguous answers; want none, for nothing failed", got.Duplicates, got.Takeovers, got.Ambiguous)
	}
}
