package kafka

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// TestRetentionDeletesWhatLeft checks that what left is deleted some time later,
// and nothing else, and that the next owner does not mind.
func TestRetentionDeletesWhatLeft(t *testing.T) {
	inFake(t, func(t *testing.T, f *fake) {
		p := f.process(t)
		defer p.shut()
		e := testEntry(emailHigh, 7) // of one user, and so of one partition
		of := f.log.topics.main(emailHigh)
		where := topicPartition{of.name, of.partitionOf(e.ID)}
		const each, slices, left = 500, 24, 300
		for range slices {
			entries := make([]pipeline.LogEntry, each)
			for i := range entries {
				f.nextID++
				entries[i] = e
				entries[i].ID = pipeline.IDKey{1}.Make(e.ID.Time(), &e.Notification, f.nextID)
			}
			p.append(entries...)
		}
		got := p.fetchAll(emailHigh, each*slices)
		p.deliver(got[:len(got)-left]...)
		began := func() int64 {
			firsts, err := f.log.offsets(t.Context(), []topicPartition{where}, atFirst)
			p.must(err)
			return firsts[where]
		}
		time.Sleep(retainFor - time.Second)
		if first := began(); first != 0 {
			t.Errorf("before its time all below %d was deleted", first)
		}
		time.Sleep(2 * retainFor)
		if first := began(); first != each*slices-left {
			t.Errorf("the log begins at %d, want %d", first, each*slices-left)
		}
		p.close(pipeline.Email)
		p.deliver(p.fetchAll(emailHigh, left)...)
		p.account(pipeline.Account{Accepted: each * slices, Delivered: each * slices})
	})
}
