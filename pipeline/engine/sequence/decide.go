package sequence

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// known is what there is to decide by on a record that a log handed out.
type known struct {
	*pipeline.Logged
	// row is what the history holds of its id; its state is zero where it holds
	// nothing, or was not asked.
	row pipeline.Row
	// twin says that another delivery of the id goes on under the lease, and
	// nothing is recorded of it yet.
	twin   bool
	erased bool // the user, after the acceptance
	out    bool // what was decided: nothing is recorded of it, and it goes on or ends
}

// verdict is what is to be done with a record before anybody sends it.
type verdict struct {
	// exit is how it leaves; its kind is 0 for what is handed out.
	exit pipeline.Exit
	// record says that the exit's fact is news to the history.
	record bool
}

// decide says what is to be done with a record.
//
// A history row of an outcome or a retry was recorded before its delivery left
// the log, so after a crash it may be the record's own, whose exit is then made
// up for; or it is of another copy. Copies come about in two ways. An intake
// that was resumed appended the record twice: the copies have origins of their
// own, and the one that a row names counts. Or a retry was appended and its
// predecessor did not leave: a later owner then finds the predecessor, and
// appends the retry once more, to be checked. Of such twins the first to be
// recorded counts. What a predecessor's row says is no news to its retry, unless
// it is an outcome: then a former owner's send, which the new one thought
// failed, was recorded late.
func decide(k *known, now time.Time) verdict {
	d, row := k.Delivery, &k.row
	switch {
	case !row.State.Terminal() && row.State != pipeline.Retrying: // at most noted as a takeover
	case row.Origin != d.Origin:
		return verdict{exit: leaves(d, pipeline.Repeats)}
	case row.Token == d.Token:
		return verdict{exit: makeUp(d, row)}
	case d.Token == d.Origin: // its retry went on
		return verdict{exit: pipeline.Exit{Kind: pipeline.Waiting, Fact: recorded(d, row)}}
	case k.twin, row.DeliveryDue.UnixMilli() >= d.Due.UnixMilli(): // its twin, or its own retry, went on
		return verdict{exit: leaves(d, pipeline.Repeats)}
	case row.State.Terminal():
		return verdict{exit: pipeline.Exit{Kind: pipeline.Ends, Fact: recorded(d, row)}}
	}
	switch {
	case k.twin:
		return verdict{exit: leaves(d, pipeline.Repeats)}
	case k.erased:
		return ends(d, pipeline.Result{State: pipeline.Suppressed, Reason: pipeline.ReasonErased}, now)
	case k.State.Terminal():
		return ends(d, k.Result, now)
	}
	return verdict{}
}

// leaves is an exit that nothing is to be said of.
func leaves(d *pipeline.Delivery, kind pipeline.ExitKind) pipeline.Exit {
	return pipeline.Exit{Kind: kind, Fact: pipeline.Fact{Delivery: d}}
}

// ends is for what ends without a send.
func ends(d *pipeline.Delivery, r pipeline.Result, now time.Time) verdict {
	return verdict{record: true, exit: pipeline.Exit{Kind: pipeline.Ends, Fact: pipeline.Fact{
		Delivery: d, State: r.State, Reason: r.Reason, At: now,
	}}}
}

// makeUp is the exit of a delivery whose own fact is recorded. Beside an outcome
// there may be a retry, if two owners had the delivery in hand: it may be queued,
// so it is queued in any case, and finds the outcome.
func makeUp(d *pipeline.Delivery, row *pipeline.Row) pipeline.Exit {
	f := recorded(d, row)
	if row.Due.IsZero() {
		return pipeline.Exit{Kind: pipeline.Ends, Fact: f}
	}
	f.State, f.Reason = pipeline.Retrying, ""
	return pipeline.Exit{Kind: pipeline.Waits, Fact: f, Check: true}
}

// recorded is the fact that a row was made of, as far as the account and a retry
// need it. Its attempt is the first beyond those that the delivery came with,
// but for takeovers, which were counted when they were noted: they are among
// those that a retry comes with.
func recorded(d *pipeline.Delivery, row *pipeline.Row) pipeline.Fact {
	again := *d
	f := pipeline.Fact{Delivery: &again, State: row.State, Reason: row.Reason, At: row.EndedAt, Due: row.Due}
	for i := len(d.Attempts); i < len(row.Attempts); i++ {
		if row.Attempts[i].Class != pipeline.Uncertain {
			f.Attempt = row.Attempts[i]
			break
		}
		again.Attempts = row.Attempts[: i+1 : i+1]
	}
	return f
}

// asks says whether the history is to be asked about a record before it is
// handed out.
func asks(l *pipeline.Logged) bool { return l.Undecodable == nil && (l.Doubt || l.Check) }
