package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// commitEvery is the least time between two commits of a lease: a commit
	// serves all that came since the last.
	commitEvery = 10 * time.Millisecond
	// commitBytes bounds the metadata of one request. A coordinator appends what
	// a request brings as one batch, which must fit into a message.
	commitBytes = 256 << 10
)

// commits says how far a lease's changes are committed. The lease's mu guards it.
type commits struct {
	changes int64 // so far
	durable int64 // of them
	// moved is closed, and made anew, when durable has moved.
	moved chan struct{}
}

func newCommits() commits { return commits{moved: make(chan struct{})} }

// taken is a partition's part of a commit.
type taken struct {
	from *owned
	*commit
}

// runCommits commits what changes, one commit at a time, until the lease is over.
func (l *lease) runCommits() {
	trouble := complaint{log: l.log.cfg.Log, what: "commit of " + l.member.group}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, time.Second
	for {
		select {
		case <-l.dirty:
		case <-l.holding.Done():
			return
		}
		for {
			began := time.Now()
			err := l.commitChanges()
			if errors.Is(err, pipeline.ErrFenced) {
				l.end()
				l.letGo()
				return
			}
			wait := commitEvery - time.Since(began)
			if err == nil {
				trouble.over()
				pause.Reset()
			} else {
				trouble.about(err)
				wait = pause.NextBackOff()
			}
			select {
			case <-time.After(wait):
			case <-l.holding.Done():
				return
			}
			if err == nil {
				break
			}
		}
	}
}

// commitChanges commits the partitions that have changed. What fails is to be
// committed again: a commit says where a partition stands, so that a repeated
// one counts nothing twice.
func (l *lease) commitChanges() error {
	parts, upTo := l.takeChanges()
	for rest := parts; len(rest) > 0; {
		request, n := l.commitRequest(rest)
		err := l.sendCommit(request)
		if err != nil {
			l.putBack(rest)
			return err
		}
		l.acknowledge(rest[:n])
		rest = rest[n:]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits.durable = upTo
	close(l.commits.moved)
	l.commits.moved = make(chan struct{})
	return nil
}

// takeChanges takes what is to be committed, and says up to which change it goes.
// A lease that has ended hands out no more, so its frontiers are drawn back.
func (l *lease) takeChanges() ([]taken, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var behind map[int32]int64
	if l.ended {
		behind = map[int32]int64{} // the last outstanding record of a partition
		for t := range l.outstanding {
			behind[t.Partition] = max(behind[t.Partition], t.Position+1)
		}
	}
	var parts []taken
	for _, o := range l.partitions {
		if !o.changed {
			continue
		}
		o.changed = false
		frontier := o.goal(o.next)
		if l.ended {
			frontier = o.drawnBack(behind[o.token])
		}
		parts = append(parts, taken{o, o.commit(frontier)})
	}
	return parts, l.commits.changes
}

func (l *lease) putBack(parts []taken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range parts {
		t.from.changed = true
	}
	notify(l.dirty)
}

// acknowledge takes note of what a coordinator has committed.
func (l *lease) acknowledge(parts []taken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range parts {
		t.from.acknowledged = t.frontier
		t.from.settled = t.mark
	}
	l.wakeAll()
}

// commitRequest makes a request of as many parts as fit into one, and says how
// many they are. Parts of one topic stand together.
func (l *lease) commitRequest(parts []taken) (*offsetCommitRequest, int) {
	request := &offsetCommitRequest{
		GroupID: l.member.group, GenerationID: l.member.generation, MemberID: l.member.id, RetentionTimeMs: -1,
	}
	size, n := 0, 0
	for _, t := range parts {
		metadata := t.metadata()
		if size += len(metadata); n > 0 && size > commitBytes {
			break
		}
		if last := len(request.Topics) - 1; last < 0 || request.Topics[last].Name != t.from.name {
			request.Topics = append(request.Topics, offsetcommit.RequestTopic{Name: t.from.name})
		}
		topic := &request.Topics[len(request.Topics)-1]
		topic.Partitions = append(topic.Partitions, offsetcommit.RequestPartition{
			PartitionIndex: t.from.number, CommittedOffset: t.mark, CommittedLeaderEpoch: -1, CommittedMetadata: metadata,
		})
		n++
	}
	return request, n
}

// sendCommit sends a request for as long as it may take to be answered. Errors:
// ErrFenced, when another generation has begun or the lease is over.
func (l *lease) sendCommit(request *offsetCommitRequest) error {
	ctx, cancel := context.WithTimeout(l.holding, answerTimeout)
	defer cancel()
	err := l.askCoordinator(ctx, request)
	if err != nil && l.holding.Err() != nil {
		return pipeline.ErrFenced
	}
	return err
}

// askCoordinator sends a request to the group's coordinator. After whatever error
// the coordinator is looked for anew, as it may be another by now: a broker that
// is none any more refuses.
func (l *lease) askCoordinator(ctx context.Context, request *offsetCommitRequest) (err error) {
	if !l.coordinated {
		if l.coordinator, err = findCoordinator(ctx, l.log.transport, l.log.addr, request.GroupID); err != nil {
			return err
		}
	}
	request.coordinator = l.coordinator
	answer, err := l.log.transport.RoundTrip(ctx, l.log.addr, request)
	if err == nil {
		err = refusedCommit(answer.(*offsetcommit.Response))
	}
	l.coordinated = err == nil
	return err
}

// refusedCommit is why a coordinator did not commit all of a request. Errors:
// ErrFenced, when another generation has begun.
func refusedCommit(answer *offsetcommit.Response) error {
	for _, topic := range answer.Topics {
		for _, p := range topic.Partitions {
			if p.ErrorCode == 0 {
				continue
			}
			err := fmt.Errorf("%s/%d: %w", topic.Name, p.PartitionIndex, kafkago.Error(p.ErrorCode))
			if fences(err) {
				return fmt.Errorf("%w: %w", pipeline.ErrFenced, err)
			}
			return err
		}
	}
	return nil
}

// fences says that a coordinator refused because our generation is over.
func fences(err error) bool {
	return slices.ContainsFunc([]kafkago.Error{
		kafkago.RebalanceInProgress, kafkago.IllegalGeneration, kafkago.UnknownMemberId, kafkago.FencedInstanceID, kafkago.GroupIdNotFound,
	}, func(code kafkago.Error) bool { return errors.Is(err, code) })
}

// durable waits until a change is committed. Errors: ctx's, and ErrFenced when
// the lease is over before.
func (l *lease) durable(ctx context.Context, change int64) error {
	for {
		l.mu.Lock()
		done, moved := l.commits.durable >= change, l.commits.moved
		l.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.holding.Done():
			// The last commit may have come back just now.
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.commits.durable >= change {
				return nil
			}
			return pipeline.ErrFenced
		}
	}
}
