package scenarios

import (
	"context"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// Account is what became of a run's notifications, by id. What was not seen is
// nil. Of the numbers from accepted to lost, each notification is in one:
//
//	accepted = delivered + suppressed + expired + rate_dropped + dead + in_flight + lost
//
// as long as a delivered one that no provider knows is counted as lost too.
type Account struct {
	Accepted    int64  `json:"accepted"` // answered 202
	Delivered   *int64 `json:"delivered"`
	Suppressed  *int64 `json:"suppressed"`
	Expired     *int64 `json:"expired"`
	RateDropped *int64 `json:"rate_dropped"`
	Dead        *int64 `json:"dead"`
	InFlight    *int64 `json:"in_flight"` // counted by the system, of all it holds
	// Duplicates are the providers' acceptances of an id beyond the first.
	Duplicates *int64 `json:"duplicates"`
	// Lost are accepted, and neither ended nor in flight, or are called
	// delivered and unknown to the providers.
	Lost *int64 `json:"lost"`
	// Unacknowledged ended, or reached a provider, without having been answered
	// 202.
	Unacknowledged *int64 `json:"unacknowledged"`
	Ambiguous      *int64 `json:"ambiguous"` // answers of providers that left open whether they accepted
	Takeovers      *int64 `json:"takeovers"` // records found possibly sent after a crash
	// Arrived are accepted, and reached a provider. Of a system that tells nothing
	// of itself it is what can be said instead of delivered.
	Arrived *int64 `json:"arrived"`

	why map[string]reason // of what is nil, or is a bound
}

// reason is why a number of the account is not what it should be.
type reason struct {
	missing string // nobody said it
	open    string // it cannot be told
	atLeast bool   // it is a lower bound
}

// books are what an account is made from.
type books struct {
	accepted *roaring.Bitmap // sequences that the clients saw accepted

	outcomes   map[string]*roaring.Bitmap // sequences by what the system says became of them; nil when it does not say
	noOutcomes string                     // why

	before, after *api.Account // the system's own, of all it holds; nil when it does not say

	ledger   *mockproviders.Run // what the providers accepted; nil when it was not read
	noLedger string             // why
}

// settle makes the account.
func (b *books) settle() Account {
	a := Account{Accepted: int64(b.accepted.GetCardinality()), why: map[string]reason{}}
	ended := b.settleOutcomes(&a)
	b.settleSystem(&a)
	b.settleLedger(&a)
	b.settleLost(&a, ended)
	b.settleUnacknowledged(&a, ended)
	return a
}

func (a *Account) missing(why string, names ...string) {
	for _, name := range names {
		a.why[name] = reason{missing: why}
	}
}

// settleOutcomes counts the outcomes of what was accepted, and gives the
// sequences that have one.
func (b *books) settleOutcomes(a *Account) (ended *roaring.Bitmap) {
	if b.outcomes == nil {
		a.missing(b.noOutcomes, "delivered", "suppressed", "expired", "rate_dropped", "dead")
		return nil
	}
	ended = roaring.New()
	for _, outcome := range pipeline.Outcomes() {
		sequences := b.outcome(outcome)
		ended.Or(sequences)
		n := int64(sequences.AndCardinality(b.accepted))
		switch outcome {
		case pipeline.Delivered:
			a.Delivered = &n
		case pipeline.Suppressed:
			a.Suppressed = &n
		case pipeline.Expired:
			a.Expired = &n
		case pipeline.RateDropped:
			a.RateDropped = &n
		case pipeline.Dead:
			a.Dead = &n
		}
	}
	return ended
}

func (b *books) outcome(s pipeline.State) *roaring.Bitmap {
	if sequences := b.outcomes[s.String()]; sequences != nil {
		return sequences
	}
	return roaring.New()
}

func (b *books) settleSystem(a *Account) {
	if b.before == nil || b.after == nil {
		a.missing(noStatus, "in_flight", "ambiguous", "takeovers")
		return
	}
	inFlight := b.after.InFlight
	ambiguous := b.after.Ambiguous - b.before.Ambiguous
	takeovers := b.after.Takeovers - b.before.Takeovers
	a.InFlight, a.Ambiguous, a.Takeovers = &inFlight, &ambiguous, &takeovers
}

func (b *books) settleLedger(a *Account) {
	if b.ledger == nil {
		a.missing(b.noLedger, "duplicates", "arrived")
		return
	}
	arrived := int64(b.ledger.Sequences().AndCardinality(b.accepted))
	a.Arrived = &arrived
	duplicates := int64(b.ledger.Total.Duplicates)
	if duplicates == 0 && !b.ledger.Complete {
		a.missing("the ledger of the mock providers forgot a part of the run", "duplicates")
		return
	}
	a.Duplicates = &duplicates
}

// settleLost counts what is lost. While something is in flight, what has not
// ended may be a part of it; but no more than is in flight.
func (b *books) settleLost(a *Account, ended *roaring.Bitmap) {
	switch {
	case ended == nil:
		a.missing(b.noOutcomes, "lost")
		return
	case a.InFlight == nil:
		a.missing(noStatus, "lost")
		return
	}
	missing := roaring.AndNot(b.accepted, ended)
	lost := int64(missing.GetCardinality()) - *a.InFlight
	atLeast := lost > 0 && *a.InFlight > 0
	if *a.InFlight > 0 {
		lost = max(lost, 0)
	}
	if b.ledger != nil {
		unknown := roaring.And(b.outcome(pipeline.Delivered), b.accepted)
		unknown.AndNot(b.ledger.Sequences())
		lost += int64(unknown.GetCardinality())
	}
	switch {
	case lost > 0:
		a.Lost = &lost
		a.why["lost"] = reason{atLeast: atLeast}
	case !missing.IsEmpty():
		a.why["lost"] = reason{open: fmt.Sprintf("%d accepted ones have not ended, and %d are in flight", missing.GetCardinality(), *a.InFlight)}
	case b.ledger == nil:
		a.missing("the system says that nothing is lost, but "+b.noLedger, "lost")
	default:
		a.Lost = &lost
	}
}

func (b *books) settleUnacknowledged(a *Account, ended *roaring.Bitmap) {
	if ended == nil {
		a.missing(b.noOutcomes, "unacknowledged")
		return
	}
	known := ended.Clone()
	if b.ledger != nil {
		known.Or(b.ledger.Sequences())
	}
	n := int64(roaring.AndNot(known, b.accepted).GetCardinality())
	a.Unacknowledged = &n
}

// Ledger is what the mock providers' ledger tells of a run;
// [mockproviders.LedgerClient] is one.
type Ledger interface {
	Run(ctx context.Context, run string) (mockproviders.Run, error)
	// Activity says how busy they are: too busy ones are not what they stand for.
	Activity(ctx context.Context) (mockproviders.Activity, error)
}

func ledgerOf(ctx context.Context, ledger Ledger, run string) (*mockproviders.Run, string) {
	if ledger == nil {
		return nil, "no ledger of the providers was given; --mock URL names it"
	}
	answer, err := ledger.Run(ctx, run)
	if err != nil {
		return nil, fmt.Sprintf("the ledger of the mock providers could not be read: %v", err)
	}
	return &answer, ""
}
