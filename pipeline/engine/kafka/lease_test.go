package kafka

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// patience is how long the tests wait for what must come, in virtual time.
const patience = 2 * time.Minute

var emailHigh = pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.High} //nolint:gochecknoglobals // a value that tests share

// process is a log, as a process of its own would open it.
type process struct {
	*testing.T
	log    *Log
	faults *faultyNetwork
	leases map[pipeline.Channel]pipeline.LogLease
}

func (f *fake) process(t *testing.T) *process {
	t.Helper()
	return &process{T: t, log: f.log, faults: &f.faults, leases: map[pipeline.Channel]pipeline.LogLease{}}
}

// another opens another process beside the first.
func (f *fake) another(t *testing.T) *process {
	t.Helper()
	return f.under(t, f.config())
}

// under opens a process of a configuration.
func (f *fake) under(t *testing.T, cfg Config) *process {
	t.Helper()
	p := &process{T: t, faults: &faultyNetwork{dial: f.network.DialContext}, leases: map[pipeline.Channel]pipeline.LogLease{}}
	cfg.Dial = p.faults.Dial
	log, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	p.log = log
	return p
}

// shut ends the process in order.
func (p *process) shut() {
	p.Helper()
	for c := range p.leases {
		p.close(c)
	}
	if err := p.log.Close(); err != nil {
		p.Errorf("close: %v", err)
	}
}

// sever cuts the process off, as a kill would, for whoever is outside.
func (p *process) sever() { p.faults.down.Store(true) }

func (p *process) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *process) acquire(c pipeline.Channel) pipeline.LogLease {
	p.Helper()
	if l := p.leases[c]; l != nil {
		return l
	}
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	l, err := p.log.Acquire(ctx, c)
	p.must(err)
	p.leases[c] = l
	return l
}

func (p *process) close(c pipeline.Channel) {
	p.Helper()
	l := p.leases[c]
	delete(p.leases, c)
	if err := l.Close(p.Context()); err != nil {
		p.Errorf("close the lease: %v", err)
	}
}

func (p *process) append(entries ...pipeline.LogEntry) {
	p.Helper()
	p.must(p.log.Append(p.Context(), entries))
}

// fetch waits for deliveries and hands out at most n.
func (p *process) fetch(q pipeline.Queue, n int) []pipeline.Logged {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	l := p.acquire(q.Channel)
	p.must(l.Await(ctx, q.Priority, n, 0))
	got, err := l.Fetch(ctx, q.Priority, n)
	p.must(err)
	return got
}

// fetchAll hands out until n deliveries have come.
func (p *process) fetchAll(q pipeline.Queue, n int) []pipeline.Logged {
	p.Helper()
	var all []pipeline.Logged
	for len(all) < n {
		all = append(all, p.fetch(q, n-len(all))...)
	}
	return all
}

// nothing checks that nothing comes for a while.
func (p *process) nothing(q pipeline.Queue) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), time.Second)
	defer cancel()
	l := p.acquire(q.Channel)
	if err := l.Await(ctx, q.Priority, 1, 0); !errors.Is(err, context.DeadlineExceeded) {
		got, _ := l.Fetch(p.Context(), q.Priority, 1)
		p.Fatalf("waiting for nothing gave %v, and %+v", err, got)
	}
}

// afterAppend appends to a queue and fetches what was appended.
func (p *process) afterAppend(entries []pipeline.LogEntry) []pipeline.Logged {
	p.Helper()
	p.append(entries...)
	return p.fetchAll(entries[0].Queue(), len(entries))
}

func (p *process) exit(exits ...pipeline.Exit) {
	p.Helper()
	p.must(p.log.Exit(p.Context(), p.acquire(exits[0].Delivery.Channel), exits))
}

func (p *process) deliver(deliveries ...pipeline.Logged) {
	p.Helper()
	exits := make([]pipeline.Exit, len(deliveries))
	for i, d := range deliveries {
		exits[i] = delivered(d)
	}
	p.exit(exits...)
}

func delivered(d pipeline.Logged) pipeline.Exit {
	now := time.Now()
	return pipeline.Exit{Kind: pipeline.Ends, Fact: pipeline.Fact{
		Delivery: d.Delivery, State: pipeline.Delivered, At: now, Attempt: pipeline.Attempt{Provider: "ses", At: now, Class: pipeline.Sent},
	}}
}

func waiting(d pipeline.Logged, wait time.Duration) pipeline.Exit {
	now := time.Now()
	return pipeline.Exit{Kind: pipeline.Waits, Fact: pipeline.Fact{
		Delivery: d.Delivery, State: pipeline.Retrying, At: now, Due: now.Add(wait),
		Attempt: pipeline.Attempt{Provider: "ses", At: now, Class: pipeline.Transient, Error: "busy"},
	}}
}

func (p *process) account(want pipeline.Account) {
	p.Helper()
	pipelinetest.WantAccount(p.T, p.log.Account, want)
}

// takesOver fetches n, and checks that what a former owner had in hand is among
// them, in doubt.
func (p *process) takesOver(inHand []pipeline.Logged, n int) []pipeline.Logged {
	p.Helper()
	open := map[pipeline.ID]bool{}
	for _, d := range inHand {
		open[d.ID] = true
	}
	again := p.fetchAll(emailHigh, n)
	for _, d := range again {
		if open[d.ID] && !d.Doubt {
			p.Errorf("%s was handed out before and is not in doubt", d.ID)
		}
		delete(open, d.ID)
	}
	if len(open) > 0 {
		p.Errorf("%d were handed out, not settled, and not handed out again", len(open))
	}
	return again
}

func (p *process) depth(q pipeline.Queue) pipeline.Depth {
	p.Helper()
	depths, err := p.log.Depths(p.Context())
	p.must(err)
	for _, d := range depths {
		if d.Queue == q {
			return d
		}
	}
	p.Fatalf("no depth of %v", q)
	return pipeline.Depth{}
}

func TestLeaseHandsOutAndSettles(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		p.account(pipeline.Account{})
		p.acquire(pipeline.Email)
		entries := f.entries(emailHigh, 3)
		entries[1].Result = pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}
		entries[2].Check = true
		p.append(entries...)
		p.account(pipeline.Account{Accepted: 3, InFlight: 3})
		got := map[pipeline.ID]pipeline.Logged{}
		for _, d := range p.fetchAll(emailHigh, 3) {
			got[d.ID] = d
		}
		for i := range entries {
			d, ok := got[entries[i].ID]
			if !ok || d.Doubt || d.Undecodable != nil || d.Token != d.Origin || d.Token == (pipeline.Token{}) ||
				d.Result != entries[i].Result || d.Check != entries[i].Check || d.UserID != entries[i].UserID || d.Fetched.IsZero() || !d.Due.Equal(d.AcceptedAt()) {
				t.Errorf("entry %d was handed out as %+v", i, d)
			}
		}
		if l := p.acquire(pipeline.Email); l.Share() != 1 || l.Channel() != pipeline.Email {
			t.Errorf("the only process has %v of %v", l.Share(), l.Channel())
		}
		p.nothing(emailHigh)
		if d := p.depth(emailHigh); d.Waiting != 0 || d.Windowed != 3 {
			t.Errorf("with all handed out the depth is %+v", d)
		}
		p.deliver(got[entries[0].ID])
		suppressed := delivered(got[entries[1].ID])
		suppressed.State, suppressed.Attempt = pipeline.Suppressed, pipeline.Attempt{}
		p.exit(suppressed)
		want := pipeline.Account{Accepted: 3, Delivered: 1, Suppressed: 1, InFlight: 1}
		p.account(want)
		p.deliver(got[entries[0].ID]) // again
		p.exit(suppressed)
		p.account(want)
	})
}

func TestLeaseKeepsOrder(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		const each = 500
		for n := range each {
			var entries []pipeline.LogEntry
			for user := range uint32(5) {
				e := testEntry(emailHigh, user)
				e.ID = pipeline.IDKey{1}.Make(e.ID.Time(), &e.Notification, uint32(n))
				entries = append(entries, e)
			}
			p.append(entries...)
		}
		next := map[string]uint32{}
		for range each * 5 / 50 {
			got := p.fetchAll(emailHigh, 50)
			for _, d := range got {
				if d.ID.Sequence() != next[d.UserID] {
					t.Fatalf("%s: handed out number %d, want %d", d.UserID, d.ID.Sequence(), next[d.UserID])
				}
				next[d.UserID]++
			}
			p.deliver(got...)
		}
		p.account(pipeline.Account{Accepted: 5 * each, Delivered: 5 * each})
	})
}

func TestLeaseAwaits(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		l := p.acquire(pipeline.Email)
		p.nothing(emailHigh)
		e := f.entries(emailHigh, 2)
		for i := range e {
			e[i].ID = pipeline.IDKey{1}.Make(time.Now(), &e[i].Notification, uint32(i))
		}
		began := time.Now()
		p.append(e[0])
		p.must(l.Await(t.Context(), pipeline.High, 2, 3*time.Second))
		if waited := time.Since(began); waited < 3*time.Second || waited > 3100*time.Millisecond {
			t.Errorf("a lone record waited %v, want 3 s", waited)
		}
		p.fetchAll(emailHigh, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan error)
		go func() { done <- l.Await(ctx, pipeline.High, 2, time.Hour) }()
		p.append(f.entries(emailHigh, 1)...)
		p.append(e[1])
		began = time.Now()
		p.must(<-done)
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("a full batch waited %v", waited)
		}
	})
}

// TestLeaseIsCheapWhenIdle counts what an idle lease asks of the brokers, which is
// no reason for a record to wait when one comes.
func TestLeaseIsCheapWhenIdle(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		p.deliver(p.afterAppend(f.entries(emailHigh, 1))...)
		var fetches, commits atomic.Int32
		f.cluster.ControlKey(kmsg.Fetch.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			f.cluster.KeepControl()
			fetches.Add(1)
			return nil, nil, false
		})
		f.cluster.ControlKey(kmsg.OffsetCommit.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			f.cluster.KeepControl()
			commits.Add(1)
			return nil, nil, false
		})
		const idle = 20 * time.Second
		time.Sleep(idle)
		if n, most := fetches.Load(), int32(3*(idle/idleWait+1)); n == 0 || n > most {
			t.Errorf("%d requests to three leaders in %v, want %d at most", n, idle, most)
		}
		if n := commits.Load(); n != 0 {
			t.Errorf("%d commits of nothing", n)
		}
		began := time.Now()
		p.afterAppend(f.entries(emailHigh, 1))
		if waited := time.Since(began); waited > idleWait/5 {
			t.Errorf("a record waited %v", waited)
		}
	})
}

// A commit costs one round trip: the coordinator is known from the one before,
// and looked for again only when it refuses since another took its place.
func TestLeaseKnowsItsCoordinator(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		p.deliver(p.afterAppend(f.entries(emailHigh, 1))...)
		var searches, commits, refusals atomic.Int32
		f.cluster.ControlKey(kmsg.FindCoordinator.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			f.cluster.KeepControl()
			searches.Add(1)
			return nil, nil, false
		})
		var refuse atomic.Bool
		f.cluster.ControlKey(kmsg.OffsetCommit.Int16(), func(request kmsg.Request) (kmsg.Response, error, bool) {
			f.cluster.KeepControl()
			commits.Add(1)
			if !refuse.Swap(false) {
				return nil, nil, false
			}
			refusals.Add(1)
			return refusedBy(request.(*kmsg.OffsetCommitRequest), kafkago.NotCoordinatorForGroup), nil, true
		})
		const rounds = 10
		for range rounds {
			p.deliver(p.afterAppend(f.entries(emailHigh, 1))...)
		}
		if n := searches.Load(); commits.Load() < rounds || n != 0 {
			t.Errorf("%d commits, and the coordinator was looked for %d times", commits.Load(), n)
		}
		refuse.Store(true)
		p.deliver(p.afterAppend(f.entries(emailHigh, 1))...)
		if n := searches.Load(); refusals.Load() != 1 || n != 1 {
			t.Errorf("%d commits were refused, and the coordinator was looked for %d times", refusals.Load(), n)
		}
		p.account(pipeline.Account{Accepted: rounds + 2, Delivered: rounds + 2})
	})
}

// refusedBy answers a commit with an error for each of its partitions.
func refusedBy(request *kmsg.OffsetCommitRequest, reason kafkago.Error) kmsg.Response {
	answer := request.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, topic := range request.Topics {
		refused := kmsg.OffsetCommitResponseTopic{Topic: topic.Topic}
		for _, p := range topic.Partitions {
			refused.Partitions = append(refused.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition, ErrorCode: int16(reason)})
		}
		answer.Topics = append(answer.Topics, refused)
	}
	return answer
}

func TestLeaseEndsWhenClosed(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		l := p.acquire(pipeline.Email)
		if _, err := p.log.Acquire(t.Context(), pipeline.Email); !errors.Is(err, errLeased) {
			t.Errorf("a second lease of the channel gave %v", err)
		}
		p.append(f.entries(emailHigh, 1)...)
		d := p.fetchAll(emailHigh, 1)
		waits := make(chan error)
		go func() { waits <- l.Await(t.Context(), pipeline.Low, 1, 0) }()
		p.close(pipeline.Email)
		if err := <-waits; !errors.Is(err, pipeline.ErrLeaseEnded) {
			t.Errorf("waiting for a lease that was closed gave %v", err)
		}
		if _, err := l.Fetch(t.Context(), pipeline.High, 1); !errors.Is(err, pipeline.ErrLeaseEnded) {
			t.Errorf("fetching of a lease that was closed gave %v", err)
		}
		if err := p.log.Exit(t.Context(), l, []pipeline.Exit{delivered(d[0])}); !errors.Is(err, pipeline.ErrFenced) {
			t.Errorf("an exit of a lease that was closed gave %v", err)
		}
		select {
		case <-l.Ending():
		default:
			t.Error("a lease that was closed does not end")
		}
		p.must(l.Close(t.Context()))
		again := p.fetchAll(emailHigh, 1)
		if !again[0].Doubt {
			t.Error("what was handed out and not settled is not in doubt")
		}
		p.deliver(again...)
		p.account(pipeline.Account{Accepted: 1, Delivered: 1})
	})
}

func TestLeaseGivesUpWaiting(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.log.Acquire(over, pipeline.Email); !errors.Is(err, context.Canceled) {
			t.Errorf("gave %v to who no longer asked", err)
		}
		f.faults.down.Store(true) // nobody can join the group
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.log.Acquire(short, pipeline.Email); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gave %v to who had waited in vain", err)
		}
		f.faults.down.Store(false)
		p.acquire(pipeline.Email)
	})
}

func TestLeaseLeavesNothingInDoubtInOrder(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		p.append(f.entries(emailHigh, 30)...)
		got := p.fetchAll(emailHigh, 20)
		p.deliver(got[5:]...) // beyond the marks
		p.deliver(got[:5]...)
		p.close(pipeline.Email)
		for _, d := range p.fetchAll(emailHigh, 10) {
			if d.Doubt {
				t.Fatalf("%s is in doubt after an orderly end", d.ID)
			}
			p.deliver(d)
		}
		p.nothing(emailHigh)
		p.account(pipeline.Account{Accepted: 30, Delivered: 30})
	})
}

func TestLeaseTakesOverFromTheDead(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		dead := f.another(t)
		p.append(f.entries(emailHigh, 60)...)
		got := dead.fetchAll(emailHigh, 40)
		dead.deliver(got[10:20]...)
		dead.sever()
		again := p.takesOver(append(got[:10:10], got[20:]...), 50)
		p.nothing(emailHigh)
		p.deliver(again...)
		p.account(pipeline.Account{Accepted: 60, Delivered: 60})
		if err := dead.log.Exit(t.Context(), dead.leases[pipeline.Email], []pipeline.Exit{delivered(got[0])}); !errors.Is(err, pipeline.ErrFenced) {
			t.Errorf("an exit of the dead gave %v", err)
		}
		dead.faults.down.Store(false)
		dead.shut()
		p.account(pipeline.Account{Accepted: 60, Delivered: 60})
	})
}

func TestLeaseDrainsForAnother(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		first, second := f.process(t), f.another(t)
		defer first.shut()
		first.append(f.entries(emailHigh, 200)...)
		got := first.fetchAll(emailHigh, 50)
		l := first.acquire(pipeline.Email)
		joined := make(chan pipeline.LogLease)
		go func() {
			l, err := second.log.Acquire(t.Context(), pipeline.Email)
			second.must(err)
			joined <- l
		}()
		<-l.Ending()
		if _, err := l.Fetch(t.Context(), pipeline.High, 1); !errors.Is(err, pipeline.ErrLeaseEnded) {
			t.Errorf("a lease that ends hands out, or says %v", err)
		}
		first.deliver(got...)
		first.close(pipeline.Email)
		first.acquire(pipeline.Email)
		second.leases[pipeline.Email] = <-joined
		shares := first.acquire(pipeline.Email).Share() + second.acquire(pipeline.Email).Share()
		if shares != 1 {
			t.Errorf("together they have %v of the channel", shares)
		}
		seen := map[pipeline.ID]bool{}
		for range 150 {
			for _, p := range []*process{first, second} {
				got, err := p.acquire(pipeline.Email).Fetch(t.Context(), pipeline.High, 10)
				p.must(err)
				for _, d := range got {
					if d.Doubt || seen[d.ID] {
						t.Fatalf("%s: doubt %v, handed out before %v", d.ID, d.Doubt, seen[d.ID])
					}
					seen[d.ID] = true
				}
				if len(got) > 0 {
					p.deliver(got...)
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		second.account(pipeline.Account{Accepted: 200, Delivered: 200})
		second.shut()
		<-first.acquire(pipeline.Email).Ending()
		first.close(pipeline.Email)
		if share := first.acquire(pipeline.Email).Share(); share != 1 {
			t.Errorf("alone again, it has %v of the channel", share)
		}
		first.nothing(emailHigh)
	})
}

// TestLeaseIsTakenAwayFromWhoDoesNotDrain lets a lease's owner sleep: it is over
// after the time to drain, and what it had not settled is in doubt.
func TestLeaseIsTakenAwayFromWhoDoesNotDrain(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		first, second := f.process(t), f.another(t)
		defer first.shut()
		defer second.shut()
		first.append(f.entries(emailHigh, 50)...)
		got := first.fetchAll(emailHigh, 50)
		first.deliver(got[:20]...)
		second.acquire(pipeline.Email)
		if err := first.log.Exit(t.Context(), first.leases[pipeline.Email], []pipeline.Exit{delivered(got[49])}); !errors.Is(err, pipeline.ErrFenced) {
			t.Errorf("an exit after the time to drain gave %v", err)
		}
		first.close(pipeline.Email)
		first.acquire(pipeline.Email)
		var again []pipeline.Logged
		for _, p := range []*process{first, second} {
			l := p.acquire(pipeline.Email)
			for range 100 {
				time.Sleep(10 * time.Millisecond)
				got, err := l.Fetch(t.Context(), pipeline.High, 50)
				p.must(err)
				for _, d := range got {
					if !d.Doubt {
						t.Errorf("%s is not in doubt", d.ID)
					}
					p.deliver(d)
				}
				again = append(again, got...)
			}
		}
		if len(again) != 30 {
			t.Errorf("%d were handed out again, want 30", len(again))
		}
		first.account(pipeline.Account{Accepted: 50, Delivered: 50})
	})
}

func TestLeaseRefusesLostRecords(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, f *fake, p *process)
	}{
		{"deleted before they left", func(t *testing.T, f *fake, p *process) {
			for number := range f.log.topics.main(emailHigh).partitions {
				p.must(f.log.deleteRecords(t.Context(), map[topicPartition]int64{{f.log.topics.main(emailHigh).name, number}: 3}))
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFake(t, func(t *testing.T, f *fake) {
				p := f.process(t)
				defer p.shut()
				p.append(f.entries(emailHigh, 60)...)
				p.deliver(p.fetchAll(emailHigh, 1)...)
				p.close(pipeline.Email)
				c.damage(t, f, p)
				_, err := p.log.Acquire(t.Context(), pipeline.Email)
				var lost *LossError
				if !errors.As(err, &lost) {
					t.Fatalf("acquiring gave %v", err)
				}
				t.Log(err)
			})
		})
	}
}

func TestLeaseHandsOutWhatCannotBeRead(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		name := f.log.topics.main(emailHigh).name
		foreign := f.entries(pipeline.Queue{Channel: pipeline.Push, Priority: pipeline.High}, 1)[0]
		for _, err := range f.log.producer.produce(t.Context(), []message{
			{topic: name, partition: 1, value: []byte("?")},
			{topic: name, partition: 2, value: appendEntry(nil, &foreign)},
		}) {
			p.must(err)
		}
		got := p.fetchAll(emailHigh, 2)
		for _, d := range got {
			if d.Undecodable == nil || d.Queue() != emailHigh || d.Token == (pipeline.Token{}) {
				t.Errorf("handed out %+v", d)
			}
			dead := delivered(d)
			dead.State, dead.Attempt = pipeline.Dead, pipeline.Attempt{}
			p.exit(dead)
		}
		p.account(pipeline.Account{Accepted: 2, Dead: 2})
	})
}

// TestLeaseWindowIsBounded never settles, and gets no more than a window of each
// partition.
func TestLeaseWindowIsBounded(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		const more = 500
		e := testEntry(emailHigh, 7)
		for range (windowSize + more) / 500 {
			entries := make([]pipeline.LogEntry, 500)
			for i := range entries {
				f.nextID++
				entries[i] = e
				entries[i].ID = pipeline.IDKey{1}.Make(e.ID.Time(), &e.Notification, f.nextID)
			}
			p.append(entries...)
		}
		total := int(f.nextID)
		var got []pipeline.Logged
		l := p.acquire(pipeline.Email)
		for range 1000 {
			n, err := l.Fetch(t.Context(), pipeline.High, 1000)
			p.must(err)
			got = append(got, n...)
			time.Sleep(5 * time.Millisecond)
		}
		if len(got) != windowSize {
			t.Fatalf("%d were handed out, want a window of %d", len(got), windowSize)
		}
		p.deliver(got[1:]...)
		p.nothing(emailHigh)
		p.deliver(got[0])
		p.deliver(p.fetchAll(emailHigh, total-windowSize)...)
		p.account(pipeline.Account{Accepted: int64(total), Delivered: int64(total)})
	})
}

// hold leases e-mail again and again, as delivery does, until it is stopped.
func (p *process) hold() (stop func()) {
	ctx, cancel := context.WithCancel(p.Context())
	var holding sync.WaitGroup
	holding.Go(func() {
		for {
			l, err := p.log.Acquire(ctx, pipeline.Email)
			if err != nil {
				return
			}
			select {
			case <-l.Ending():
			case <-ctx.Done():
			}
			if err := l.Close(context.WithoutCancel(ctx)); err != nil {
				p.Error(err)
			}
		}
	})
	return func() {
		cancel()
		holding.Wait()
	}
}

// TestLeaseShares divides a channel of 20 partitions, of which 12 are of main
// topics, over three processes.
func TestLeaseShares(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		processes := []*process{f.process(t), f.another(t), f.another(t)}
		var stops []func()
		for _, p := range processes {
			stops = append(stops, p.hold())
		}
		time.Sleep(time.Minute)
		sum, least := 0.0, 1.0
		for _, p := range processes {
			l := p.log.groups.holding(pipeline.Email)
			if l == nil {
				t.Fatal("a process has no lease")
			}
			sum, least = sum+l.Share(), min(least, l.Share())
		}
		if sum < 0.999 || sum > 1.001 || least < 0.25 {
			t.Errorf("the shares add up to %v, the least is %v", sum, least)
		}
		for i, p := range processes {
			stops[i]()
			p.shut()
		}
	})
}

// TestLeaseWaitsForAPartition has six processes for five partitions: the one that
// has none waits, as a member of the group, and gets what another gives up.
func TestLeaseWaitsForAPartition(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		cfg := f.config()
		cfg.Prefix, cfg.Partitions = "few", 1
		var processes []*process
		var stops []func()
		for range 6 {
			p := f.under(t, cfg)
			processes, stops = append(processes, p), append(stops, p.hold())
		}
		time.Sleep(2 * time.Minute)
		var without []*process
		leaver := -1
		for i, p := range processes {
			switch l := p.log.groups.holding(pipeline.Email); {
			case l == nil:
				without = append(without, p)
			case l.Share() <= 0 || l.Share() > 1:
				t.Errorf("a lease has %v of the channel", l.Share())
			default:
				leaver = i
			}
		}
		if len(without) != 1 {
			t.Fatalf("%d of 6 processes have none of 5 partitions", len(without))
		}
		stops[leaver]()
		time.Sleep(time.Minute)
		if without[0].log.groups.holding(pipeline.Email) == nil {
			t.Error("a partition was given up, and who waits has none")
		}
		for i, p := range processes {
			stops[i]()
			p.shut()
		}
	})
}

// TestLeaseLooksUpWhatNoCommitKnows lets Kafka forget what a group committed, as
// it does when the group has been empty for a week. What has left by then is not
// sent again unasked, whoever reads it at last, and what comes later is new.
func TestLeaseLooksUpWhatNoCommitKnows(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		p.acquire(pipeline.Email)
		sent := f.entries(emailHigh, 20)
		p.append(sent...)
		p.deliver(p.fetchAll(emailHigh, len(sent))...)
		p.close(pipeline.Email)
		group := p.log.groupOf(pipeline.Email)
		answer, err := p.log.client().DeleteGroups(t.Context(), &kafkago.DeleteGroupsRequest{Addr: p.log.addr, GroupIDs: []string{group}})
		if err != nil || answer.Errors[group] != nil {
			t.Fatalf("delete the group: %v, %v", err, answer)
		}

		p.acquire(pipeline.Email)
		p.append(f.entries(emailHigh, 20)...)
		p.close(pipeline.Email) // which commits
		checked := 0
		for _, d := range p.fetchAll(emailHigh, 40) {
			old := slices.ContainsFunc(sent, func(e pipeline.LogEntry) bool { return e.ID == d.ID })
			if d.Check != old || d.Doubt {
				t.Errorf("of the old %t: check %t, doubt %t", old, d.Check, d.Doubt)
			}
			if d.Check {
				checked++
			}
		}
		if checked != len(sent) {
			t.Errorf("%d of %d are looked up", checked, len(sent))
		}
		p.shut()
	})
}
