package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/notifyctl/notifyctl/pipeline"
)

// errForeignLease says that a lease was handed out by somebody else.
var errForeignLease = errors.New("the lease is not of this log")

// Exit lets deliveries leave: it queues what waits in the delay topics, and
// commits when all of that is durable. Exits that have deliveries in common are
// not called at the same time. Errors: ErrFenced, and ctx's; then it may be
// repeated.
func (l *Log) Exit(ctx context.Context, pl pipeline.LogLease, exits []pipeline.Exit) error {
	ls, ours := pl.(*lease)
	if !ours || ls.log != l {
		return errForeignLease
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ls.holding, cancel)()
	err := ls.exit(ctx, exits)
	if ls.holding.Err() != nil && errors.Is(err, context.Canceled) {
		return pipeline.ErrFenced
	}
	return err
}

func (l *lease) exit(ctx context.Context, exits []pipeline.Exit) error {
	waits := l.apply(exits)
	moves := make([]move, len(waits))
	for i, e := range waits {
		moves[i] = moveOf(e)
	}
	if err := l.queueAgain(ctx, moves); err != nil {
		return err
	}
	// All that was applied so far: also what an Exit before that failed had
	// applied of the same deliveries.
	l.mu.Lock()
	applied := l.commits.changes
	l.mu.Unlock()
	return l.durable(ctx, applied)
}

// apply counts the exits and lets their deliveries leave, except for those that
// wait, which it gives back. What is not outstanding left before.
func (l *lease) apply(exits []pipeline.Exit) (waits []*pipeline.Exit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range exits {
		e := &exits[i]
		t := e.Delivery.Token
		out, o := l.outstanding[t], l.byToken[t.Partition]
		if out == nil {
			continue
		}
		switch e.Kind {
		case pipeline.Stays:
			if out.noted != e.Attempt {
				o.attempt(e.Attempt.Class)
				out.noted = e.Attempt
				l.change(o)
			}
			continue
		case pipeline.Waits:
			waits = append(waits, e)
			continue
		case pipeline.Ends:
			o.outcome(e.State, e.Delivery.Priority)
		case pipeline.Waiting:
			o.moved++
		case pipeline.Repeats:
			o.repeats++
		default:
			panic("BUG: an exit of no kind")
		}
		l.leaveAfter(o, t, e.Attempt)
	}
	l.wakeAll() // whose windows were full
	return waits
}

// leaveAfter lets a delivery leave after an attempt, which is counted unless it
// was before. mu is held.
func (l *lease) leaveAfter(o *owned, t pipeline.Token, a pipeline.Attempt) {
	if l.outstanding[t].noted != a {
		o.attempt(a.Class)
	}
	l.leave(o, t)
}

// move is a record on its way to a delay topic.
type move struct {
	token   pipeline.Token // that it leaves from
	record  *pipeline.Record
	waiting retry
	wait    time.Duration // by which its topic is chosen
	check   bool
	attempt pipeline.Attempt // the one that led here
}

// moveOf is the move of a delivery that waits for another try. Its wait counts
// from the fact: who has to make up for the exit later queues it in the same
// topic, and so for the same owner.
func moveOf(e *pipeline.Exit) move {
	d := e.Delivery
	attempts := d.Attempts
	if e.Attempt.Class != 0 {
		attempts = append(slices.Clone(attempts), e.Attempt)
	}
	return move{
		token: d.Token, record: &d.Record, check: e.Check, attempt: e.Attempt,
		waiting: retry{origin: d.Origin, due: e.Due, attempts: attempts}, wait: e.Due.Sub(e.At),
	}
}

// delayFor is the topic that a record waits in: the one of the shortest delay
// that is not below its wait, or else of the longest, which it passes again.
func delayFor(delays []*topic, wait time.Duration) *topic {
	for _, t := range delays {
		if t.delay >= wait {
			return t
		}
	}
	return delays[len(delays)-1]
}

// message is the record as it is queued.
func (m *move) message(delays []*topic) message {
	t := delayFor(delays, m.wait)
	return message{
		topic: t.name, partition: t.partitionOf(m.record.ID), key: []byte(m.record.UserID),
		value: appendRetry(nil, m.record, m.check, &m.waiting),
	}
}

// queueAgain queues what waits, again and again until all of it is durable, and
// lets each leave as soon as it is. Errors: ctx's.
func (l *lease) queueAgain(ctx context.Context, moves []move) error {
	trouble := complaint{log: l.log.cfg.Log, what: "retries of " + l.Channel().String()}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 2*time.Second
	for len(moves) > 0 {
		messages := make([]message, len(moves))
		l.mu.Lock()
		for i := range moves {
			m := &moves[i]
			m.check = m.check || l.outstanding[m.token].unsure
			messages[i] = m.message(l.topics.delays)
		}
		l.mu.Unlock()
		failed, err := l.moved(moves, l.log.producer.produce(ctx, messages))
		if len(failed) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		moves = failed
		trouble.about(err)
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// moved lets leave what is durable elsewhere by now, and gives back what is not,
// with one of the reasons.
func (l *lease) moved(moves []move, errs []error) (failed []move, reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range moves {
		m := &moves[i]
		if errs != nil && errs[i] != nil {
			if !errors.Is(errs[i], pipeline.ErrUnavailable) {
				l.outstanding[m.token].unsure = true
			}
			failed, reason = append(failed, *m), errs[i]
			continue
		}
		o := l.byToken[m.token.Partition]
		o.moved++
		l.leaveAfter(o, m.token, m.attempt)
	}
	l.wakeAll()
	return failed, reason
}
