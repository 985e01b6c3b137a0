package main_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// TestFleetForgetsKeysWithRedis flushes Redis under load. What was answered
// stays, nobody waits, and what is answered from then on has its keys. But a key
// from before is unknown: a client that repeats it sends anew.
func TestFleetForgetsKeysWithRedis(t *testing.T) {
	pipelinetest.Nodes(t, "redis") // nobody else's keys are there
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 1)
	before := f.load(t, f.name, keyedRequests(f.name, 500), fleetRate)
	before.wait(t)
	during := f.load(t, f.name+"b", keyedRequests(f.name+"b", fleetTotal), fleetRate)
	during.awaitAnswered(t, fleetTotal/3)
	redis := operator(t, f.redis)
	if err := redis.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	got := f.reckon(t, before, during)
	checkNothingTwice(t, got)
	if got.Failed != 0 {
		t.Errorf("%d calls accepted nothing, though Redis was there; the last: %v", got.Failed, during.last.Load())
	}
	checkReplay(t, f.gateway(0), during.requests[len(during.requests)/2:])
	again := &keyedRequest{key: before.requests[0].key, body: before.requests[0].body}
	for _, wantReplay := range []bool{false, true} {
		replayed, err := again.post(t.Context(), f.gateway(0))
		if err != nil || replayed != wantReplay {
			t.Fatalf("a key from before the flush: replayed %t, %v; want %t", replayed, err, wantReplay)
		}
	}
	if again.ids[0] == before.requests[0].ids[0] {
		t.Error("a key that was forgotten gave the ids of its first request")
	}
	if a := f.awaitDrained(t); a.Accepted != got.Accepted+keyedBatch || a.Delivered != a.Accepted {
		t.Errorf("a request was sent anew, and the account went from %+v to %+v", got.Account, a)
	}
	f.end(t)
}

// TestFleetGoesOnWithoutRedis kills Redis under load and starts it again.
// Requests with a key are refused meanwhile, since they might be repetitions;
// those without one and the deliveries go on.
func TestFleetGoesOnWithoutRedis(t *testing.T) {
	node := pipelinetest.Nodes(t, "redis")
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 2, 1)
	keyed := f.load(t, f.name, keyedRequests(f.name, fleetMost), fleetRate/2)
	unkeyed := f.load(t, f.name+"u", withoutKeys(keyedRequests(f.name+"u", fleetMost)), fleetRate/2)
	keyed.awaitAnswered(t, fleetTotal/4)
	node.Kill()
	probe := keyedRequests(f.name+"p", keyedBatch)[0]
	_, err := probe.post(t.Context(), f.gateway(0))
	if refused, ok := errors.AsType[*refusal](err); !ok || refused.status != http.StatusServiceUnavailable {
		t.Errorf("a request with a key, while Redis is away: %v, want 503", err)
	}
	delivered := f.awaitAccount(t, func(api.Account) bool { return true }).Delivered
	unkeyed.awaitAnswered(t, unkeyed.answered.Load()+fleetTotal/4)
	f.awaitAccount(t, func(a api.Account) bool { return a.Delivered >= delivered+fleetTotal/4 })
	node.Start()
	keyed.awaitAnswered(t, keyed.answered.Load()+fleetTotal/4)
	keyed.finish()
	unkeyed.finish()
	checkNothingTwice(t, f.reckon(t, keyed, unkeyed))
	if keyed.failed.Load() == 0 || unkeyed.failed.Load() != 0 {
		t.Errorf("refused were %d calls with a key and %d without one (%v); want only those with one",
			keyed.failed.Load(), unkeyed.failed.Load(), unkeyed.last.Load())
	}
	f.end(t)
}

// TestFleetFollowsAPromotedRedis kills a primary of a cluster under load. Its
// replica takes over what it has, which may lack what was acknowledged last: then
// a key is unknown, and what its client repeats is sent twice.
func TestFleetFollowsAPromotedRedis(t *testing.T) {
	pipelinetest.Nodes(t, "redis-cluster-1") // whichever is a primary is known only once we are alone
	i := newInstallation(t, "redis-cluster")
	node := pipelinetest.Nodes(t, primaryNode(t, i.redis))
	f := newFleet(t, i)
	f.start(t, 1, 1)
	l := f.load(t, f.name, keyedRequests(f.name, fleetMost), fleetRate)
	l.awaitAnswered(t, fleetTotal/4)
	l.keysKept.Store(false)
	node.Kill()
	// A third of the keys is the replica's, so that this cannot be without it.
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/2)
	node.Start()
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	l.finish()
	checkNothingTwice(t, f.reckon(t, l))
	f.end(t)
}

// withoutKeys takes the keys away from requests.
func withoutKeys(requests []*keyedRequest) []*keyedRequest {
	for _, r := range requests {
		r.key = ""
	}
	return requests
}

// operator connects to a Redis, or to a node of a cluster, whatever part of it
// an installation keeps to.
func operator(t *testing.T, address string) *goredis.Client {
	t.Helper()
	server, _, _ := strings.Cut(address, "?")
	options, err := goredis.ParseURL(server)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(options)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// primaryNode names a node of the cluster that is a primary now.
func primaryNode(t *testing.T, address string) string {
	t.Helper()
	for i, host := range strings.Split(strings.TrimPrefix(address, "redis://"), ",") {
		role, err := operator(t, "redis://"+host).Do(t.Context(), "ROLE").Slice()
		if err != nil {
			t.Fatal(err)
		}
		if role[0] == "master" {
			return fmt.Sprintf("redis-cluster-%d", i+1)
		}
	}
	t.Fatal("no node of the cluster is a primary")
	return ""
}
