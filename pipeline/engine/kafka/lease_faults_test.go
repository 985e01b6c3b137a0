package kafka

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// workload appends to a queue, and hands out, retries and settles what comes, for
// as long as a fault lasts, and until all has ended after it.
type workload struct {
	*process
	accepted, doubts int
	// rows is the last exit noted of each id, before it was given to the log, as
	// a history has it.
	rows   map[pipeline.ID]pipeline.Exit
	serial int
}

// ended counts the ids that have an outcome.
func (w *workload) ended() (n int) {
	for _, row := range w.rows {
		if row.State.Terminal() {
			n++
		}
	}
	return n
}

// decide says how a record leaves, by what was noted of it: the exit of its own
// again, if it was not counted; or, since a copy went on, as what that makes it.
func (w *workload) decide(d pipeline.Logged) pipeline.Exit {
	row, noted := w.rows[d.ID]
	leaves := func(k pipeline.ExitKind) pipeline.Exit {
		return pipeline.Exit{Kind: k, Fact: pipeline.Fact{Delivery: d.Delivery}}
	}
	switch {
	case !noted:
	case row.Delivery.Origin != d.Origin: // appended twice
		return leaves(pipeline.Repeats)
	case row.Delivery.Token == d.Token:
		row.Delivery, row.Check = d.Delivery, row.Kind == pipeline.Waits
		return row
	case d.Token == d.Origin:
		return leaves(pipeline.Waiting)
	case !row.Delivery.Due.Before(d.Due):
		return leaves(pipeline.Repeats)
	}
	w.serial++
	if w.serial%4 == 0 && len(d.Attempts) < 3 {
		return waiting(d, 100*time.Millisecond)
	}
	return delivered(d)
}

// appendSome appends, again until the cluster takes it.
func (w *workload) appendSome(f *fake, n int) {
	w.Helper()
	entries := f.entries(emailHigh, n)
	for deadline := time.Now().Add(patience); ; {
		err := w.log.Append(w.Context(), entries)
		switch {
		case err == nil:
			w.accepted += n
			return
		case errors.Is(err, pipeline.ErrAmbiguous):
			for i := range entries { // as an intake that resumes
				entries[i].Check = true
			}
		}
		if time.Now().After(deadline) {
			w.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// serve hands out and settles until a time, and begins again when its lease
// ends.
func (w *workload) serve(until time.Time) {
	w.Helper()
	for time.Now().Before(until) {
		ctx, cancel := context.WithDeadline(w.Context(), until.Add(patience))
		l, err := w.log.Acquire(ctx, pipeline.Email)
		w.must(err)
		for time.Now().Before(until) && w.serveOnce(ctx, l) {
			time.Sleep(20 * time.Millisecond)
		}
		w.must(l.Close(ctx))
		cancel()
	}
}

func (w *workload) serveOnce(ctx context.Context, l pipeline.LogLease) bool {
	w.Helper()
	got, err := l.Fetch(ctx, pipeline.High, 20)
	if errors.Is(err, pipeline.ErrLeaseEnded) {
		return false
	}
	w.must(err)
	exits := make([]pipeline.Exit, len(got))
	for i, d := range got {
		if d.Doubt {
			w.doubts++
		}
		exits[i] = w.decide(d)
		if k := exits[i].Kind; k == pipeline.Ends || k == pipeline.Waits {
			w.rows[d.ID] = exits[i]
		}
	}
	if err = w.log.Exit(ctx, l, exits); errors.Is(err, pipeline.ErrFenced) {
		return false
	}
	w.must(err)
	return true
}

// coordinator is the node that coordinates the group of e-mail.
func (w *workload) coordinator() string {
	w.Helper()
	answer, err := w.log.client().FindCoordinator(w.Context(), &kafkago.FindCoordinatorRequest{
		Addr: w.log.addr, Key: w.log.groupOf(pipeline.Email), KeyType: kafkago.CoordinatorKeyTypeConsumer,
	})
	w.must(err)
	w.must(answer.Error)
	return fmt.Sprintf("kafka-%d", answer.Coordinator.NodeID)
}

// TestBrokersFail kills the broker that coordinates the group, and leads
// partitions as each does, and then all of them at once.
func TestBrokersFail(t *testing.T) {
	all := pipelinetest.Nodes(t, "kafka-1", "kafka-2", "kafka-3")
	w := &workload{process: inBrokers(t)(), rows: map[pipeline.ID]pipeline.Exit{}}
	f := &fake{}
	w.appendSome(f, 200)
	w.serve(time.Now().Add(time.Second))
	one := pipelinetest.Nodes(t, w.coordinator())
	one.Kill()
	w.appendSome(f, 200)
	w.serve(time.Now().Add(5 * time.Second))
	one.Start()
	w.appendSome(f, 200)
	served := make(chan struct{})
	go func() {
		defer close(served)
		w.serve(time.Now().Add(15 * time.Second)) // holds a lease while nothing answers
	}()
	all.Kill()
	all.Start()
	<-served
	w.appendSome(f, 200)
	for deadline := time.Now().Add(patience); w.ended() < w.accepted && time.Now().Before(deadline); {
		w.serve(time.Now().Add(time.Second))
	}
	account, err := w.log.Account(t.Context())
	w.must(err)
	if w.ended() != w.accepted || account.Accepted != int64(w.accepted) || account.Delivered != account.Accepted || account.InFlight != 0 {
		t.Errorf("%d were accepted, %d ended, and the account is %+v", w.accepted, w.ended(), account)
	}
	t.Logf("%d were accepted, %d handed out in doubt", w.accepted, w.doubts)
	w.shut()
}
