package kafka

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// inBrokers gives processes over topics of the test's own in the real brokers.
func inBrokers(t *testing.T) func() *process {
	t.Helper()
	cfg := inEngine(t, "kafka")
	cfg.Delays = []time.Duration{500 * time.Millisecond, 2 * time.Second}
	cfg.SessionTimeout, cfg.DrainTime = 6*time.Second, 3*time.Second // the brokers' least
	mustOpen(t, cfg)                                                 // deletes the topics in the end
	return func() *process {
		t.Helper()
		p := &process{T: t, faults: &faultyNetwork{dial: new(net.Dialer).DialContext}, leases: map[pipeline.Channel]pipeline.LogLease{}}
		own := cfg
		own.Dial = p.faults.Dial
		log, err := Open(t.Context(), own)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		p.log = log
		return p
	}
}

func TestBrokersHandOutAndSettle(t *testing.T) {
	begin := inBrokers(t)
	p := begin()
	f := &fake{}
	p.append(f.entries(emailHigh, 1000)...)
	p.account(pipeline.Account{Accepted: 1000, InFlight: 1000})
	got := p.fetchAll(emailHigh, 1000)
	p.exit(waiting(got[0], 100*time.Millisecond), waiting(got[1], time.Second), waiting(got[2], 3*time.Second))
	p.deliver(got[3:]...)
	p.account(pipeline.Account{Accepted: 1000, Delivered: 997, InFlight: 3})
	for _, d := range p.fetchAll(emailHigh, 3) {
		if d.Doubt || len(d.Attempts) != 1 {
			t.Errorf("a retry came back as %+v", d)
		}
		p.deliver(d)
	}
	p.account(pipeline.Account{Accepted: 1000, Delivered: 1000})
	p.append(f.entries(emailHigh, 10)...)
	p.deliver(p.fetchAll(emailHigh, 5)...)
	p.shut()

	next := begin()
	defer next.shut()
	for _, d := range next.fetchAll(emailHigh, 5) {
		if d.Doubt {
			t.Errorf("%s is in doubt after an orderly end", d.ID)
		}
		next.deliver(d)
	}
	next.nothing(emailHigh)
	next.account(pipeline.Account{Accepted: 1010, Delivered: 1010})
}

func TestBrokersRebalance(t *testing.T) {
	begin := inBrokers(t)
	first, second := begin(), begin()
	defer first.shut()
	first.append((&fake{}).entries(emailHigh, 400)...)
	got := first.fetchAll(emailHigh, 100)
	joined := make(chan pipeline.LogLease)
	go func() {
		l, err := second.log.Acquire(t.Context(), pipeline.Email)
		second.must(err)
		joined <- l
	}()
	<-first.acquire(pipeline.Email).Ending()
	first.deliver(got...)
	first.close(pipeline.Email)
	first.acquire(pipeline.Email)
	second.leases[pipeline.Email] = <-joined
	left := 300
	for _, p := range []*process{first, second} {
		l := p.acquire(pipeline.Email)
		if l.Share() != 0.5 {
			t.Errorf("one of two has %v of the channel", l.Share())
		}
		for quiet := 0; quiet < 20; quiet++ {
			got, err := l.Fetch(t.Context(), pipeline.High, 50)
			p.must(err)
			for _, d := range got {
				if d.Doubt {
					t.Fatalf("%s is in doubt", d.ID)
				}
			}
			if len(got) > 0 {
				p.deliver(got...)
				left, quiet = left-len(got), 0
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	if left != 0 {
		t.Errorf("%d were not handed out", left)
	}
	second.account(pipeline.Account{Accepted: 400, Delivered: 400})
	second.shut()
	<-first.acquire(pipeline.Email).Ending()
}

func TestBrokersTakeOver(t *testing.T) {
	begin := inBrokers(t)
	dead, p := begin(), begin()
	defer p.shut()
	p.append((&fake{}).entries(emailHigh, 60)...)
	got := dead.fetchAll(emailHigh, 40)
	dead.deliver(got[10:20]...)
	dead.exit(waiting(got[0], 10*time.Millisecond))
	dead.sever()
	again := p.takesOver(append(got[1:10:10], got[20:]...), 50)
	p.deliver(again...)
	p.account(pipeline.Account{Accepted: 60, Delivered: 60})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = dead.leases[pipeline.Email].Close(ctx)
	dead.leases = nil
	dead.faults.down.Store(false)
	dead.shut()
	p.account(pipeline.Account{Accepted: 60, Delivered: 60})
}

// BenchmarkLease hands out and settles a backlog of e-mails, in batches of 500.
func BenchmarkLease(b *testing.B) {
	cfg := inEngine(b, "kafka")
	cfg.Log = nil
	l := mustOpen(b, cfg)
	const slice = 1000
	b.StopTimer()
	for n := 0; n < b.N; n += slice {
		if err := l.Append(b.Context(), (&fake{nextID: uint32(n)}).entries(emailHigh, slice)); err != nil {
			b.Fatal(err)
		}
	}
	total := (b.N + slice - 1) / slice * slice
	lease, err := l.Acquire(b.Context(), pipeline.Email)
	if err != nil {
		b.Fatal(err)
	}
	before := processorTime(b)
	b.ReportAllocs()
	b.StartTimer()
	var exits []pipeline.Exit
	for n := 0; n < total; {
		if err := lease.Await(b.Context(), pipeline.High, 500, 0); err != nil {
			b.Fatal(err)
		}
		got, err := lease.Fetch(b.Context(), pipeline.High, 500)
		if err != nil {
			b.Fatal(err)
		}
		for _, d := range got {
			exits = append(exits, delivered(d))
		}
		if n += len(got); len(exits) >= 2000 || n == total {
			if err := l.Exit(b.Context(), lease, exits); err != nil {
				b.Fatal(err)
			}
			exits = exits[:0]
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(processorTime(b)-before)/float64(total), "cpu-ns/record")
	if err := lease.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}
