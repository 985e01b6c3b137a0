package kafka

import (
	"context"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/notifyctl/notifyctl/pipeline"
)

// TestGenerationThatEndsAtItsFirstCommit has another generation begin while the
// first commit of one is on its way, as happens when processes start together:
// since nobody was given a record, none is in doubt afterwards.
func TestGenerationThatEndsAtItsFirstCommit(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		p.append(f.entries(emailHigh, 40)...)
		ctx, end := context.WithCancel(t.Context())
		f.cluster.ControlKey(kmsg.OffsetCommit.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			end()
			return nil, nil, false // and it is made
		})
		// A commit of no generation is taken from a group without members.
		generation := &kafkago.Generation{ID: -1, GroupID: p.log.groupOf(pipeline.Email), Assignments: map[string][]kafkago.PartitionAssignment{}}
		for _, topic := range p.log.topics.channel(pipeline.Email).all() {
			for n := range topic.partitions {
				generation.Assignments[topic.name] = append(generation.Assignments[topic.name], kafkago.PartitionAssignment{ID: int(n)})
			}
		}
		m := &membership{log: p.log, channel: pipeline.Email, name: generation.GroupID, balancer: &balancer{}, offers: make(chan offer)}
		m.serve(ctx, generation)
		for _, d := range p.fetchAll(emailHigh, 40) {
			if d.Doubt {
				t.Fatalf("%s is in doubt, and was handed out to nobody", d.ID)
			}
			p.deliver(d)
		}
		p.account(pipeline.Account{Accepted: 40, Delivered: 40})
	})
}
