package kafka

import (
	"context"
	"time"
)

const (
	// retainFor is how long at least records that have left are kept: long enough
	// to look at what went wrong, and for an owner that reads slowly never to be
	// overtaken.
	retainFor = time.Minute
	// retainStep is the fewest records of a partition that are worth a request.
	// Kafka frees whole segments, so smaller steps gain nothing.
	retainStep = 10_000
)

// retain deletes what has left, some time after it did: behind the mark that was
// committed at least retainFor ago. Nothing else ever deletes a record: the
// topics keep theirs without end.
func (l *lease) retain(ctx context.Context) {
	trouble := complaint{log: l.log.cfg.Log, what: "deleting what has left of " + l.Channel().String()}
	deletable := map[topicPartition]int64{} // the marks at the last look
	deleted := map[topicPartition]int64{}
	ticker := time.NewTicker(retainFor)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		before := map[topicPartition]int64{}
		for p, mark := range deletable {
			if mark-deleted[p] >= retainStep {
				before[p] = mark
			}
		}
		if err := l.log.deleteRecords(ctx, before); err != nil {
			trouble.about(err)
		} else {
			trouble.over()
			for p, mark := range before {
				deleted[p] = mark
			}
		}
		deletable = l.settledMarks()
	}
}

// settledMarks is below which records have left by acknowledged commits.
func (l *lease) settledMarks() map[topicPartition]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	marks := make(map[topicPartition]int64, len(l.partitions))
	for _, o := range l.partitions {
		marks[topicPartition{o.name, o.number}] = o.settled
	}
	return marks
}
