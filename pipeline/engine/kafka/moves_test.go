package kafka

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// TestLeaseFollowsTheCluster moves leaders and coordinators about while records
// are handed out, retried and settled.
func TestLeaseFollowsTheCluster(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		const rounds, each = 12, 20
		ended := 0
		for round := range rounds {
			p.append(f.entries(emailHigh, each)...)
			switch round % 3 {
			case 0:
				f.cluster.ShufflePartitionLeaders()
			case 1:
				for number := range f.log.topics.main(emailHigh).partitions {
					p.must(f.cluster.MoveTopicPartition(f.log.topics.main(emailHigh).name, number, int32(round)%3))
				}
			}
			got := p.fetchAll(emailHigh, each)
			exits := make([]pipeline.Exit, len(got))
			for i, d := range got {
				if d.Doubt {
					t.Fatalf("%s is in doubt", d.ID)
				}
				exits[i] = waiting(d, time.Second)
				if i%4 > 0 || len(d.Attempts) > 2 {
					exits[i] = delivered(d)
					ended++
				}
			}
			if round%3 == 1 {
				f.cluster.ShufflePartitionLeaders()
			}
			p.exit(exits...)
			p.account(pipeline.Account{Accepted: int64(each * (round + 1)), Delivered: int64(ended), InFlight: int64(each*(round+1) - ended)})
		}
		for ended < rounds*each {
			got := p.fetch(emailHigh, 100)
			p.deliver(got...)
			ended += len(got)
		}
		p.account(pipeline.Account{Accepted: rounds * each, Delivered: rounds * each})
	})
}

// TestLeaseSurvivesAnotherCoordinator moves the group's coordinator: the lease
// may end for it, and what was sent is settled all the same.
func TestLeaseSurvivesAnotherCoordinator(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		p.append(f.entries(emailHigh, 40)...)
		got := p.fetchAll(emailHigh, 20)
		f.cluster.RehashCoordinators()
		p.deliver(got...)
		p.account(pipeline.Account{Accepted: 40, Delivered: 20, InFlight: 20})
		select {
		case <-p.leases[pipeline.Email].Ending():
			p.close(pipeline.Email)
		case <-time.After(time.Minute):
		}
		for _, d := range p.fetchAll(emailHigh, 20) {
			if d.Doubt {
				t.Errorf("%s is in doubt", d.ID)
			}
			p.deliver(d)
		}
		p.account(pipeline.Account{Accepted: 40, Delivered: 40})
	})
}
