package kafka

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// TestDrawnBackFrontier compares the frontier of an orderly end with the least
// one that leaves nothing out, found record by record.
func TestDrawnBackFrontier(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		const records = 60
		o := newOwned(&topic{}, 0, 1, &commit{frontier: rapid.Int64Range(0, records).Draw(r, "old frontier")})
		handed := rapid.SliceOfN(rapid.Bool(), records, records).Draw(r, "handed")
		outstanding := int64(0)
		for offset := range int64(records) {
			if !handed[offset] {
				continue
			}
			if rapid.Bool().Draw(r, "leaves") {
				o.leave(offset)
			} else {
				outstanding = offset + 1
			}
		}
		want := o.mark
		for offset := o.mark; offset < records; offset++ {
			if !o.left(offset) && (handed[offset] || o.inDoubt(offset)) {
				want = offset + 1
			}
		}
		if got := o.drawnBack(outstanding); got != want {
			r.Fatalf("mark %d, doubt until %d, outstanding %d: the frontier is drawn back to %d, want %d", o.mark, o.doubtUntil, outstanding, got, want)
		}
	})
}

// TestDrawnBackBeyondTheWindow keeps all of an operator's doubt that no window
// reaches.
func TestDrawnBackBeyondTheWindow(t *testing.T) {
	o := newOwned(&topic{}, 0, 1, &commit{frontier: 3 * windowSize})
	o.leave(0)
	if got := o.drawnBack(0); got != 3*windowSize {
		t.Errorf("drawn back to %d, want %d", got, 3*windowSize)
	}
}

func TestDelayForWait(t *testing.T) {
	delays := []*topic{{delay: 5 * time.Second}, {delay: time.Minute}}
	for _, c := range []struct{ wait, delay time.Duration }{
		{-time.Hour, 5 * time.Second},
		{0, 5 * time.Second},
		{5 * time.Second, 5 * time.Second},
		{5*time.Second + 1, time.Minute},
		{time.Minute, time.Minute},
		{time.Hour, time.Minute},
	} {
		if got := delayFor(delays, c.wait).delay; got != c.delay {
			t.Errorf("a wait of %v is in the topic of %v, want %v", c.wait, got, c.delay)
		}
	}
}

// TestRecordsAreDue checks when records of each kind of topic are due, also when
// they come of a clock that is ahead.
func TestRecordsAreDue(t *testing.T) {
	e := testEntry(emailHigh, 1)
	accepted := e.AcceptedAt()
	main := &topic{channel: pipeline.Email, priority: pipeline.High}
	delay := &topic{channel: pipeline.Email, delay: 5 * time.Second}
	queued := appendEntry(nil, &e)
	waits := appendRetry(nil, &e.Record, false, &retry{due: accepted.Add(time.Second)})
	for _, c := range []struct {
		name         string
		topic        *topic
		value        []byte
		written, now time.Time
		want         time.Time
		readable     bool
	}{
		{"a record", main, queued, accepted.Add(time.Second), accepted.Add(time.Minute), accepted, true},
		{"a record of a clock ahead", main, queued, accepted, accepted.Add(-time.Minute), accepted.Add(-time.Minute), true},
		{"a retry", delay, waits, accepted, accepted.Add(time.Second), accepted.Add(5 * time.Second), true},
		{"a retry of a clock ahead", delay, waits, accepted, accepted.Add(-time.Minute), accepted.Add(5*time.Second - time.Minute), true},
		{"a retry in a main topic", main, waits, accepted, accepted, accepted, false},
		{"a record in a delay topic", delay, queued, accepted, accepted, accepted.Add(5 * time.Second), false},
		{"a record of another channel", &topic{channel: pipeline.SMS, priority: pipeline.High}, queued, accepted, accepted, accepted, false},
		{"a record of another priority", &topic{channel: pipeline.Email, priority: pipeline.Low}, queued, accepted, accepted, accepted, false},
		{"no record", main, []byte("?"), accepted, accepted, accepted, false},
	} {
		q := newQueued(c.topic, 7, c.written, c.value, c.now)
		if !q.at.Equal(c.want) || (q.entry != nil) != c.readable || (q.raw == nil) != c.readable {
			t.Errorf("%s: due at %v, want %v; readable %v, want %v", c.name, q.at, c.want, q.entry != nil, c.readable)
		}
	}
}
