package pebble

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// A retry that is being written is not passed over by a fetch that sees a later
// one: it would wait for the next start.
func TestFetchDoesNotPassWhatIsBeingWritten(t *testing.T) {
	s := open(t, vfs.NewMem())
	defer closeStore(t, s)
	minter := pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3})
	began := time.Now().Truncate(time.Millisecond)
	admissions := make([]pipeline.Admission, 2)
	for i := range admissions {
		n := pipeline.Notification{UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional}
		admissions[i] = pipeline.Admission{
			Record: pipeline.Record{ID: minter.Make(began, &n, minter.Reserve(1)), Notification: n},
			Result: pipeline.Result{State: pipeline.Queued}, Claim: -1,
		}
	}
	r, err := s.Reserve(t.Context(), nil)
	must(t, err)
	defer r.Release()
	must(t, r.Commit(t.Context(), admissions))
	l, err := s.Acquire(t.Context(), pipeline.Email)
	must(t, err)
	fetch := func(want int) []*pipeline.Delivery {
		t.Helper()
		must(t, l.Await(t.Context(), pipeline.High, want, 0))
		deliveries, err := l.Fetch(t.Context(), pipeline.High, 10)
		must(t, err)
		if len(deliveries) != want {
			t.Fatalf("%d were handed out, want %d", len(deliveries), want)
		}
		return deliveries
	}
	retry := func(d *pipeline.Delivery, due time.Time) []pipeline.Fact {
		return []pipeline.Fact{{
			Delivery: d, State: pipeline.Retrying, At: began, Due: due,
			Attempt: pipeline.Attempt{Provider: "sendgrid", At: began, Class: pipeline.Transient},
		}}
	}
	both := fetch(2)
	must(t, s.Settle(t.Context(), l, retry(both[1], began.Add(time.Millisecond))))
	time.Sleep(time.Until(began.Add(2 * time.Millisecond)))

	earlier := newSettlement(s, retry(both[0], began))
	during := &handout{lane: s.lane(pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.High})}
	var fetched error
	must(t, s.writer.submit(t.Context(), func(g *group) {
		earlier.build(g)
		fetched = s.fetchRetries(during, 10)
	}, earlier.publish))
	must(t, fetched)
	if len(during.deliveries) != 0 {
		t.Errorf("%d were taken that lie behind what was being written", len(during.deliveries))
	}
	if again := fetch(2); again[0].ID != both[0].ID || again[1].ID != both[1].ID {
		t.Errorf("the retries came as %s and %s, want %s and %s", again[0].ID, again[1].ID, both[0].ID, both[1].ID)
	}
	must(t, l.Close(t.Context()))
}
