package sequence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

var errForeignLease = errors.New("BUG: the lease is not of this store")

// Account sums up the log's counts.
func (s *Store) Account(ctx context.Context) (pipeline.Account, error) { return s.log.Account(ctx) }

// Settle records facts, then lets their deliveries leave the log. A part that is
// away is waited for, until ctx ends or the lease has been ending for a while:
// what became of a send is worth recording also when the lease is another's.
func (s *Store) Settle(ctx context.Context, held pipeline.Lease, facts []pipeline.Fact) error {
	l, ok := held.(*lease)
	if !ok || l.store != s {
		return errForeignLease
	}
	inTime, cancel := lasting(ctx, s.drain, l.Ending(), nil)
	defer cancel()
	leaving, err := l.departing(inTime, facts)
	if err == nil {
		err = l.settle(inTime, leaving)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return fmt.Errorf("%w: the lease is over: %w", pipeline.ErrUnavailable, err)
	}
	return err
}

// departing says how the deliveries of facts leave.
func (l *lease) departing(ctx context.Context, facts []pipeline.Fact) (departures, error) {
	waits, err := l.waitInVain(ctx, facts)
	if err != nil {
		return departures{}, err
	}
	leaving := departures{facts: make([]pipeline.Fact, 0, len(facts)), exits: make([]pipeline.Exit, 0, len(facts))}
	var ended []pipeline.Fact
	for _, f := range facts {
		kind := pipeline.Ends
		switch f.State {
		case 0:
			ended = append(ended, f)
			continue
		case pipeline.Sending:
			kind = pipeline.Stays
		case pipeline.Retrying:
			if waits[f.Delivery] {
				f.State, f.Reason, f.Due = pipeline.Suppressed, pipeline.ReasonErased, time.Time{}
				break
			}
			kind = pipeline.Waits
			// Later than its delivery was: by that a retry knows the rows of
			// those before it.
			if least := f.Delivery.Due.Add(time.Millisecond); f.Due.Before(least) {
				f.Due = least
			}
		}
		leaving.facts = append(leaving.facts, f)
		leaving.exits = append(leaving.exits, pipeline.Exit{Fact: f, Kind: kind})
	}
	made, err := l.madeUp(ctx, ended)
	leaving.exits = append(leaving.exits, made...)
	return leaving, err
}

// waitInVain finds the retries of users who were erased meanwhile: nothing of
// them is queued again.
func (l *lease) waitInVain(ctx context.Context, facts []pipeline.Fact) (map[*pipeline.Delivery]bool, error) {
	var retries []*pipeline.Delivery
	for i := range facts {
		if facts[i].State == pipeline.Retrying {
			retries = append(retries, facts[i].Delivery)
		}
	}
	erased, err := l.store.erased(ctx, retries)
	if err != nil {
		return nil, err
	}
	in := make(map[*pipeline.Delivery]bool)
	for i := range erased {
		if erased[i] {
			in[retries[i]] = true
		}
	}
	return in, nil
}

// madeUp gives the exits of deliveries that turned out to have ended before.
func (l *lease) madeUp(ctx context.Context, facts []pipeline.Fact) ([]pipeline.Exit, error) {
	ids := make([]pipeline.ID, len(facts))
	for i := range facts {
		ids[i] = facts[i].Delivery.ID
	}
	rows, err := l.store.rowsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	exits := make([]pipeline.Exit, len(facts))
	for i := range facts {
		d := facts[i].Delivery
		// A row that is gone again went with its user.
		v := decide(&known{Logged: &pipeline.Logged{Delivery: d}, row: rows[i], erased: true}, l.store.now())
		exits[i] = v.exit
	}
	l.recorded(facts)
	return exits, nil
}

// settle records and then lets leave, together with what left without a send.
func (l *lease) settle(ctx context.Context, leaving departures) error {
	l.mu.Lock()
	left := l.left
	l.left = departures{}
	l.mu.Unlock()
	leaving.add(left)
	if len(leaving.exits) == 0 {
		return nil
	}
	err := l.store.record(ctx, &leaving)
	if err == nil {
		l.recorded(leaving.facts)
		err = l.exit(ctx, leaving.exits)
	}
	if err != nil { // who tries again, settles it too
		l.mu.Lock()
		defer l.mu.Unlock()
		l.left.add(left)
	}
	return err
}

// exit lets deliveries leave the log of which all is recorded. When the lease is
// ending it takes a quarter of the time that is left: a log that is away holds up
// whatever is to be recorded next, which whoever comes after us will look for.
// Errors: ctx's, and [pipeline.ErrFenced].
func (l *lease) exit(ctx context.Context, exits []pipeline.Exit) error {
	inTime, cancel := lasting(ctx, l.store.drain/4, l.Ending(), nil)
	defer cancel()
	err := l.store.persist(inTime, "log", func(ctx context.Context) error { return l.store.log.Exit(ctx, l.log, exits) })
	if err != nil && inTime.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: the log was away until its end: %w", pipeline.ErrFenced, err)
	}
	return err
}

// record makes facts and dead letters durable.
func (s *Store) record(ctx context.Context, leaving *departures) error {
	if len(leaving.facts) > 0 {
		err := s.persist(ctx, "history", func(ctx context.Context) error { return s.rows.Record(ctx, leaving.facts) })
		if err != nil {
			return err
		}
	}
	if len(leaving.aside) > 0 {
		return s.persist(ctx, "dead letters", func(ctx context.Context) error { return s.rows.PutAside(ctx, leaving.aside) })
	}
	return nil
}
