package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// withTemplate has requests name another template.
func withTemplate(id string, requests []*keyedRequest) []*keyedRequest {
	for _, r := range requests {
		r.body = bytes.ReplaceAll(r.body, []byte(`"template_id":"otp"`), fmt.Appendf(nil, `"template_id":%q`, id))
	}
	return requests
}

// TestFleetGoesOnWithoutABucket kills the store of the templates' bucket.
func TestFleetGoesOnWithoutABucket(t *testing.T) {
	testWithoutABucket(t, pipelinetest.EngineNodes.Kill, pipelinetest.EngineNodes.Start)
}

// TestFleetGoesOnWithABucketThatHangs has it take connections and answer nothing.
func TestFleetGoesOnWithABucketThatHangs(t *testing.T) {
	testWithoutABucket(t, pipelinetest.EngineNodes.Pause, pipelinetest.EngineNodes.Resume)
}

// testWithoutABucket takes the templates' bucket away and gives it back: templates
// in use go on, what a gateway does not know is refused, and what a worker does
// not know waits.
func testWithoutABucket(t *testing.T, takeAway, giveBack func(pipelinetest.EngineNodes)) {
	t.Helper()
	bucket := pipelinetest.Nodes(t, "s3")
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 2, 1)
	writer, reader := f.gateways[0], f.gateways[1]
	// A version of the shipped template that the load names, and two templates
	// that none but the writer knows.
	const text = `{"subject":"Your code","body":"It is {{code}}."}`
	for _, version := range []string{"otp/1000", "accepted/1", "unknown/1"} {
		if err := ask(t.Context(), http.MethodPut, writer.url+"/v1/templates/"+version, text); err != nil {
			t.Fatal(err)
		}
	}
	first := f.load(t, f.name+"_first", keyedRequests(f.name+"_first", fleetTotal/4), fleetRate)
	first.wait(t)
	f.awaitDelivered(t, fleetTotal/4)

	takeAway(bucket)
	accepted := f.load(t, f.name+"_accepted", withTemplate("accepted", keyedRequests(f.name+"_accepted", keyedBatch)), fleetRate)
	accepted.wait(t)
	f.leave(writer).end(t)
	for _, p := range []*process{reader, f.workers[0]} {
		if readiness := awaitPart(t, p, "templates", "degraded: templates that are not in use get 503"); readiness.Status != "ready" {
			t.Errorf("without the bucket %s is %+v", p.name, readiness)
		}
	}
	again := f.load(t, f.name+"_again", keyedRequests(f.name+"_again", fleetTotal), fleetRate)
	unknown := f.load(t, f.name+"_unknown", withTemplate("unknown", keyedRequests(f.name+"_unknown", keyedBatch)), fleetRate)
	again.wait(t)
	f.awaitDelivered(t, fleetTotal/4+fleetTotal)
	checkNoneRefused(t, first, again)
	unknown.awaitRefused(t, 1)
	wantUnavailable(t, http.MethodPut, reader.url+"/v1/templates/new/1", text)
	wantUnavailable(t, http.MethodGet, reader.url+"/v1/templates/unknown/1", "")
	status, err := f.status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a := status.Account; unknown.answered.Load() > 0 || a.InFlight != keyedBatch {
		t.Errorf("without the bucket %d of an unknown template were accepted, and the account is %+v, want %d in flight", unknown.answered.Load(), a, keyedBatch)
	}

	giveBack(bucket)
	for _, p := range []*process{reader, f.workers[0]} {
		awaitPart(t, p, "templates", "ok")
	}
	awaitDone(t, http.MethodPut, reader.url+"/v1/templates/new/1", text)
	checkNothingTwice(t, f.reckon(t, first, accepted, again, unknown))
	f.end(t)
}
