package sequence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// trial is clients, gateways, workers and a provider over stores in memory,
// while processes die and stores are away. What it finds wrong it panics with,
// as a violation.
type trial struct {
	*disks
	ctx      context.Context
	ids      *pipeline.IDMinter
	boundary func(name string) fault
	answer   func(ref string, nth int) reply
	gateway  *gateway
	workers  []*worker
	requests []*request

	sends, accepted map[pipeline.ID]int // by the provider
	ambiguous       map[pipeline.ID]int // answers
	takeovers       map[pipeline.ID]int // that were noted
}

// violation is a promise that was broken.
type violation string

// reply is what the provider does with a message: it may accept it and leave
// that open.
type reply struct {
	class  pipeline.AnswerClass
	accept bool
}

// inTrial runs a test in a bubble, and gives what it found wrong.
func inTrial(t *testing.T, test func(tr *trial)) (wrong error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if v := recover(); v != nil {
				broken, ok := v.(violation)
				if !ok {
					panic(v)
				}
				wrong = errors.New(string(broken))
			}
		}()
		tr := &trial{
			disks: newDisks(), ctx: t.Context(), ids: pipeline.NewIDMinter(pipeline.IDKey{7}),
			answer: func(string, int) reply { return reply{pipeline.Sent, true} },
			sends:  map[pipeline.ID]int{}, accepted: map[pipeline.ID]int{}, ambiguous: map[pipeline.ID]int{}, takeovers: map[pipeline.ID]int{},
		}
		test(tr)
	})
	return wrong
}

func broken(format string, args ...any) { panic(violation(fmt.Sprintf(format, args...))) }

// start makes a process, to which things happen.
func (tr *trial) start() *process { return &process{boundary: tr.boundary} }

// gateway is a process that takes requests in.
type gateway struct {
	*process
	store *Store
}

// request is a client's, which it repeats until it is answered.
type request struct {
	key           byte // 0: without
	notifications []pipeline.Notification
	replayOf      pipeline.ID
	ids           []pipeline.ID // once it is answered
}

// submit sends a request until it is answered, and once more.
func (tr *trial) submit(r *request) {
	tr.requests = append(tr.requests, r)
	for answers := 0; answers < 2; {
		ids, err := tr.try(r)
		switch {
		case err == nil && r.key == 0:
			r.ids = ids
			return
		case err == nil && r.ids != nil && !slices.Equal(ids, r.ids):
			broken("a request was answered by %v, and then by %v", r.ids, ids)
		case err == nil:
			r.ids = ids
			answers++
		case errors.Is(err, pipeline.ErrConflict):
			broken("a request was in conflict with itself")
		default:
			time.Sleep(time.Second)
		}
	}
}

// try sends a request to a gateway that lives.
func (tr *trial) try(r *request) ([]pipeline.ID, error) {
	if tr.gateway == nil || tr.gateway.dead {
		p := tr.start()
		tr.gateway = &gateway{p, tr.open(p)}
	}
	stamp := pipeline.Stamp{At: time.Now().Truncate(time.Millisecond), First: tr.ids.Reserve(len(r.notifications))}
	var claims []pipeline.Claim
	if r.key != 0 {
		claims = []pipeline.Claim{{Key: pipeline.KeyHash{r.key}, Body: pipeline.BodyHash{r.key}, Stamp: stamp, Entries: len(r.notifications)}}
	}
	reservation, err := tr.gateway.store.Reserve(tr.ctx, claims)
	if err != nil {
		return nil, err
	}
	defer reservation.Release()
	claim := -1
	replayed := false
	if r.key != 0 {
		claim, stamp = 0, reservation.Standing()[0].Stamp
		replayed = reservation.Standing()[0].Kind == pipeline.Replayed
	}
	ids := make([]pipeline.ID, len(r.notifications))
	admissions := make([]pipeline.Admission, len(r.notifications))
	for i := range r.notifications {
		n := &r.notifications[i]
		ids[i] = tr.ids.Make(stamp.At, n, stamp.First+uint32(i))
		result := pipeline.Result{State: pipeline.Queued}
		if n.UserID == "opted out" {
			result = pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}
		}
		admissions[i] = pipeline.Admission{Record: pipeline.Record{ID: ids[i], Notification: *n, ReplayOf: r.replayOf}, Result: result, Claim: claim}
	}
	if replayed {
		return ids, nil
	}
	return ids, reservation.Commit(tr.ctx, admissions)
}

// worker is a process that delivers one channel.
type worker struct {
	*process
	trial  *trial
	store  *Store
	lease  pipeline.Lease
	handed []*pipeline.Delivery
	facts  []pipeline.Fact
}

// ready makes sure that the worker has a process and a lease, and says whether
// it has.
func (w *worker) ready() bool {
	if w.process == nil || w.dead {
		*w = worker{trial: w.trial, process: w.trial.start()}
		w.store = w.trial.open(w.process)
	}
	if w.lease == nil {
		lease, err := w.store.Acquire(w.trial.ctx, pipeline.Email)
		if err != nil {
			return false
		}
		w.lease = lease
	}
	return true
}

// lose gives up the lease, as after an error.
func (w *worker) lose() {
	if w.lease != nil {
		_ = w.lease.Close(w.trial.ctx) // an error leaves in doubt what it should
	}
	w.lease, w.handed, w.facts = nil, nil, nil
}

// fetch takes over what is in doubt, as a delivery stage does.
func (w *worker) fetch(maximum int) {
	if !w.ready() {
		return
	}
	ctx, cancel := context.WithTimeout(w.trial.ctx, 3*time.Second)
	defer cancel()
	err := w.lease.Await(ctx, pipeline.High, maximum, 0)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		w.lose()
		return
	}
	deliveries, err := w.lease.Fetch(w.trial.ctx, pipeline.High, maximum)
	if err != nil {
		w.lose()
		return
	}
	for _, d := range deliveries {
		if d.Doubt && !w.takeOver(d) {
			w.lose()
			return
		}
		if len(w.facts) == 0 || w.facts[len(w.facts)-1].Delivery != d {
			w.handed = append(w.handed, d)
		}
	}
}

// takeOver notes a takeover, or that the delivery had ended. It says whether
// that could be done.
func (w *worker) takeOver(d *pipeline.Delivery) bool {
	entries, err := w.store.ByID(w.trial.ctx, []pipeline.ID{d.ID})
	if err != nil {
		return false
	}
	if entries[0].State.Terminal() {
		w.facts = append(w.facts, pipeline.Fact{Delivery: d})
		return true
	}
	now := time.Now()
	note := pipeline.Fact{Delivery: d, State: pipeline.Sending, At: now, Attempt: pipeline.Attempt{Provider: "ses", At: now, Class: pipeline.Uncertain}}
	if w.store.Settle(w.trial.ctx, w.lease, []pipeline.Fact{note}) != nil {
		return false
	}
	w.trial.takeovers[d.ID]++
	d.Attempts = append(d.Attempts, note.Attempt)
	return true
}

// send sends what was handed out. The process may die before the answer.
func (w *worker) send() {
	tr := w.trial
	for _, d := range w.handed {
		if w.pass("before send", pipeline.ErrUnavailable) != nil && w.dead {
			return
		}
		tr.sends[d.ID]++
		a := tr.answer(d.Ref, tr.sends[d.ID])
		if a.accept {
			tr.accepted[d.ID]++
		}
		if a.class == pipeline.Ambiguous {
			tr.ambiguous[d.ID]++
		}
		if w.pass("after send", pipeline.ErrUnavailable) != nil && w.dead {
			return
		}
		time.Sleep(time.Millisecond)
		now := time.Now()
		f := pipeline.Fact{Delivery: d, State: pipeline.Retrying, At: now, Due: now.Add(time.Second), Attempt: pipeline.Attempt{Provider: "ses", At: now, Class: a.class}}
		switch a.class {
		case pipeline.Sent:
			f.State = pipeline.Delivered
		case pipeline.Permanent:
			f.State, f.Reason = pipeline.Dead, "unregistered"
		}
		w.facts = append(w.facts, f)
	}
	w.handed = nil
}

func (w *worker) settle() {
	if w.lease == nil || w.dead || len(w.facts) == 0 {
		return
	}
	err := w.store.Settle(w.trial.ctx, w.lease, w.facts)
	w.facts = nil
	if err != nil {
		w.lose()
	}
}

// work delivers until nothing is in flight, by one worker.
func (tr *trial) work(w *worker) {
	for turn := 0; tr.account().InFlight > 0; turn++ {
		if turn == 1000 {
			broken("there is no end: %+v", tr.account())
		}
		w.fetch(2)
		w.send()
		w.settle()
	}
	w.lose()
}

// account is what a process reads that nothing happens to.
func (tr *trial) account() pipeline.Account {
	a, err := tr.open(&process{}).Account(tr.ctx)
	if err != nil {
		panic(err)
	}
	if a.Accepted != a.Ended()+a.InFlight {
		broken("accepted %d, but ended %d + in flight %d", a.Accepted, a.Ended(), a.InFlight)
	}
	return a
}

// check holds of every end: each notification that was ever queued ended once,
// and those that were acknowledged are among them.
func (tr *trial) check() {
	queued := map[pipeline.ID]bool{}
	for _, c := range tr.log.channels {
		for _, p := range c.partitions {
			for i := range p.records {
				if p.records[i].undecodable == nil {
					queued[p.records[i].ID] = true
				}
			}
		}
	}
	a := tr.account()
	if ended := int64(len(queued) + len(tr.rows.aside)); a.Ended() != ended {
		broken("%d notifications were queued, and by the account %d ended: %+v", ended, a.Ended(), a)
	}
	for _, r := range tr.requests {
		for _, id := range r.ids {
			if !queued[id] {
				broken("%s was acknowledged and is not queued", id)
			}
		}
		if letter := tr.rows.replayed[r.replayOf]; !r.replayOf.IsZero() && letter != r.ids[0] {
			broken("the dead letter was replayed by %s, and the client was told %s", letter, r.ids[0])
		}
	}
	beyond := int64(0)
	for id := range queued {
		state := tr.rows.entry(id).State
		accepted := tr.accepted[id]
		if !state.Terminal() || state == pipeline.Delivered && accepted == 0 {
			broken("%s is %v, and the provider accepted it %d times", id, state, accepted)
		}
		if accepted > 1+tr.ambiguous[id]+tr.takeovers[id] {
			broken("%s was accepted %d times, with %d ambiguous answers and %d takeovers", id, accepted, tr.ambiguous[id], tr.takeovers[id])
		}
		beyond += int64(max(0, accepted-1))
	}
	if beyond > a.Ambiguous+a.Takeovers {
		broken("%d were accepted beyond one each, and the account has %d ambiguous answers and %d takeovers", beyond, a.Ambiguous, a.Takeovers)
	}
}
