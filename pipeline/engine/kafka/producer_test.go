package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

func emailNormal() pipeline.Queue {
	return pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.Normal}
}

func TestAppendIsDurable(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		var all []pipeline.LogEntry
		for _, q := range pipeline.Queues() {
			all = append(all, f.entries(q, 50)...)
		}
		if err := f.log.Append(t.Context(), all); err != nil {
			t.Fatalf("Append: %v", err)
		}
		stored := map[pipeline.ID][]entry{}
		for _, q := range pipeline.Queues() {
			maps.Copy(stored, f.stored(q))
		}
		for i := range all {
			want := entry{LogEntry: all[i]}
			if got := stored[all[i].ID]; !reflect.DeepEqual(got, []entry{want}) {
				t.Fatalf("an entry of %v is stored as %+v, want once %+v", all[i].Queue(), got, want)
			}
		}
	})
}

// Each fault alone, met by one append. What is told must be what is stored.
func TestAppendUnderAFault(t *testing.T) {
	const always = -1
	type fault = kfake.Fault
	for name, c := range map[string]struct {
		faults []fault
		want   error
		copies int // of each entry
		within time.Duration
	}{
		"too few replicas, for a while": {[]fault{{Err: kerr.NotEnoughReplicas, Count: 3}}, nil, 1, time.Second},
		"too few replicas":              {[]fault{{Err: kerr.NotEnoughReplicas, Count: always}}, pipeline.ErrUnavailable, 0, produceTimeout},
		"too few replicas after the append, for a while": {
			[]fault{{Err: kerr.NotEnoughReplicasAfterAppend, Count: 2}}, nil, 1, time.Second,
		},
		"too few replicas after the append": {
			[]fault{{Err: kerr.NotEnoughReplicasAfterAppend, Count: always}}, pipeline.ErrAmbiguous, 1, produceTimeout,
		},
		"timed out, and written":   {[]fault{{Err: kerr.RequestTimedOut, Count: 2}}, nil, 1, time.Second},
		"the leader was deposed":   {[]fault{{Err: kerr.NotLeaderForPartition, Count: 2}}, nil, 1, time.Second},
		"no leader can be written": {[]fault{{Err: kerr.NotLeaderForPartition, Count: always}}, pipeline.ErrAmbiguous, 0, produceTimeout},
		"the disk failed":          {[]fault{{Err: kerr.KafkaStorageError, Count: 1}}, nil, 1, time.Second},
		"written before":           {[]fault{{Err: kerr.NotEnoughReplicasAfterAppend}, {Err: kerr.DuplicateSequenceNumber}}, nil, 1, time.Second},
		"the producer is unknown":  {[]fault{{Err: kerr.UnknownProducerID}}, nil, 1, time.Second},
		"out of order":             {[]fault{{Err: kerr.OutOfOrderSequenceNumber}}, nil, 1, time.Second},
		"perhaps written, and then the producer is unknown": {
			[]fault{{Err: kerr.NotEnoughReplicasAfterAppend}, {Err: kerr.UnknownProducerID}}, nil, 2, time.Second,
		},
		"too large":      {[]fault{{Err: kerr.MessageTooLarge}}, pipeline.ErrUnavailable, 0, 100 * time.Millisecond},
		"not authorised": {[]fault{{Err: kerr.TopicAuthorizationFailed}}, pipeline.ErrUnavailable, 0, 100 * time.Millisecond},
		"perhaps written, and then not authorised": {
			[]fault{{Err: kerr.NotEnoughReplicasAfterAppend}, {Err: kerr.TopicAuthorizationFailed}}, pipeline.ErrAmbiguous, 1, time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inFake(t, func(t *testing.T, f *fake) {
				entries := f.entries(emailNormal(), 1)
				handle := f.cluster.Fault(onProduce(c.faults)...)
				start := time.Now()
				err := f.log.Append(t.Context(), entries)
				if !errors.Is(err, c.want) {
					t.Errorf("Append = %v, want %v", err, c.want)
				}
				if took := time.Since(start); took > c.within {
					t.Errorf("Append took %v, want %v at most", took, c.within)
				}
				handle.Remove()
				// What comes next lands, and behind what may have been written.
				next := f.entries(emailNormal(), 20)
				if err := f.log.Append(t.Context(), next); err != nil {
					t.Fatalf("Append after the fault: %v", err)
				}
				stored := f.stored(emailNormal())
				copies := stored[entries[0].ID]
				if len(copies) != c.copies {
					t.Fatalf("%d copies are stored, want %d", len(copies), c.copies)
				}
				for i, e := range copies {
					if again := i > 0; e.Check != again {
						t.Errorf("copy %d has check %t, want %t", i, e.Check, again)
					}
				}
				for i := range next {
					if n := len(stored[next[i].ID]); n != 1 {
						t.Errorf("an entry appended after the fault is stored %d times", n)
					}
				}
			})
		})
	}
}

func onProduce(faults []kfake.Fault) []kfake.Fault {
	for i := range faults {
		faults[i].Keys = []kmsg.Key{kmsg.Produce}
	}
	return faults
}

func TestAnswersThatAreLostAreAskedForAgain(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		for round := range 10 {
			f.faults.mute.Store(int32(round % 4))
			entries := f.entries(emailNormal(), 30)
			if err := f.log.Append(t.Context(), entries); err != nil {
				t.Fatalf("Append: %v", err)
			}
			f.wantEach(entries, 1)
		}
	})
}

func TestAClusterThatIsAwayTakesNothing(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		first := f.entries(emailNormal(), 5)
		if err := f.log.Append(t.Context(), first); err != nil {
			t.Fatalf("Append: %v", err)
		}
		f.faults.down.Store(true)
		// Connections to all three break in use: so it is open whether this was
		// written.
		if err := f.log.Append(t.Context(), f.entries(emailNormal(), 60)); !errors.Is(err, pipeline.ErrAmbiguous) {
			t.Errorf("Append over breaking connections = %v, want ErrAmbiguous", err)
		}
		// By now none can be made.
		none := f.entries(emailNormal(), 5)
		if err := f.log.Append(t.Context(), none); !errors.Is(err, pipeline.ErrUnavailable) {
			t.Errorf("Append without a cluster = %v, want ErrUnavailable", err)
		}
		f.faults.down.Store(false)
		last := f.entries(emailNormal(), 5)
		if err := f.log.Append(t.Context(), last); err != nil {
			t.Errorf("Append when the cluster is back: %v", err)
		}
		f.wantEach(first, 1)
		f.wantEach(none, 0)
		f.wantEach(last, 1)
	})
}

func TestAClusterThatIsAwayIsNotWaitedForByAll(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		handle := f.cluster.Fault(onProduce([]kfake.Fault{{Err: kerr.NotEnoughReplicas, Count: -1}})...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		go func() { ended <- f.log.Append(ctx, f.entries(emailNormal(), 1)) }()
		time.Sleep(troubleAfter - time.Second)
		if err := f.log.Admit(); err != nil {
			t.Errorf("Admit after %v of failures = %v", troubleAfter-time.Second, err)
		}
		time.Sleep(2 * time.Second)
		if err := f.log.Admit(); !errors.Is(err, pipeline.ErrUnavailable) {
			t.Errorf("Admit after %v of failures = %v, want ErrUnavailable", troubleAfter+time.Second, err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, pipeline.ErrUnavailable) {
			t.Errorf("Append = %v, want ErrUnavailable", err)
		}
		if err := f.log.Admit(); err != nil {
			t.Errorf("Admit with nobody left to find out = %v", err)
		}
		handle.Remove()
	})
}

func TestLeadersMoveUnderLoad(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		var all []pipeline.LogEntry
		for round := range int32(12) {
			for partition := range int32(4) {
				if err := f.cluster.MoveTopicPartition(f.log.topics.main(emailNormal()).name, partition, (round+partition)%3); err != nil {
					t.Fatal(err)
				}
			}
			entries := f.entries(emailNormal(), 40)
			if err := f.log.Append(t.Context(), entries); err != nil {
				t.Fatalf("Append: %v", err)
			}
			all = append(all, entries...)
		}
		f.wantEach(all, 1)
	})
}

// What waits for a request of others is not forgotten when its partition has no
// leader meanwhile, whether or not that request is its own partition's.
func TestWhatWaitsOutlastsItsLeader(t *testing.T) {
	for name, own := range map[string]bool{"behind its own partition": true, "behind another partition": false} {
		t.Run(name, func(t *testing.T) {
			inFake(t, func(t *testing.T, f *fake) {
				const pause = time.Second
				of := f.log.topics.main(emailNormal())
				for partition := range of.partitions {
					if err := f.cluster.MoveTopicPartition(of.name, partition, 0); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(2 * metadataTTL)
				p := f.log.producer
				if err := p.findLeaders(); err != nil {
					t.Fatal(err)
				}
				f.cluster.ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
					f.cluster.SleepControl(func() { time.Sleep(pause) })
					return nil, nil, false
				})
				write := func(partition int32) <-chan []error {
					written := make(chan []error, 1)
					go func() {
						written <- p.produce(t.Context(), []message{{topic: of.name, partition: partition, key: []byte("u"), value: []byte{entryFormat, 0}}})
					}()
					time.Sleep(pause / 4)
					return written
				}
				first := write(0)
				waits := int32(1)
				if own {
					waits = 0
				}
				start := time.Now()
				second := write(waits)
				known, err := layout(t.Context(), p.transport, p.addr, p.topics)
				if err != nil {
					t.Fatal(err)
				}
				for i := range known.Topics {
					for j := range known.Topics[i].Partitions {
						if at := &known.Topics[i].Partitions[j]; known.Topics[i].Name == of.name && at.PartitionIndex == waits {
							at.LeaderID = -1
						}
					}
				}
				p.mu.Lock()
				p.lead(known)
				p.mu.Unlock()
				if errs := <-first; errs != nil {
					t.Errorf("the first: %v", errs)
				}
				if errs := <-second; errs != nil || time.Since(start) > 2*pause {
					t.Errorf("the second after %v: %v", time.Since(start), errs)
				}
			})
		})
	}
}

func TestOnePartitionDoesNotHoldUpTheOthers(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		stuck := f.log.topics.main(emailNormal())
		handle := f.cluster.Fault(onProduce([]kfake.Fault{{Topic: stuck.name, Partitions: []int32{0}, Err: kerr.NotEnoughReplicas, Count: -1}})...)
		defer handle.Remove()
		mixed := f.entries(emailNormal(), 40)
		err := f.log.Append(t.Context(), mixed)
		if !errors.Is(err, pipeline.ErrAmbiguous) || errors.Is(err, pipeline.ErrUnavailable) {
			t.Errorf("Append to partitions of which one takes nothing = %v, want ErrAmbiguous alone", err)
		}
		stored := f.stored(emailNormal())
		for i := range mixed {
			want := 1
			if stuck.partitionOf(mixed[i].ID) == 0 {
				want = 0
			}
			if n := len(stored[mixed[i].ID]); n != want {
				t.Errorf("an entry of partition %d is stored %d times, want %d", stuck.partitionOf(mixed[i].ID), n, want)
			}
		}
	})
}

// A batch whose end stays open for a minute goes on under another producer id,
// for a caller who waits that long.
func TestABatchIsNotRepeatedForEver(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		handle := f.cluster.Fault(onProduce([]kfake.Fault{{Err: kerr.NotEnoughReplicasAfterAppend, Count: -1}})...)
		time.AfterFunc(unresolvedFor+5*time.Second, handle.Remove)
		ctx, cancel := context.WithTimeout(t.Context(), 2*unresolvedFor)
		defer cancel()
		entries := f.entries(emailNormal(), 1)
		if err := f.log.Append(ctx, entries); err != nil {
			t.Fatalf("Append: %v", err)
		}
		got := f.stored(emailNormal())[entries[0].ID]
		if len(got) != 2 || got[0].Check || !got[1].Check {
			t.Errorf("stored are %+v, want one and one to be checked", got)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		handle := f.cluster.Fault(onProduce([]kfake.Fault{{Err: kerr.NotEnoughReplicas, Count: -1}})...)
		of := f.log.topics.main(emailNormal())
		large := func() []message {
			var messages []message
			for i := range 40 {
				messages = append(messages, message{
					topic: of.name, partition: int32(i) % of.partitions, key: []byte("k"), value: append([]byte{entryFormat, 0}, make([]byte, 800<<10)...),
				})
			}
			return messages
		}
		ended := make(chan []error, 1)
		go func() { ended <- f.log.producer.produce(t.Context(), large()) }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		errs := f.log.producer.produce(ctx, append(large(), large()...))
		if !errors.Is(sum(errs), pipeline.ErrUnavailable) || time.Since(start) != time.Second {
			t.Errorf("what has no room ended with %v after %v, want ErrUnavailable after 1s", sum(errs), time.Since(start))
		}
		handle.Remove()
		if err := sum(<-ended); err != nil {
			t.Errorf("what had room ended with %v", err)
		}
	})
}

func TestACallLargerThanTheMemoryIsWritten(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		of := f.log.topics.main(emailNormal())
		var messages []message
		for i := range producerMemory/(300<<10) + 10 {
			messages = append(messages, message{topic: of.name, partition: int32(i) % of.partitions, key: []byte("k"), value: make([]byte, 300<<10)})
		}
		if err := sum(f.log.producer.produce(t.Context(), messages)); err != nil {
			t.Fatalf("produce: %v", err)
		}
		total := int64(0)
		for _, p := range f.cluster.PartitionInfos(of.name) {
			total += p.HighWatermark
		}
		if total != int64(len(messages)) {
			t.Errorf("%d messages are stored, want %d", total, len(messages))
		}
	})
}

func TestAppendAfterClose(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		f.log.producer.close()
		if err := f.log.Append(t.Context(), f.entries(emailNormal(), 1)); !errors.Is(err, pipeline.ErrUnavailable) {
			t.Errorf("Append = %v, want ErrUnavailable", err)
		}
	})
}

// Whatever the brokers, their leaders and the network do: what was reported
// durable is there once unless its copies ask to be checked, and what was
// reported not written is not there.
func TestWhatIsToldIsWhatIsStored(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		rapid.Check(struct{ testing.TB }{t}, func(r *rapid.T) { // a bubble has no deadline, which rapid would ask for
			var calls sync.WaitGroup
			type outcome struct {
				entries []pipeline.LogEntry
				err     error
			}
			outcomes := make([]outcome, rapid.IntRange(1, 5).Draw(r, "calls"))
			for i := range outcomes {
				outcomes[i].entries = f.entries(emailNormal(), rapid.IntRange(1, 30).Draw(r, "entries"))
				patience := time.Duration(rapid.IntRange(1, 3000).Draw(r, "patience")) * time.Millisecond
				start := time.Duration(rapid.IntRange(0, 300).Draw(r, "start")) * time.Millisecond
				calls.Go(func() {
					time.Sleep(start)
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					outcomes[i].err = f.log.producerAppend(ctx, outcomes[i].entries)
				})
			}
			handles := f.misbehave(r)
			calls.Wait()
			for _, h := range handles {
				h.Remove()
			}
			f.faults.mute.Store(0)
			// What was given up may still be under way.
			time.Sleep(2 * answerTimeout)
			if err := f.log.producerAppend(t.Context(), f.entries(emailNormal(), 20)); err != nil {
				r.Fatalf("Append after the faults: %v", err)
			}
			stored := f.stored(emailNormal())
			for _, o := range outcomes {
				for i := range o.entries {
					copies := stored[o.entries[i].ID]
					unchecked := 0
					for _, e := range copies {
						if !e.Check {
							unchecked++
						}
					}
					switch {
					case unchecked > 1:
						r.Fatalf("%d copies are not to be checked (%v)", unchecked, o.err)
					case o.err == nil && len(copies) == 0:
						r.Fatal("what was reported durable is not there")
					case errors.Is(o.err, pipeline.ErrUnavailable) && len(copies) > 0:
						r.Fatalf("what was reported not written is there: %v", o.err)
					}
				}
			}
		})
	})
}

// producerAppend is Append without admission, which would close after a while
// of faults.
func (l *Log) producerAppend(ctx context.Context, entries []pipeline.LogEntry) error {
	messages, _ := l.encode(entries)
	return sum(l.producer.produce(ctx, messages))
}

// misbehave draws what goes wrong within half a second.
func (f *fake) misbehave(r *rapid.T) []*kfake.FaultHandle {
	var handles []*kfake.FaultHandle
	name := f.log.topics.main(emailNormal()).name
	for range rapid.IntRange(0, 6).Draw(r, "faults") {
		time.Sleep(time.Duration(rapid.IntRange(0, 100).Draw(r, "after")) * time.Millisecond)
		switch kind := rapid.IntRange(0, 3).Draw(r, "kind"); kind {
		case 0, 1:
			err := rapid.SampledFrom([]*kerr.Error{
				kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut, kerr.NotLeaderForPartition,
				kerr.UnknownProducerID, kerr.OutOfOrderSequenceNumber, kerr.KafkaStorageError, kerr.MessageTooLarge,
			}).Draw(r, "error")
			count := rapid.SampledFrom([]int{1, 2, 5, -1}).Draw(r, "count")
			partitions := []int32{rapid.Int32Range(0, 3).Draw(r, "partition")}
			handles = append(handles, f.cluster.Fault(onProduce([]kfake.Fault{{Topic: name, Partitions: partitions, Err: err, Count: count}})...))
		case 2:
			f.faults.mute.Add(rapid.Int32Range(1, 3).Draw(r, "mute"))
		case 3:
			partition, node := rapid.Int32Range(0, 3).Draw(r, "partition"), rapid.Int32Range(0, 2).Draw(r, "node")
			if err := f.cluster.MoveTopicPartition(name, partition, node); err != nil {
				r.Fatal(err)
			}
		}
	}
	return handles
}

// wantEach checks how often each of the entries is stored.
func (f *fake) wantEach(entries []pipeline.LogEntry, times int) {
	f.t.Helper()
	stored := f.stored(emailNormal())
	for i := range entries {
		if n := len(stored[entries[i].ID]); n != times {
			f.t.Errorf("entry %d is stored %d times, want %d", i, n, times)
			return
		}
	}
}

func TestSumOfErrors(t *testing.T) {
	unavailable := fmt.Errorf("%w: a", pipeline.ErrUnavailable)
	ambiguous := fmt.Errorf("%w: b", pipeline.ErrAmbiguous)
	for name, c := range map[string]struct {
		errs []error
		want error
		not  error
	}{
		"all durable, shortly":      {nil, nil, nil},
		"all durable":               {[]error{nil, nil}, nil, nil},
		"none written":              {[]error{unavailable, unavailable}, pipeline.ErrUnavailable, pipeline.ErrAmbiguous},
		"some written":              {[]error{nil, unavailable}, pipeline.ErrAmbiguous, pipeline.ErrUnavailable},
		"some open, the rest not":   {[]error{unavailable, ambiguous}, pipeline.ErrAmbiguous, pipeline.ErrUnavailable},
		"some open, the rest there": {[]error{nil, ambiguous, nil}, pipeline.ErrAmbiguous, pipeline.ErrUnavailable},
	} {
		got := sum(c.errs)
		if !errors.Is(got, c.want) || c.not != nil && errors.Is(got, c.not) {
			t.Errorf("%s: sum = %v, want %v", name, got, c.want)
		}
	}
}
