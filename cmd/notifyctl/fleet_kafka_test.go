package main_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/engine/kafka"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// TestFleetGoesOnWithoutALeaderOfKafka kills a broker that leads partitions and
// starts it again: others lead what it led, and nothing of what was under way is
// in doubt for it, since no process died.
func TestFleetGoesOnWithoutALeaderOfKafka(t *testing.T) {
	brokers(t)
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 2, 2)
	l := f.load(t, f.name, keyedRequests(f.name, fleetMost), fleetRate)
	l.awaitAnswered(t, fleetTotal/4)
	leader := pipelinetest.Nodes(t, f.cluster(t).leader(t))
	leader.Kill()
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	leader.Start()
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	l.finish()
	checkNothingTwice(t, f.reckonRefused(t, l))
	f.end(t)
}

// TestFleetRefusesWithoutAQuorumOfKafka stops two of three brokers: nothing is
// accepted that fewer brokers would have than were asked for, and what was
// accepted before waits. Clients without a key learn which of their requests may
// have been written; all others were not.
func TestFleetRefusesWithoutAQuorumOfKafka(t *testing.T) {
	brokers(t)
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 2)
	keyed := f.load(t, f.name, keyedRequests(f.name, fleetMost), fleetRate/2)
	unkeyed := f.load(t, f.name+"u", withoutKeys(keyedRequests(f.name+"u", fleetMost)), fleetRate/2)
	keyed.awaitAnswered(t, fleetTotal/8)
	unkeyed.awaitAnswered(t, fleetTotal/8)

	two := pipelinetest.Nodes(t, "kafka-2", "kafka-3")
	two.Stop()
	for _, p := range []*process{f.gateways[0], f.workers[0], f.workers[1]} {
		without := "nothing is accepted"
		if p != f.gateways[0] {
			without = "nothing is delivered"
		}
		if readiness := awaitPart(t, p, "kafka", without); readiness.Status != "failing" {
			t.Errorf("%s without a quorum of brokers is %+v", p.name, readiness)
		}
	}
	without := keyed.answered.Load() + unkeyed.answered.Load()
	keyed.awaitRefused(t, keyed.failed.Load()+2*loadClients) // each client, and what it began before
	unkeyed.awaitRefused(t, unkeyed.failed.Load()+2*loadClients)
	if n := keyed.answered.Load() + unkeyed.answered.Load(); n != without {
		t.Errorf("%d were accepted while one broker ran, and two are asked for", n-without)
	}

	two.Start()
	keyed.awaitAnswered(t, keyed.answered.Load()+fleetTotal/8)
	unkeyed.awaitAnswered(t, unkeyed.answered.Load()+fleetTotal/8)
	keyed.finish()
	unkeyed.finish()
	f.reckonRefused(t, keyed, unkeyed)
	f.end(t)
}

// TestFleetOutlivesItsBrokers kills all brokers at once and starts them again.
func TestFleetOutlivesItsBrokers(t *testing.T) {
	all := brokers(t)
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 2)
	l := f.load(t, f.name, keyedRequests(f.name, fleetMost), fleetRate)
	l.awaitAnswered(t, fleetTotal/4)
	all.Kill()
	l.awaitRefused(t, 1)
	all.Start()
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	l.finish()
	f.reckonRefused(t, l)
	f.end(t)
}

// TestFleetLosesACoordinatorWhileItRebalances has a worker join, and kills the
// broker that coordinates the group of a channel as soon as the group begins to
// share its partitions anew.
func TestFleetLosesACoordinatorWhileItRebalances(t *testing.T) {
	brokers(t)
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 2)
	l := f.load(t, f.name, keyedRequests(f.name, fleetMost), fleetRate)
	l.awaitAnswered(t, fleetTotal/4)
	cluster := f.cluster(t)
	coordinator := pipelinetest.Nodes(t, cluster.coordinator(t))
	joining := f.launch(t, "worker")
	cluster.awaitRebalance(t)
	coordinator.Kill()
	f.join(t, nil, []*process{joining})
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	coordinator.Start()
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	l.finish()
	checkNothingTwice(t, f.reckonRefused(t, l))
	f.end(t)
}

// brokers has the cluster alone. Which of them a test breaks is known only then.
func brokers(t *testing.T) pipelinetest.EngineNodes {
	t.Helper()
	return pipelinetest.Nodes(t, "kafka-1", "kafka-2", "kafka-3")
}

// reckonRefused reckons with loads to which brokers were missing: their calls
// were refused in ways that a client mends by waiting, and those alone.
func (f *fleet) reckonRefused(t *testing.T, loads ...*load) figures {
	t.Helper()
	got := f.reckon(t, loads...)
	for _, l := range loads {
		t.Logf("calls of %s that were refused: %v", l.run, &l.refused)
		for _, answer := range l.refused.kinds() {
			if !slices.Contains([]string{"503 " + api.CodeUnavailable, "503 " + api.CodeAmbiguous, "409 " + api.CodeRunning}, answer) {
				t.Errorf("%d calls of %s got %s", l.refused.answers[answer], l.run, answer)
			}
		}
	}
	return got
}

// kinds lists how calls were answered.
func (r *refusals) kinds() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.answers))
}

// brokersOf asks the cluster of an installation about itself. It looks at the
// queues of e-mail.
type brokersOf struct {
	client *kafkago.Client
	prefix string
}

func (i *installation) cluster(t *testing.T) *brokersOf {
	t.Helper()
	address, err := kafka.ParseAddress(i.kafka)
	if err != nil {
		t.Fatal(err)
	}
	transport := &kafkago.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &brokersOf{client: &kafkago.Client{Addr: kafkago.TCP(address.Brokers...), Transport: transport}, prefix: address.Prefix}
}

// leader is the node that leads a partition of a queue.
func (b *brokersOf) leader(t *testing.T) string {
	t.Helper()
	topic := b.prefix + ".email.high"
	known, err := b.client.Metadata(t.Context(), &kafkago.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		t.Fatal(err)
	}
	if len(known.Topics) != 1 || len(known.Topics[0].Partitions) == 0 {
		t.Fatalf("of the topic %s is known %+v", topic, known.Topics)
	}
	return fmt.Sprintf("kafka-%d", known.Topics[0].Partitions[0].Leader.ID)
}

func (b *brokersOf) group() string { return b.prefix + ".email" }

// coordinator is the node that coordinates the group of a channel.
func (b *brokersOf) coordinator(t *testing.T) string {
	t.Helper()
	answer, err := b.client.FindCoordinator(t.Context(), &kafkago.FindCoordinatorRequest{Key: b.group(), KeyType: kafkago.CoordinatorKeyTypeConsumer})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("kafka-%d", answer.Coordinator.NodeID)
}

// awaitRebalance waits until the group waits for its members to join anew, or for
// the one that shares out.
func (b *brokersOf) awaitRebalance(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(noticedWithin)
	for {
		answer, err := b.client.DescribeGroups(t.Context(), &kafkago.DescribeGroupsRequest{GroupIDs: []string{b.group()}})
		if err != nil || len(answer.Groups) != 1 {
			t.Fatalf("the group %s is %+v; %v", b.group(), answer, err)
		}
		state := answer.Groups[0].GroupState
		if state == "PreparingRebalance" || state == "CompletingRebalance" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("a worker joins, and after %v the group is %s", noticedWithin, state)
		}
	}
}
