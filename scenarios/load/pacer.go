package load

import (
	"sync"
	"sync/atomic"
	"time"
)

// pacer keeps vegeta's attacker to a schedule. It owns when a request is sent,
// when a late one is given up instead, and when the run is over:
//
//	slot     = hits + dropped
//	intended = began + At(slot)
//
// A slot that is more than maxLag late is shed, so that a target that was
// stalled is not met by everything it missed at once. What was shed is kept as
// segments of the sequence, from which the intended time of every request that
// is sent follows, and which are forgotten once they are behind.
type pacer struct {
	schedule *Schedule
	maxLag   time.Duration
	done     <-chan struct{} // ends the run before its time
	// lastFull is the last time at which every connection waited for the
	// target, or negative.
	lastFull func() time.Duration

	start    sync.Once
	began    time.Time     // of the attack, to a few microseconds
	starting chan struct{} // closed when began is set
	taken    atomic.Uint64 // requests that were sent

	mu          sync.Mutex
	segments    []segment
	dropped     uint64
	droppedHeld uint64        // of those, while every connection waited for the target
	byStage     []uint64      // dropped, by the stage they were due in
	lastDue     time.Duration // when the last request that was sent was due
	halted      time.Duration // when the run ended before its time, or -1
	complete    bool          // whether nothing is left to send
}

// segment says how many slots were shed before the requests from a sequence on.
type segment struct {
	from    uint64
	dropped uint64
}

func newPacer(s *Schedule, maxLag time.Duration, done <-chan struct{}, lastFull func() time.Duration) *pacer {
	return &pacer{
		schedule: s,
		maxLag:   maxLag,
		done:     done,
		lastFull: lastFull,
		starting: make(chan struct{}),
		segments: []segment{{}},
		byStage:  make([]uint64, s.Stages()),
		halted:   -1,
	}
}

// Pace waits until the next slot is due and then lets the attacker send it; it
// does the waiting itself, since the attacker's own cannot be interrupted. It
// implements vegeta's Pacer.
func (p *pacer) Pace(elapsed time.Duration, hits uint64) (wait time.Duration, stop bool) {
	p.start.Do(func() {
		p.began = time.Now().Add(-elapsed)
		close(p.starting)
	})
	due, more := p.next(elapsed, hits)
	if !more {
		return 0, true
	}
	if due <= elapsed {
		select {
		case <-p.done:
			return 0, true
		default:
			return 0, false
		}
	}
	timer := time.NewTimer(due - elapsed)
	defer timer.Stop()
	select {
	case <-p.done:
		return 0, true
	case <-timer.C:
		return 0, false
	}
}

// next sheds what is too late and says when the slot after it is due; more is
// false when the schedule is at its end, or was halted.
func (p *pacer) next(elapsed time.Duration, hits uint64) (due time.Duration, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.halted >= 0 {
		return 0, false // what was not sent by then is unsent, not dropped
	}
	slot := hits + p.dropped
	if elapsed-p.schedule.At(slot) > p.maxLag {
		if until := p.schedule.SlotsBy(elapsed - p.maxLag); until > slot {
			p.shed(slot, until, hits)
			slot = until
		}
	}
	due = p.schedule.At(slot)
	p.complete = due >= p.schedule.Total()
	return due, !p.complete
}

// shed drops the slots from one to before another; the requests from sequence
// hits on come after them.
func (p *pacer) shed(from, until, hits uint64) {
	p.dropped += until - from
	if held := p.schedule.SlotsBy(p.lastFull() + 1); held > from {
		p.droppedHeld += min(held, until) - from
	}
	p.segments = append(p.segments, segment{from: hits, dropped: p.dropped})
	for from < until {
		stage := p.schedule.StageAt(p.schedule.At(from))
		_, _, end := p.schedule.Stage(stage)
		last := min(until, max(p.schedule.SlotsBy(end), from+1))
		p.byStage[stage] += last - from
		from = last
	}
}

// Rate is the rate that the schedule asks for; vegeta's Pacer has it for
// display.
func (p *pacer) Rate(elapsed time.Duration) float64 { return p.schedule.Rate(elapsed) }

// turn is a request's place in a run.
type turn struct {
	seq    uint64        // in the order of sending, without gaps
	number uint64        // in the whole schedule, from which its contents follow
	due    time.Duration // since the start
}

// take gives a request that is about to be sent its turn.
func (p *pacer) take() turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	seq := p.taken.Add(1) - 1
	for len(p.segments) > 1 && p.segments[1].from <= seq {
		p.segments = p.segments[1:]
	}
	slot := seq + p.segments[0].dropped
	p.lastDue = p.schedule.At(slot)
	return turn{seq: seq, number: p.schedule.Number(slot), due: p.lastDue}
}

// elapsed is the time since the start; 0 before it.
func (p *pacer) elapsed() time.Duration {
	select {
	case <-p.starting:
		return time.Since(p.began)
	default:
		return 0
	}
}

// halt says that the run ended now, whatever its schedule says; the first call
// counts.
func (p *pacer) halt() {
	now := p.elapsed()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.halted < 0 {
		p.halted = now
	}
}

// until is the part of the schedule that has been offered so far: up to now,
// or to the moment the run was halted.
func (p *pacer) until() time.Duration {
	now := p.elapsed()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.complete:
		return p.schedule.Total()
	case p.halted >= 0:
		now = p.halted
	}
	// A request that was sent just as the run was halted was offered too.
	return min(max(now, p.lastDue+1), p.schedule.Total())
}

// drops is how many slots were shed, in all, because every connection waited
// for the target, and by the stage they were due in.
func (p *pacer) drops() (all, held uint64, byStage []uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dropped, p.droppedHeld, append([]uint64(nil), p.byStage...)
}
