package api

import "time"

// Shards is how the preferences are divided.
type Shards struct {
	Shards   int      `json:"shards"`
	Sharding string   `json:"sharding"` // modulo or jump
	Reshard  *Reshard `json:"reshard,omitempty"`
}

// The phases of a [Reshard].
const (
	ReshardCopying  = "copying"
	ReshardCleaning = "cleaning" // the users are there; what they left is being removed
	ReshardDone     = "done"
	ReshardFailed   = "failed" // the users are where they were
)

// Reshard is the last move of the server's process to another number of shards,
// or that under way.
type Reshard struct {
	Phase   string     `json:"phase"`
	From    int        `json:"from"` // shards
	To      int        `json:"to"`
	Copied  int        `json:"copied"` // shards of From that are copied
	Rows    int64      `json:"rows"`   // looked at: a user and a channel each
	Moved   int64      `json:"moved"`  // rows that go to another shard
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
	Error   string     `json:"error,omitempty"` // why it failed, or what is tried again
}

// Running says whether the move goes on.
func (r *Reshard) Running() bool { return r.Phase == ReshardCopying || r.Phase == ReshardCleaning }
