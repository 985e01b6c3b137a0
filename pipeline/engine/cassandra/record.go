package cassandra

import (
	"cmp"
	"context"
	"slices"

	"github.com/notifyctl/notifyctl/pipeline"
)

// maxBatch is how many rows are written by one request: of some hundred bytes
// each, well under the 5 KiB of which nodes warn and the 50 KiB that they refuse,
// and as many partitions as they take without a warning.
const maxBatch = 10

// Record makes facts durable. First the outcomes of load runs, then the rows,
// then the letters of the dead: a letter always has its row, and a row its
// outcome, since whoever finds the row later takes all of it for done. A fact
// that says nothing, of state zero, leaves nothing.
//
// Of users that are known to be erased only the outcomes of load runs are
// written. Who was erased is asked again behind the writes: if what was known
// before had become too old meanwhile, the erasure may have passed the rows
// before they were there, and they are deleted here.
func (s *Store) Record(ctx context.Context, facts []pipeline.Fact) error {
	if len(facts) == 0 {
		return nil
	}
	return call(ctx, "record facts", func(ctx context.Context) error {
		if err := s.erasures.current(ctx); err != nil {
			return err
		}
		var kept, erased []*pipeline.Fact
		for i := range facts {
			switch f := &facts[i]; {
			case f.State == 0:
			case s.erasures.covers(f.Delivery.UserID, f.Delivery.ID):
				erased = append(erased, f)
			default:
				kept = append(kept, f)
			}
		}
		err := s.recordKept(ctx, facts, kept)
		if known := s.erasures.current(ctx); err == nil {
			err = known
		}
		for _, f := range kept {
			if s.erasures.covers(f.Delivery.UserID, f.Delivery.ID) {
				erased = append(erased, f)
			}
		}
		if forgotten := s.forget(ctx, erased); err == nil {
			err = forgotten
		}
		return err
	})
}

// recordKept writes what is to be kept of facts.
func (s *Store) recordKept(ctx context.Context, facts []pipeline.Fact, kept []*pipeline.Fact) error {
	outcomes, anyNew := s.admitRuns(outcomesOf(facts))
	err := each(ctx, len(outcomes), func(ctx context.Context, i int) error { return s.noteOutcomes(ctx, &outcomes[i]) })
	if err != nil {
		return err
	}
	groups := batches(kept)
	err = each(ctx, len(groups), func(ctx context.Context, i int) error { return s.insertBatch(ctx, groups[i]) })
	if err != nil {
		return err
	}
	if anyNew {
		if err := s.makeRoom(ctx); err != nil {
			return err
		}
	}
	var dead []*pipeline.Fact
	for _, f := range kept {
		if f.State == pipeline.Dead {
			dead = append(dead, f)
		}
	}
	return each(ctx, len(dead), func(ctx context.Context, i int) error { return s.insertLetter(ctx, dead[i]) })
}

// batches divides facts by maxBatch, those of a user's partition side by side.
func batches(facts []*pipeline.Fact) (all [][]*pipeline.Fact) {
	slices.SortStableFunc(facts, func(a, b *pipeline.Fact) int {
		return cmp.Compare(a.Delivery.ID.UserHash(), b.Delivery.ID.UserHash())
	})
	return slices.Collect(slices.Chunk(facts, maxBatch))
}

// insertBatch writes rows by one statement. Nearly always each is of a partition
// of its own, and then the node that is asked passes each on; but it is asked
// once, and what a request costs, here and there, is much more than what a row of
// it does. What was written in part is written again.
func (s *Store) insertBatch(ctx context.Context, facts []*pipeline.Fact) error {
	return s.query(s.insertions[len(facts)], bindRows(facts)...).RoutingKey(routingKey(facts[0])).ExecContext(ctx)
}
