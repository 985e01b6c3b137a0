package pipelinetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// HistoryRows is a history beside a log and keys of other engines, of the
// sequence of several stores that settlement may be made of.
type HistoryRows interface {
	pipeline.History
	pipeline.UserHistory
	pipeline.DeadLetters
	Rows(ctx context.Context, ids []pipeline.ID) ([]pipeline.Row, error)
	Record(ctx context.Context, facts []pipeline.Fact) error
	Erased(ctx context.Context, deliveries []*pipeline.Delivery) ([]bool, error)
	Replayed(ctx context.Context, replacements []pipeline.Replacement) error
	PutAside(ctx context.Context, undecodable []pipeline.Logged) error
}

// Rows runs the conformance suite of [HistoryRows]. Each call of open gives
// another process's way to one history, which may be shared with other tests:
// every test uses users, reasons and load runs of its own.
func Rows(t *testing.T, open func(t *testing.T) HistoryRows) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(w *rowWorld)
	}{
		{"what is recorded is found, by whoever asks", rowsFound},
		{"recording twice changes nothing", rowsTwice},
		{"what has no row is queued", rowsQueued},
		{"a retry that is recorded late takes nothing from an outcome", rowsLate},
		{"of retries the one whose delivery was due last is told", rowsRetries},
		{"attempts are told in order, and of all owners", rowsAttempts},
		{"a takeover that was noted is sending", rowsTakeover},
		{"many facts of one user are recorded at once", rowsOfOneUser},
		{"many facts of many users are recorded at once", rowsOfManyUsers},
		{"a user's rows come newest first, page by page", rowPages},
		{"a user's rows are bounded by times of acceptance", rowBounds},
		{"pages neither repeat nor miss while more is recorded", rowStablePages},
		{"a cursor of another list is refused", rowCursors},
		{"users whose hashes are alike are told apart", rowsAlike},
		{"dead letters are listed by channel, reason and time", rowLetters},
		{"a dead letter is replayed once, also if it is recorded again", rowReplays},
		{"what is no record is put aside once", rowsAside},
		{"an erased user is found by no process", rowsErased},
		{"of an erased user nothing is recorded but the outcome of a load run", rowsAfterErasure},
		{"what an erased user is sent later is kept", rowsBack},
		{"a load run's outcomes are united, whoever recorded them", rowRuns},
		{"of load runs the one touched longest ago makes room", rowRunsBounded},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &rowWorld{
				T: t, rows: open(t), open: open, ids: pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3}),
				tag: strings.ToLower(rand.Text()[:12]),
			}
			c.test(w)
		})
	}
}

// rowWorld is a history under test. Its methods fail the test.
type rowWorld struct {
	*testing.T
	rows HistoryRows
	open func(t *testing.T) HistoryRows
	ids  *pipeline.IDMinter
	tag  string // makes names of this test alone
	sent int
}

func (w *rowWorld) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *rowWorld) user(name string) string { return name + "." + w.tag }

// delivery makes one of a user's that is handed out for the first time.
func (w *rowWorld) delivery(at time.Time, user string) *pipeline.Delivery {
	w.sent++
	n := notification(user, w.sent)
	token := pipeline.Token{Partition: 3<<16 | 7, Position: 1<<40 + int64(w.sent)}
	id := w.ids.Make(at, &n, w.ids.Reserve(1))
	return &pipeline.Delivery{Record: pipeline.Record{ID: id, Notification: n}, Token: token, Origin: token, Due: id.Time()}
}

// again makes the delivery of a retry.
func (w *rowWorld) again(f pipeline.Fact) *pipeline.Delivery {
	w.sent++
	d := *f.Delivery
	d.Token = pipeline.Token{Partition: -1 << 31, Position: int64(w.sent)}
	d.Due = f.Due
	if f.Attempt.Class != 0 {
		d.Attempts = append(slices.Clone(d.Attempts), f.Attempt)
	}
	return &d
}

// moment is now as rows keep it, to the millisecond.
func moment() time.Time { return time.UnixMilli(time.Now().UnixMilli()) }

func fact(d *pipeline.Delivery, s pipeline.State, reason string, class pipeline.AnswerClass) pipeline.Fact {
	f := pipeline.Fact{Delivery: d, State: s, Reason: reason, At: moment()}
	if class != 0 {
		f.Attempt = pipeline.Attempt{Provider: "sendgrid", At: f.At, Class: class}
	}
	if s == pipeline.Retrying {
		f.Due = f.At.Add(5 * time.Second)
	}
	return f
}

func sentFact(d *pipeline.Delivery) pipeline.Fact {
	return fact(d, pipeline.Delivered, "", pipeline.Sent)
}

func deadFact(d *pipeline.Delivery, reason string) pipeline.Fact {
	f := fact(d, pipeline.Dead, reason, pipeline.Permanent)
	f.Attempt.Error = "no such user"
	return f
}

func retryFact(d *pipeline.Delivery) pipeline.Fact {
	f := fact(d, pipeline.Retrying, "", pipeline.Transient)
	f.Attempt.Error = "busy"
	return f
}

func (w *rowWorld) record(facts ...pipeline.Fact) {
	w.Helper()
	w.must(w.rows.Record(w.Context(), facts))
}

func (w *rowWorld) row(id pipeline.ID) pipeline.Row {
	w.Helper()
	rows, err := w.rows.Rows(w.Context(), []pipeline.ID{id})
	w.must(err)
	return rows[0]
}

func (w *rowWorld) entry(id pipeline.ID) pipeline.Entry {
	w.Helper()
	entries, err := w.rows.ByID(w.Context(), []pipeline.ID{id})
	w.must(err)
	return entries[0]
}

// ends records the outcome of one of a user's, accepted at a time.
func (w *rowWorld) ends(at time.Time, user string) pipeline.ID {
	w.Helper()
	d := w.delivery(at, user)
	w.record(sentFact(d))
	return d.ID
}

// rowOf is the row that a fact must have left, with the attempts given.
func rowOf(f pipeline.Fact, attempts ...pipeline.Attempt) pipeline.Row {
	d := f.Delivery
	return pipeline.Row{
		Entry: pipeline.Entry{
			ID: d.ID, State: f.State, Ref: d.Ref, UserID: d.UserID, Reason: f.Reason, EndedAt: f.At,
			ReplayOf: d.ReplayOf, Attempts: attempts,
		},
		Token: d.Token, Origin: d.Origin, DeliveryDue: d.Due, Due: f.Due,
	}
}

func (w *rowWorld) want(what string, got, want pipeline.Row) {
	w.Helper()
	if !reflect.DeepEqual(got, want) {
		w.Fatalf("%s: the row is\n%+v, want\n%+v", what, got, want)
	}
}

func rowsFound(w *rowWorld) {
	facts := []pipeline.Fact{
		sentFact(w.delivery(time.Now(), w.user("ada"))),
		deadFact(w.delivery(time.Now(), w.user("bob")), "unregistered"),
		retryFact(w.delivery(time.Now(), w.user("eve"))),
		fact(w.delivery(time.Now(), w.user("kim")), pipeline.Suppressed, "opted_out", 0),
		fact(w.delivery(time.Now(), w.user("lou")), pipeline.Expired, "", 0),
		fact(w.delivery(time.Now(), w.user("max")), pipeline.RateDropped, "", 0),
	}
	facts[0].Delivery.ReplayOf = w.delivery(time.Now(), "dead").ID
	facts[3].Delivery.Ref = ""
	w.record(facts...)
	for _, w.rows = range []HistoryRows{w.rows, w.open(w.T)} {
		for i, f := range facts {
			id := f.Delivery.ID
			var attempts []pipeline.Attempt
			if f.Attempt.Class != 0 {
				attempts = []pipeline.Attempt{f.Attempt}
			}
			want := rowOf(f, attempts...)
			w.want(fmt.Sprint("fact ", i), w.row(id), want)
			e := w.entry(id)
			listed, _, err := w.rows.ByUser(w.Context(), f.Delivery.UserID, pipeline.Page{Limit: 1})
			w.must(err)
			if len(listed) != 1 || !reflect.DeepEqual(listed[0], e) {
				w.Fatalf("fact %d is listed as %+v, found as %+v", i, listed, e)
			}
			if e.State.Terminal() != e.EndedAt.Equal(f.At) {
				w.Fatalf("fact %d: %v ended at %v, want %v", i, e.State, e.EndedAt, f.At)
			}
			e.EndedAt = want.EndedAt // which a row has of retries too
			if !reflect.DeepEqual(e, want.Entry) {
				w.Fatalf("fact %d is found as\n%+v, want\n%+v", i, e, want.Entry)
			}
		}
	}
	w.must(w.rows.Record(w.Context(), nil))
}

func rowsTwice(w *rowWorld) {
	retry := retryFact(w.delivery(time.Now(), w.user("ada")))
	sent := sentFact(w.again(retry))
	for range 2 {
		w.record(retry)
		w.record(sent, sent)
	}
	w.want("twice", w.row(sent.Delivery.ID), rowOf(sent, retry.Attempt, sent.Attempt))
	w.must(w.open(w.T).Record(w.Context(), []pipeline.Fact{retry, sent}))
	w.want("by another", w.row(sent.Delivery.ID), rowOf(sent, retry.Attempt, sent.Attempt))
}

func rowsQueued(w *rowWorld) {
	d := w.delivery(time.Now(), w.user("ada"))
	if e := w.entry(d.ID); !reflect.DeepEqual(e, pipeline.Entry{ID: d.ID, State: pipeline.Queued}) {
		w.Fatalf("without a row it is %+v", e)
	}
	w.want("without a row", w.row(d.ID), pipeline.Row{Entry: pipeline.Entry{ID: d.ID}})
	w.record(pipeline.Fact{Delivery: d, At: moment()})
	w.want("of a fact that says nothing", w.row(d.ID), pipeline.Row{Entry: pipeline.Entry{ID: d.ID}})
}

func rowsLate(w *rowWorld) {
	retry := retryFact(w.delivery(time.Now(), w.user("ada")))
	sent := sentFact(w.again(retry))
	w.record(sent)
	w.record(retry)
	w.want("recorded in another order", w.row(sent.Delivery.ID), rowOf(sent, retry.Attempt, sent.Attempt))
	// The owner before, which was fenced, failed where the new one did not.
	d := w.delivery(time.Now(), w.user("bob"))
	sent, retry = sentFact(d), retryFact(d)
	w.record(sent)
	w.record(retry)
	if e := w.entry(d.ID); e.State != pipeline.Delivered {
		w.Fatalf("a late retry made it %v", e.State)
	}
	if row := w.row(d.ID); !row.Due.Equal(retry.Due) {
		w.Fatalf("beside the outcome a retry is due at %v, want %v", row.Due, retry.Due)
	}
	// The owner before had delivered what the new one retried, again and again.
	retry = retryFact(w.delivery(time.Now(), w.user("eve")))
	again := retryFact(w.again(retry))
	w.record(retry, again)
	w.record(sentFact(retry.Delivery))
	row := w.row(retry.Delivery.ID)
	if row.State != pipeline.Delivered || row.Token != retry.Delivery.Token || !row.DeliveryDue.Equal(again.Delivery.Due) || !row.Due.Equal(retry.Due) {
		w.Fatalf("with the outcome of the owner before it is %+v", row)
	}
}

func rowsRetries(w *rowWorld) {
	first := retryFact(w.delivery(time.Now(), w.user("ada")))
	second := retryFact(w.again(first))
	second.Due = first.Due.Add(time.Minute)
	// One that waits and was not tried, as for a breaker.
	third := fact(w.again(second), pipeline.Retrying, "", 0)
	third.Due = second.Due.Add(time.Minute)
	id := first.Delivery.ID
	w.record(second)
	w.want("the second", w.row(id), rowOf(second, second.Attempt))
	w.record(first)
	w.want("the first behind it", w.row(id), rowOf(second, first.Attempt, second.Attempt))
	w.record(third)
	w.want("the third", w.row(id), rowOf(third, first.Attempt, second.Attempt))
	w.record(first, second)
	w.want("all again", w.row(id), rowOf(third, first.Attempt, second.Attempt))
}

func rowsAttempts(w *rowWorld) {
	d := w.delivery(time.Now(), w.user("ada"))
	var attempts []pipeline.Attempt
	for n := range 5 {
		f := retryFact(d)
		f.Attempt.Error = fmt.Sprint("busy ", n)
		f.Attempt.At = f.At.Add(time.Duration(n) * time.Second)
		w.record(f)
		attempts = append(attempts, f.Attempt)
		d = w.again(f)
	}
	f := deadFact(d, "attempts")
	w.record(f)
	w.want("after six attempts", w.row(d.ID), rowOf(f, append(attempts, f.Attempt)...))
}

func rowsTakeover(w *rowWorld) {
	d := w.delivery(time.Now(), w.user("ada"))
	note := fact(d, pipeline.Sending, "", pipeline.Uncertain)
	w.record(note)
	row := w.row(d.ID)
	if row.State != pipeline.Sending || !reflect.DeepEqual(row.Attempts, []pipeline.Attempt{note.Attempt}) {
		w.Fatalf("a noted takeover is %+v", row)
	}
	taken := *d
	taken.Attempts = []pipeline.Attempt{note.Attempt}
	sent := sentFact(&taken)
	w.record(sent)
	w.want("sent after a takeover", w.row(d.ID), rowOf(sent, note.Attempt, sent.Attempt))
	late := retryFact(d)
	w.record(late)
	if row := w.row(d.ID); row.State != pipeline.Delivered || len(row.Attempts) != 3 {
		w.Fatalf("with the late retry of the owner before it is %+v", row)
	}
}

func rowsOfOneUser(w *rowWorld) {
	w.recordsMany(300, func(int) string { return w.user("ada") })
}

func rowsOfManyUsers(w *rowWorld) {
	w.recordsMany(1000, func(n int) string { return w.user(fmt.Sprint("user", n/2)) })
}

func (w *rowWorld) recordsMany(n int, user func(n int) string) {
	facts, ids := make([]pipeline.Fact, n), make([]pipeline.ID, n)
	for i := range facts {
		facts[i] = sentFact(w.delivery(time.Now().Add(-time.Duration(i)*time.Hour), user(i)))
		ids[i] = facts[i].Delivery.ID
	}
	w.record(facts...)
	rows, err := w.rows.Rows(w.Context(), ids)
	w.must(err)
	entries, err := w.rows.ByID(w.Context(), ids)
	w.must(err)
	for i, f := range facts {
		w.want(fmt.Sprint("fact ", i), rows[i], rowOf(f, f.Attempt))
		if entries[i].ID != ids[i] || entries[i].State != pipeline.Delivered {
			w.Fatalf("fact %d is %+v", i, entries[i])
		}
	}
}
