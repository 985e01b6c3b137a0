package pipeline

// Space is about how many bytes a part of what is kept takes, of those that it
// may. At its limit, admission closes.
type Space struct {
	Part  SpacePart
	Bytes int64
	Limit int64 // 0 is none
}

// SpacePart names what takes space.
type SpacePart string

// The parts that have a limit.
const (
	QueueSpace       SpacePart = "queue"       // what has not ended
	HistorySpace     SpacePart = "history"     // what is kept of what has
	IdempotencySpace SpacePart = "idempotency" // the keys of requests
)
