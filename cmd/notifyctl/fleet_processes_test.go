package main_test

import (
	"slices"
	"testing"
)

const (
	// fleetTotal notifications at fleetRate a second are a load that leaves time
	// for something to happen to it.
	fleetTotal = 6_000
	fleetRate  = 500
	// fleetMost bounds a load that a test ends itself.
	fleetMost = 60_000
)

// TestFleetDelivers has a gateway and a worker share the work.
func TestFleetDelivers(t *testing.T) {
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 1)
	l := f.load(t, f.name, keyedRequests(f.name, fleetTotal), fleetRate)
	checkNothingTwice(t, f.reckon(t, l))
	f.end(t)
}

// TestFleetScales has three workers come to one, and two of the four go, under
// load.
func TestFleetScales(t *testing.T) {
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 1)
	l := f.load(t, f.name, keyedRequests(f.name, fleetMost), fleetRate)
	l.awaitAnswered(t, fleetTotal/4)
	f.start(t, 0, 3)
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	for _, worker := range slices.Clone(f.workers[:2]) {
		f.leave(worker).end(t)
		l.awaitAnswered(t, l.answered.Load()+fleetTotal/8)
	}
	l.finish()
	checkNothingTwice(t, f.reckon(t, l))
	f.end(t)
}

// TestFleetRestartsInTurn replaces each process of a fleet by a new one under
// load, as a new version is brought in.
func TestFleetRestartsInTurn(t *testing.T) {
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 2, 2)
	l := f.load(t, f.name, keyedRequests(f.name, fleetMost), fleetRate)
	l.awaitAnswered(t, fleetTotal/8)
	for _, old := range slices.Clone(f.gateways) {
		f.leave(old).end(t)
		f.start(t, 1, 0)
		l.awaitAnswered(t, l.answered.Load()+fleetTotal/8)
	}
	for _, old := range slices.Clone(f.workers) {
		f.leave(old).end(t)
		f.start(t, 0, 1)
		l.awaitAnswered(t, l.answered.Load()+fleetTotal/8)
	}
	l.finish()
	checkNothingTwice(t, f.reckon(t, l))
	f.end(t)
}

// TestFleetLosesAWorker kills a worker under load: the other one takes over what
// it had in hand.
func TestFleetLosesAWorker(t *testing.T) {
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 2)
	l := f.load(t, f.name, keyedRequests(f.name, fleetTotal), fleetRate)
	l.awaitAnswered(t, fleetTotal/2)
	f.leave(f.workers[0]).kill(t)
	f.reckon(t, l)
	f.end(t)
}

// TestFleetLosesAGateway kills a gateway while it is asked by all clients as fast
// as they can: what they were not answered they ask of the other one, under the
// same ids.
func TestFleetLosesAGateway(t *testing.T) {
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 2, 1)
	l := f.load(t, f.name, keyedRequests(f.name, fleetMost), 20*fleetRate)
	l.awaitAnswered(t, fleetTotal/2)
	f.leave(f.gateways[0]).kill(t)
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	l.finish()
	got := f.reckon(t, l)
	checkNothingTwice(t, got)
	if got.Failed == 0 {
		t.Error("no call was under way when the gateway was killed")
	}
	checkReplay(t, f.gateway(0), l.requests)
	if a := f.awaitDrained(t); a.Accepted != got.Accepted {
		t.Errorf("repeated keys brought the account from %d to %d", got.Accepted, a.Accepted)
	}
	f.end(t)
}

// TestFleetWaitsForItsEngines starts processes before any of their engines
// answers: they serve once all do.
func TestFleetWaitsForItsEngines(t *testing.T) {
	i := newInstallation(t, "redis")
	redis := lateHosts(t, &i.redis)
	postgres := lateHosts(t, &i.postgres[1])
	cassandra := lateHosts(t, &i.cassandra)
	kafka := lateHosts(t, &i.kafka)
	f := newFleet(t, i)
	gateway, worker := f.launch(t, "gateway"), f.launch(t, "worker")
	for _, engine := range []struct {
		name string
		open func()
	}{{"redis", redis}, {"postgres", postgres}, {"cassandra", cassandra}, {"kafka", kafka}} {
		for _, p := range []*process{gateway, worker} {
			p.awaitOutput(t, "waiting for "+engine.name+" at ")
		}
		engine.open()
	}
	f.join(t, []*process{gateway}, []*process{worker})
	l := f.load(t, f.name, keyedRequests(f.name, fleetTotal/4), fleetRate)
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

// checkNothingTwice holds a fleet that lost no worker to what then holds.
func checkNothingTwice(t *testing.T, got figures) {
	t.Helper()
	if got.Duplicates != 0 || got.Takeovers != 0 || got.Ambiguous != 0 {
		t.Errorf("%d acceptances beyond the first, %d takeovers, %d ambiguous answers; want none, for nothing failed", got.Duplicates, got.Takeovers, got.Ambiguous)
	}
}
