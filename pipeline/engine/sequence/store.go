package sequence

import (
	"log/slog"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// DefaultDrain is under the 15 s after which a log takes the partitions of an
// owner that does not answer.
const DefaultDrain = 10 * time.Second

// Options are how a [Store] behaves.
type Options struct {
	// Drain is for how long a lease that is ending goes on with what was begun
	// under it: by then it is somebody else's. 0 is [DefaultDrain].
	Drain time.Duration
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
}

// Store makes one store of keys, a log and rows. It is a [pipeline.Intake], a
// [pipeline.Feed] and a [pipeline.Settlement]; what is known of notifications it
// has from the rows as they are. It is safe for concurrent use.
type Store struct {
	pipeline.History
	pipeline.UserHistory
	pipeline.DeadLetters

	keys  Keys
	log   Log
	rows  Rows
	drain time.Duration
	slog  *slog.Logger
	now   func() time.Time
}

// New puts a store together. Whoever opened its parts closes them.
func New(keys Keys, log Log, rows Rows, o Options) *Store {
	if o.Drain == 0 {
		o.Drain = DefaultDrain
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{
		History: rows, UserHistory: rows, DeadLetters: rows,
		keys: keys, log: log, rows: rows, drain: o.Drain, slog: o.Log, now: o.Now,
	}
}
