package pipelinetest

import (
	"crypto/rand"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Store is an engine's side of the two commits: what stands before the queue,
// behind it, and what is known of both.
type Store interface {
	pipeline.Intake
	pipeline.Feed
	pipeline.Settlement
	pipeline.History
	pipeline.UserHistory
	pipeline.DeadLetters
}

// StoreLimits are the bytes that a store may hold; 0 is no limit.
type StoreLimits struct{ Queue, Keys, History int64 }

// Features are what an engine does beyond what the ports ask of all. One that
// has its queue and its history in a single store of a single process can do all
// of it.
type Features struct {
	// ListsQueued: without a backlog, a user's list shows what is queued too.
	ListsQueued bool
	// ShowsSending: what was handed out is Sending. Else it is Queued, or
	// Retrying, until something new is recorded of it.
	ShowsSending bool
	// SettlesAtIngest: what ended at ingest has its outcome from its commit on.
	// Else it has it once the queue was read that far.
	SettlesAtIngest bool
	// ExactDoubt: after a crash nothing is in doubt but what was handed out. Else
	// some of what came behind it may be, too.
	ExactDoubt bool
	// TellsAlikeApart: a queued notification is found when another user is
	// erased whose hash is the same. Else it is not found until something is
	// recorded of it; it is delivered in any case.
	TellsAlikeApart bool
	// ExactLimits: the request after the one that reached a limit is refused.
	// Else one of those soon after.
	ExactLimits bool
	// BoundsKeys: idempotency keys have a limit of their own. Else they are full
	// when their server is.
	BoundsKeys bool
	// DropsDays: history that passes its limit loses its oldest day, unless
	// something of it is unfinished. Else it ends by age.
	DropsDays bool
}

// StoreUnderTest opens one store again and again.
type StoreUnderTest struct {
	Features
	// Open opens it as the last process left it.
	Open func(t *testing.T, l StoreLimits) Store
	// Close ends it in order, Kill as a crash would: nothing that was not
	// acknowledged may survive by the suite's doing.
	Close, Kill func(t *testing.T, s Store)
}

// Stores runs the conformance suite of [pipeline.Intake], [pipeline.Feed],
// [pipeline.Settlement], [pipeline.History], [pipeline.UserHistory] and
// [pipeline.DeadLetters]. make gives an empty store.
func Stores(t *testing.T, make func(t *testing.T) StoreUnderTest) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, w *world)
	}{
		{"a commit is handed out, settled and found", oneWay},
		{"the account is an equation at every step", accountHolds},
		{"records of a user come in order", ordered},
		{"a batch waits for its time or its size", awaits},
		{"a retry comes back when it is due, with its attempts", retries},
		{"retries come back, however many are recorded and handed out at once", manyRetries},
		{"an answered key is replayed, also after a restart", replays},
		{"a key with another body is a conflict", conflicts},
		{"a running key is refused, a released one free", running},
		{"keys are taken all or none", allOrNone},
		{"one of many requests with a key wins", races},
		{"what ended at ingest has its outcome and is not handed out", endedAtIngest},
		{"settling twice counts once", settlesTwice},
		{"an orderly restart leaves nothing in doubt", orderlyRestart},
		{"after a crash what was handed out is in doubt, and nothing is lost", crash},
		{"after a crash what was settled is not handed out", crashSettled},
		{"a retry handed out before a crash is in doubt", crashRetry},
		{"a takeover is remembered by the next crash", takeover},
		{"a load run's outcomes are kept by sequence", runOutcomes},
		{"random histories keep the account and lose nothing", randomHistories},
		{"a user's history comes newest first, page by page", userPages},
		{"a user's history is bounded by times of acceptance", userBounds},
		{"a user's list shows what is queued, being sent and retried", userQueued},
		{"pages neither repeat nor miss while more is accepted", stablePages},
		{"a cursor of another list is refused", foreignCursors},
		{"users whose hashes are alike are told apart", collidingUsers},
		{"dead letters are listed by channel, reason and time", deadLists},
		{"a dead letter is sent again once, and stays dead", replaysDead},
		{"an erased user is found by nobody, and others are", erases},
		{"what waits of an erased user is not handed out", erasesQueued},
		{"what is sent of a user who is erased meanwhile counts and leaves nothing", erasesSending},
		{"what had ended of an erased user does not end again after a crash", erasesBeforeCrash},
		{"what an erased user is sent later is kept", erasedAndBack},
		{"a full queue takes nothing more, until it is emptied", fullQueue},
		{"full keys refuse requests with keys alone", fullKeys},
		{"history drops its oldest days whole", dropsDays},
		{"history does not drop what is unfinished, and takes nothing more", keepsUnfinished},
		{"lists, letters and erasures follow a model through crashes", randomUsers},
	} {
		t.Run(c.name, func(t *testing.T) {
			under := make(t)
			w := &world{T: t, under: under, ids: pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3})}
			_, _ = rand.Read(w.keys[:]) // it never fails
			w.open()
			defer w.shut()
			c.test(t, w)
		})
	}
}
