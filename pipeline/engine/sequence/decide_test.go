package sequence

import (
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// What each record that a log hands out comes to. The main copy M of a
// notification was queued at 1/1; its retry R is at 9/5, and was due a minute
// later.
func TestDecide(t *testing.T) {
	var (
		main, other, retry, twin = pipeline.Token{Partition: 1, Position: 1}, pipeline.Token{Partition: 1, Position: 2}, pipeline.Token{Partition: 9, Position: 5}, pipeline.Token{Partition: 9, Position: 6}
		accepted                 = time.UnixMilli(1_700_000_000_000)
		due, dueNext             = accepted.Add(time.Minute), accepted.Add(2 * time.Minute)
		ambiguous                = pipeline.Attempt{Provider: "ses", Class: pipeline.Ambiguous}
		transient                = pipeline.Attempt{Provider: "ses", Class: pipeline.Transient}
		uncertain                = pipeline.Attempt{Provider: "ses", Class: pipeline.Uncertain}
	)
	// row makes what a delivery left: its token, when it was due, how it stands.
	row := func(token pipeline.Token, deliveryDue time.Time, state pipeline.State, attempts ...pipeline.Attempt) pipeline.Row {
		r := pipeline.Row{Entry: pipeline.Entry{State: state, Attempts: attempts}, Token: token, Origin: main, DeliveryDue: deliveryDue}
		if state == pipeline.Retrying {
			r.Due = deliveryDue.Add(time.Minute)
		}
		return r
	}
	both := func(r pipeline.Row) pipeline.Row {
		r.Due = due
		return r
	}
	suppressed := pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}
	for _, c := range []struct {
		name         string
		token        pipeline.Token
		result       pipeline.Result // zero: queued
		row          pipeline.Row
		twin, erased bool
		attempts     []pipeline.Attempt // that it came with

		kind    pipeline.ExitKind // 0: handed out
		state   pipeline.State
		record  bool
		attempt pipeline.Attempt
		check   bool
	}{
		{name: "new", token: main},
		{name: "noted as a takeover alone", token: main, row: row(main, accepted, pipeline.Sending, uncertain)},
		{name: "noted for another copy alone", token: main, row: row(other, accepted, pipeline.Sending, uncertain)},
		{name: "ended at ingest", token: main, result: suppressed, kind: pipeline.Ends, state: pipeline.Suppressed, record: true},
		{name: "ended at ingest and recorded", token: main, result: suppressed, row: row(main, accepted, pipeline.Suppressed), kind: pipeline.Ends, state: pipeline.Suppressed},
		{name: "erased", token: main, erased: true, kind: pipeline.Ends, state: pipeline.Suppressed, record: true},
		{name: "a retry of somebody erased", token: retry, erased: true, kind: pipeline.Ends, state: pipeline.Suppressed, record: true},
		{name: "beside a twin that goes on", token: other, twin: true, kind: pipeline.Repeats},
		{name: "beside a twin, and erased", token: other, twin: true, erased: true, kind: pipeline.Repeats},

		{name: "delivered, and not left", token: main, row: row(main, accepted, pipeline.Delivered), kind: pipeline.Ends, state: pipeline.Delivered},
		{
			name: "dead after an ambiguous answer, and not left", token: main, row: row(main, accepted, pipeline.Dead, uncertain, ambiguous),
			kind: pipeline.Ends, state: pipeline.Dead, attempt: ambiguous,
		},
		{
			name: "expired after what came before, and not left", token: retry, attempts: []pipeline.Attempt{ambiguous},
			row: row(retry, due, pipeline.Expired, ambiguous), kind: pipeline.Ends, state: pipeline.Expired,
		},
		{
			name: "to be retried, and not left", token: main, row: row(main, accepted, pipeline.Retrying, ambiguous),
			kind: pipeline.Waits, state: pipeline.Retrying, attempt: ambiguous, check: true,
		},
		{
			name: "a retry to be retried, and not left", token: retry, attempts: []pipeline.Attempt{ambiguous},
			row: row(retry, due, pipeline.Retrying, ambiguous, transient), kind: pipeline.Waits, state: pipeline.Retrying, attempt: transient, check: true,
		},
		{
			name: "delivered by one owner and to be retried by another", token: main, row: both(row(main, accepted, pipeline.Delivered)),
			kind: pipeline.Waits, state: pipeline.Retrying, check: true,
		},
		{
			name: "a retry of what one owner delivered and another did not", token: retry, row: both(row(main, accepted, pipeline.Delivered)),
			kind: pipeline.Ends, state: pipeline.Delivered,
		},
		{
			name: "not left, and its retry has ended", token: main, row: row(retry, due, pipeline.Delivered, ambiguous),
			kind: pipeline.Waiting, state: pipeline.Delivered, attempt: ambiguous,
		},
		{name: "not left, and its retry waits again", token: main, row: row(retry, due, pipeline.Retrying), kind: pipeline.Waiting, state: pipeline.Retrying},
		{name: "a retry whose own retry has ended", token: retry, row: row(twin, dueNext, pipeline.Delivered), kind: pipeline.Repeats},
		{name: "a retry whose own retry waits again", token: retry, row: row(twin, dueNext, pipeline.Retrying), kind: pipeline.Repeats},

		{name: "a retry of which nothing is recorded yet", token: retry, row: row(main, accepted, pipeline.Retrying)},
		{name: "a retry whose twin has ended", token: twin, row: row(retry, due, pipeline.Delivered), kind: pipeline.Repeats},
		{name: "a retry whose twin waits again", token: twin, row: row(retry, due, pipeline.Retrying), kind: pipeline.Repeats},
		{name: "a retry whose twin is on its way", token: twin, row: row(main, accepted, pipeline.Retrying), twin: true, kind: pipeline.Repeats},
		{name: "a retry of what a former owner had delivered", token: retry, row: row(main, accepted, pipeline.Delivered), kind: pipeline.Ends, state: pipeline.Delivered},

		{name: "a retry of what a former owner had delivered, beside its twin", token: twin, row: row(main, accepted, pipeline.Delivered), twin: true, kind: pipeline.Repeats},

		{name: "queued twice, and the first was delivered", token: other, row: row(main, accepted, pipeline.Delivered), kind: pipeline.Repeats},
		{name: "queued twice, and the first waits for a retry", token: other, row: row(main, accepted, pipeline.Retrying), kind: pipeline.Repeats},
		{name: "queued twice, and the first ended at ingest", token: other, result: suppressed, row: row(main, accepted, pipeline.Suppressed), kind: pipeline.Repeats},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &pipeline.Delivery{Token: c.token, Origin: main, Due: accepted, Attempts: c.attempts}
			switch c.token {
			case other:
				d.Origin = other
			case retry, twin:
				d.Due = due
			}
			if c.result.State == 0 {
				c.result.State = pipeline.Queued
			}
			v := decide(&known{Logged: &pipeline.Logged{Delivery: d, Result: c.result}, row: c.row, twin: c.twin, erased: c.erased}, due)
			e := v.exit
			if e.Kind != c.kind || e.State != c.state || v.record != c.record || e.Attempt != c.attempt || e.Check != c.check {
				t.Errorf("it leaves by %d in %v after %+v, recorded %v, checked %v", e.Kind, e.State, e.Attempt, v.record, e.Check)
			}
			if e.Kind == pipeline.Waits && !e.Due.Equal(c.row.Due) {
				t.Errorf("it waits until %v, want %v", e.Due, c.row.Due)
			}
			if e.Kind != 0 && e.Delivery.Token != c.token {
				t.Errorf("%v leaves in its place", e.Delivery.Token)
			}
		})
	}
}

// A retry that is queued again comes with the takeovers that were noted before
// its predecessor's attempt.
func TestARetryThatIsMadeUpForKnowsItsTakeovers(t *testing.T) {
	main := pipeline.Token{Position: 1}
	uncertain, transient := pipeline.Attempt{Class: pipeline.Uncertain}, pipeline.Attempt{Class: pipeline.Transient}
	d := &pipeline.Delivery{Token: main, Origin: main}
	row := pipeline.Row{Token: main, Origin: main, Due: time.UnixMilli(1), Entry: pipeline.Entry{State: pipeline.Retrying, Attempts: []pipeline.Attempt{uncertain, transient}}}
	e := decide(&known{Logged: &pipeline.Logged{Delivery: d}, row: row}, time.Time{}).exit
	if len(e.Delivery.Attempts) != 1 || e.Delivery.Attempts[0] != uncertain || e.Attempt != transient || len(d.Attempts) != 0 {
		t.Errorf("it comes with %+v and %+v", e.Delivery.Attempts, e.Attempt)
	}
}
