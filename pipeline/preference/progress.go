package preference

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// MovePhase says how far a move is.
type MovePhase string

// The phases of a move. The zero value is that there was none.
const (
	MoveCopying  MovePhase = "copying"
	MoveCleaning MovePhase = "cleaning" // the users are there; what they left is being removed
	MoveDone     MovePhase = "done"
	MoveFailed   MovePhase = "failed" // the users are where they were
)

// MoveProgress is how far the last move of this process is.
type MoveProgress struct {
	Phase MovePhase
	From  pipeline.Placement
	To    pipeline.Placement
	// Copied is how many of the shards that it comes from are copied; Rows of
	// them were looked at, and Moved go to another shard.
	Copied      int
	Rows, Moved int64
	Started     time.Time
	Ended       time.Time // zero while it runs
	Err         error     // why it failed, or what is tried again
}

func (p *MoveProgress) isRunning() bool { return p.Phase == MoveCopying || p.Phase == MoveCleaning }

// move is the state of moving users.
type move struct {
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	// writing orders changes against each other and against the copying of a
	// page, while users are copied.
	writing sync.Mutex
	// failed is why a change could not be repeated.
	failed atomic.Pointer[error]

	mu       sync.Mutex
	progress MoveProgress
	ended    chan struct{} // of the move under way
}

func (m *move) init() { m.ctx, m.cancel = context.WithCancel(context.Background()) }

// stop ends a move where it is.
func (m *move) stop() {
	m.cancel()
	m.running.Wait()
}

// fail ends the copying.
func (m *move) fail(err error) { m.failed.CompareAndSwap(nil, &err) }

// begin notes a move, unless one runs.
func (m *move) begin(from, to pipeline.Placement, phase MovePhase) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.progress.isRunning() || m.ctx.Err() != nil {
		return false
	}
	m.ended = make(chan struct{})
	m.progress = MoveProgress{Phase: phase, From: from, To: to, Started: time.Now()}
	m.failed.Store(nil)
	return true
}

func (m *move) note(change func(*MoveProgress)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.progress)
}

// Progress says how far the last move is.
func (s *Shards) Progress() MoveProgress {
	s.move.mu.Lock()
	defer s.move.mu.Unlock()
	return s.move.progress
}

// AwaitMove waits for the end of the move under way, if there is one, and says
// how it ended. Its error is the context's.
func (s *Shards) AwaitMove(ctx context.Context) (MoveProgress, error) {
	for {
		s.move.mu.Lock()
		p, ended := s.move.progress, s.move.ended
		s.move.mu.Unlock()
		if !p.isRunning() {
			return p, nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return p, ctx.Err()
		}
	}
}
