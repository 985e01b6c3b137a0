package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// survey is where all partitions of all channels stand, read from the groups'
// commits and the leaders' ends, whoever owns them.
//
// Commits are read first, and ends after them. So a partition's end is never
// before what its commit knows, and no queue shows less than nothing; and a
// record that is being moved to a delay topic is found in one topic at least,
// since it is durable in the second before the commit lets it leave the first.
type survey struct {
	parts map[topicPartition]*part
}

// part is where a partition stands.
type part struct {
	*topic
	*commit
	end int64
}

// unleft is how many of the partition's records have not left.
func (p *part) unleft() int64 { return p.end - p.mark - p.ahead }

// surveys lets calls that come together share a survey. A call is never given
// one that was begun before the call was: what was settled by then is in it.
type surveys struct {
	mu      sync.Mutex
	next    *surveying // not begun
	running bool
}

// surveying is a survey that is to be made, or is being made.
type surveying struct {
	done   chan struct{}
	survey *survey
	err    error
}

// survey gives a survey that is begun from now on.
func (l *Log) survey(ctx context.Context) (*survey, error) {
	s := &l.surveys
	s.mu.Lock()
	if s.next == nil {
		s.next = &surveying{done: make(chan struct{})}
	}
	mine := s.next
	if !s.running {
		s.running = true
		go l.makeSurveys()
	}
	s.mu.Unlock()
	select {
	case <-mine.done:
		return mine.survey, mine.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// gatherTime is how long the first survey waits for calls that come with its own:
// who asks for the account and the queues together costs the brokers one survey.
const gatherTime = 2 * time.Millisecond

// makeSurveys makes surveys until none is wanted.
func (l *Log) makeSurveys() {
	s := &l.surveys
	time.Sleep(gatherTime)
	for {
		s.mu.Lock()
		wanted := s.next
		s.next = nil
		s.running = wanted != nil
		s.mu.Unlock()
		if wanted == nil {
			return
		}
		wanted.survey, wanted.err = l.trySurvey()
		close(wanted.done)
	}
}

const (
	// surveyTime bounds a survey, with its tries: leaders move.
	surveyTime  = 5 * time.Second
	surveyPause = 100 * time.Millisecond
)

// trySurvey makes a survey, again while it fails. Errors: ErrUnavailable.
func (l *Log) trySurvey() (*survey, error) {
	ctx, cancel := context.WithTimeout(context.Background(), surveyTime)
	defer cancel()
	for {
		s, err := l.makeSurvey(ctx)
		if err == nil {
			return s, nil
		}
		select {
		case <-time.After(surveyPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
		}
	}
}

func (l *Log) makeSurvey(ctx context.Context) (*survey, error) {
	commits, err := l.allStored(ctx)
	if err != nil {
		return nil, err
	}
	var all, fresh []topicPartition
	for p, c := range commits {
		all = append(all, p)
		if c.offset < 0 {
			fresh = append(fresh, p)
		}
	}
	ends, err := l.offsets(ctx, all, atEnd)
	if err != nil {
		return nil, err
	}
	firsts, err := l.offsets(ctx, fresh, atFirst)
	if err != nil {
		return nil, err
	}
	s := &survey{parts: make(map[topicPartition]*part, len(all))}
	for _, t := range l.topics.all() {
		for number := range t.partitions {
			p := topicPartition{t.name, number}
			c := &commit{window: window{mark: firsts[p]}, handed: firsts[p]}
			if from := commits[p]; from.offset >= 0 {
				if c, err = parseCommit(from.offset, from.metadata, ends[p]); err != nil {
					return nil, fmt.Errorf("group %s, %s/%d: %w", l.groupOf(t.channel), t.name, number, err)
				}
			}
			s.parts[p] = &part{t, c, max(ends[p], c.mark, c.handed)}
		}
	}
	return s, nil
}

// allStored asks the groups of all channels for what they have committed.
func (l *Log) allStored(ctx context.Context) (map[topicPartition]stored, error) {
	type answer struct {
		commits map[topicPartition]stored
		err     error
	}
	answers := make(chan answer)
	for _, c := range pipeline.Channels() {
		var partitions []topicPartition
		for _, t := range l.topics.channel(c).all() {
			for number := range t.partitions {
				partitions = append(partitions, topicPartition{t.name, number})
			}
		}
		go func() {
			commits, err := l.stored(ctx, l.groupOf(c), partitions)
			answers <- answer{commits, err}
		}()
	}
	all := map[topicPartition]stored{}
	var failed error
	for range pipeline.Channels() {
		a := <-answers
		for p, c := range a.commits {
			all[p] = c
		}
		if a.err != nil {
			failed = a.err
		}
	}
	return all, failed
}

// Account sums up the counts of all partitions, whoever owns them. Accepted is
// what the main topics hold or held, less repeats. A record that was queued again
// is in a delay topic from before it leaves where it was, so that a moment's two
// copies count once; and if the delay topics held less than was moved there, in
// flight would be less than what has not ended, as it should be when records are
// lost. Errors: ErrUnavailable.
func (l *Log) Account(ctx context.Context) (pipeline.Account, error) {
	s, err := l.survey(ctx)
	if err != nil {
		return pipeline.Account{}, err
	}
	return s.account(), nil
}

func (s *survey) account() pipeline.Account {
	var all counts
	var queued, delayed, moved, returned int64
	for _, p := range s.parts {
		all.add(&p.counts)
		if p.priority != 0 {
			queued += p.unleft()
			moved += p.moved
		} else {
			delayed += p.unleft()
			returned += p.outcomes()
		}
	}
	return pipeline.Account{
		Accepted:  queued + moved + all.outcomes() - returned,
		Delivered: all.delivered, Suppressed: all.suppressed, Expired: all.expired, RateDropped: all.rateDropped, Dead: all.dead,
		InFlight:  queued + min(delayed, moved-returned),
		Ambiguous: all.ambiguous, Takeovers: all.takeovers,
	}
}

// Depths counts what is queued, a row for each queue, whoever owns it. What was
// handed out of the partitions that this process owns is known to the record, of
// others as of their last commit; the oldest record is known of our own alone.
// Errors: ErrUnavailable.
func (l *Log) Depths(ctx context.Context) ([]pipeline.Depth, error) {
	s, err := l.survey(ctx)
	if err != nil {
		return nil, err
	}
	depths := make([]pipeline.Depth, 0, len(pipeline.Queues()))
	for _, q := range pipeline.Queues() {
		held := l.groups.holding(q.Channel)
		depths = append(depths, s.depth(q, held))
	}
	return depths, nil
}

func (s *survey) depth(q pipeline.Queue, held *lease) pipeline.Depth {
	d := pipeline.Depth{Queue: q}
	var handed map[topicPartition]int64
	if held != nil {
		handed, d.Oldest = held.progress(q.Priority)
	}
	for name, p := range s.parts {
		switch {
		case p.channel != q.Channel:
		case p.priority == 0:
			d.Retrying -= p.ended[q.Priority-pipeline.High]
		case p.priority == q.Priority:
			reached := min(p.end, max(p.handed, handed[name]))
			d.Windowed += reached - p.mark - p.ahead
			d.Waiting += p.end - reached
			d.Retrying += p.moved
		}
	}
	d.Retrying = max(0, d.Retrying)
	return d
}

// progress says how far a queue's partitions are handed out, and when the oldest
// record that waits in memory was accepted.
func (l *lease) progress(p pipeline.Priority) (handed map[topicPartition]int64, oldest time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lane := l.lane(p)
	handed = make(map[topicPartition]int64, len(lane.partitions))
	for _, o := range lane.partitions {
		handed[topicPartition{o.name, o.number}] = o.next
	}
	return handed, lane.oldest()
}

// holding gives the lease that this process holds of a channel, or nil.
func (g *groups) holding(c pipeline.Channel) *lease {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.of[c-pipeline.Push]
	if m == nil || m.held == nil || m.held.holding.Err() != nil {
		return nil
	}
	return m.held
}
