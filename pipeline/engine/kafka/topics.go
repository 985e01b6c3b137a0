package kafka

import (
	"fmt"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// topic is one of ours in the cluster.
type topic struct {
	name       string
	channel    pipeline.Channel
	priority   pipeline.Priority // of a main topic; 0 of a delay topic, whose records have each their own
	delay      time.Duration     // of a delay topic; 0 of a main one
	partitions int32
}

// partitionOf is the partition that records of a user lie in, so that a user's
// notifications of one topic stay in order.
func (t *topic) partitionOf(id pipeline.ID) int32 {
	return int32(id.UserHash() % uint32(t.partitions))
}

// topicPartition names a partition of the cluster.
type topicPartition struct {
	topic     string
	partition int32
}

// channelTopics are those of a channel.
type channelTopics struct {
	main   [3]*topic // by priority, high first
	delays []*topic  // shortest first
}

// all lists the main topics, then the delay topics.
func (c *channelTopics) all() []*topic { return slices.Concat(c.main[:], c.delays) }

// topics are ours.
type topics struct {
	channels [3]channelTopics // by channel
	names    []string         // of all
}

// channel gives the topics of a channel.
func (t *topics) channel(c pipeline.Channel) *channelTopics { return &t.channels[c-pipeline.Push] }

// main gives the topic of a queue.
func (t *topics) main(q pipeline.Queue) *topic {
	return t.channel(q.Channel).main[q.Priority-pipeline.High]
}

// all lists every topic, by channel.
func (t *topics) all() []*topic {
	var all []*topic
	for _, c := range pipeline.Channels() {
		all = append(all, t.channel(c).all()...)
	}
	return all
}

// newTopics names the topics of a configuration; their partitions are not known
// yet.
func newTopics(cfg Config) *topics {
	t := &topics{}
	for _, q := range pipeline.Queues() {
		t.channel(q.Channel).main[q.Priority-pipeline.High] = &topic{
			name:    fmt.Sprintf("%s.%s.%s", cfg.topicPrefix(), q.Channel, q.Priority),
			channel: q.Channel, priority: q.Priority,
		}
	}
	for _, c := range pipeline.Channels() {
		of := t.channel(c)
		for _, delay := range slices.Sorted(slices.Values(cfg.Delays)) {
			of.delays = append(of.delays, &topic{
				name:    fmt.Sprintf("%s.%s.retry.%s", cfg.topicPrefix(), c, delayName(delay)),
				channel: c, delay: delay,
			})
		}
	}
	for _, each := range t.all() {
		t.names = append(t.names, each.name)
	}
	return t
}

// delayName is a delay in seconds, or in milliseconds when it is no whole
// number of seconds.
func delayName(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d/time.Millisecond)
}
