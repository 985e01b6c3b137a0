package main_test

import (
	"net/http"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// steadyRate leaves time for a node to be started again under load.
const steadyRate = fleetRate / 4

// TestFleetGoesOnWithoutANodeOfCassandra kills one of three nodes and starts it
// again: two are a quorum, and nobody notices.
func TestFleetGoesOnWithoutANodeOfCassandra(t *testing.T) {
	node := pipelinetest.Nodes(t, "cassandra-2")
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 1)
	l := f.load(t, f.name, keyedRequests(f.name, fleetMost), steadyRate)
	l.awaitAnswered(t, fleetTotal/6)
	node.Kill()
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/6)
	f.awaitDelivered(t, l.answered.Load())
	node.Start()
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/6)
	l.finish()
	checkNothingTwice(t, f.reckon(t, l))
	checkNoneRefused(t, l)
	f.end(t)
}

// TestFleetWaitsForAQuorumOfCassandra kills two of three nodes: all that comes is
// accepted, nothing is told of what became of it, and once they are back all of
// it is.
func TestFleetWaitsForAQuorumOfCassandra(t *testing.T) {
	nodes := pipelinetest.Nodes(t, "cassandra-2", "cassandra-3")
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 1)
	gateway, worker := f.gateways[0], f.workers[0]
	requests := keyedRequests(f.name, fleetMost)
	l := f.load(t, f.name, requests, steadyRate)
	l.awaitAnswered(t, fleetTotal/6)
	nodes.Kill()
	without := l.answered.Load()
	if readiness := awaitPart(t, gateway, "cassandra", "degraded: what became of notifications is not told"); readiness.Status != "ready" {
		t.Errorf("a gateway without a history is %+v", readiness)
	}
	if readiness := awaitPart(t, worker, "cassandra", "nothing new is sent"); readiness.Status != "failing" {
		t.Errorf("a worker without a history is %+v", readiness)
	}
	for _, of := range []string{"notifications/" + requests[0].ids[0], "users/" + f.name + "-user0/notifications", "runs/" + f.name + "/outcomes", "deadletters"} {
		wantUnavailable(t, http.MethodGet, gateway.url+"/v1/"+of, "")
	}
	wantUnavailable(t, http.MethodDelete, gateway.url+"/v1/users/"+f.name+"-nobody", "")
	l.awaitAnswered(t, without+fleetTotal/3)

	nodes.Start()
	awaitPart(t, gateway, "cassandra", "ok")
	awaitPart(t, worker, "cassandra", "ok")
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/6)
	l.finish()
	f.reckon(t, l)
	checkNoneRefused(t, l)
	f.end(t)
}
