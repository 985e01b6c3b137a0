package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// The settings of topics that matter to us.
const (
	cleanupPolicy   = "cleanup.policy"
	retentionMS     = "retention.ms"
	retentionBytes  = "retention.bytes"
	minISR          = "min.insync.replicas"
	maxMessageBytes = "max.message.bytes"

	// unlimited is a retention that deletes nothing.
	unlimited = "-1"
	// leastMessageBytes is what batches may come to, their headers included.
	leastMessageBytes = maxBatch + sizeLen + headerLen
)

// prepareTopics makes the topics that are missing and checks the others. When
// it returns, each partition has a leader, and l.topics knows how many there
// are.
func (l *Log) prepareTopics(ctx context.Context) error {
	known, err := layout(ctx, l.transport, l.addr, l.topics.names)
	if err != nil {
		return l.cfg.diagnose(ctx, err)
	}
	var missing []string
	for _, t := range known.Topics {
		switch kafkago.Error(t.ErrorCode) {
		case kafkago.UnknownTopicOrPartition:
			missing = append(missing, t.Name)
		case kafkago.TopicAuthorizationFailed:
			return l.cfg.fault(fmt.Errorf("the topic %s may not be looked at", t.Name),
				fmt.Sprintf("let the user Describe, Read and Write the topics %s.*", l.cfg.topicPrefix()), true)
		}
	}
	if err := l.createTopics(ctx, missing, len(known.Brokers)); err != nil {
		return err
	}
	known, err = l.awaitLeaders(ctx)
	if err != nil {
		return err
	}
	if err := l.checkPartitions(known); err != nil {
		return err
	}
	return l.checkSettings(ctx)
}

// createTopics makes topics, with as many of the wanted replicas as there are
// brokers.
func (l *Log) createTopics(ctx context.Context, names []string, brokers int) error {
	if len(names) == 0 {
		return nil
	}
	replicas := min(l.cfg.Replication, brokers)
	inSync := min(l.cfg.MinISR, replicas)
	if replicas < l.cfg.Replication || inSync < l.cfg.MinISR {
		l.cfg.Log.Warn("the cluster has fewer brokers than records are to be kept on",
			slog.Int("brokers", brokers), slog.Int("replicas", replicas), slog.Int("replicas_asked", l.cfg.Replication),
			slog.Int("in_sync", inSync), slog.Int("in_sync_asked", l.cfg.MinISR))
	}
	request := &kafkago.CreateTopicsRequest{Addr: l.addr}
	for _, name := range names {
		request.Topics = append(request.Topics, kafkago.TopicConfig{
			Topic: name, NumPartitions: l.cfg.Partitions, ReplicationFactor: replicas,
			ConfigEntries: []kafkago.ConfigEntry{
				{ConfigName: cleanupPolicy, ConfigValue: "delete"},
				// What was settled is deleted by us, and nothing else is.
				{ConfigName: retentionMS, ConfigValue: unlimited},
				{ConfigName: retentionBytes, ConfigValue: unlimited},
				{ConfigName: minISR, ConfigValue: strconv.Itoa(inSync)},
				{ConfigName: maxMessageBytes, ConfigValue: strconv.Itoa(1 << 20)},
			},
		})
	}
	answer, err := l.client().CreateTopics(ctx, request)
	if err != nil {
		return l.cfg.diagnose(ctx, err)
	}
	for _, name := range names {
		if err := answer.Errors[name]; err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
			return l.cfg.fault(fmt.Errorf("the topic %s is missing and cannot be made: %w", name, err), fmt.Sprintf(
				"make it with %d partitions or more, %d replicas, cleanup.policy=delete, retention.ms=-1, retention.bytes=-1 and min.insync.replicas=%d, or let the user Create topics %s.*",
				l.cfg.Partitions, replicas, inSync, l.cfg.topicPrefix()), !transientCreation(err))
		}
	}
	return nil
}

// transientCreation says whether making a topic may work a moment later.
func transientCreation(err error) bool {
	return errors.Is(err, kafkago.NotController) || errors.Is(err, kafkago.RequestTimedOut) ||
		errors.Is(err, kafkago.ThrottlingQuotaExceeded)
}

// awaitLeaders waits until each partition has a leader: a topic that was just
// made takes some hundred milliseconds.
func (l *Log) awaitLeaders(ctx context.Context) (*metadata.Response, error) {
	tick := time.NewTicker(metadataTTL / 5)
	defer tick.Stop()
	for {
		known, err := layout(ctx, l.transport, l.addr, l.topics.names)
		if err != nil {
			return nil, l.cfg.diagnose(ctx, err)
		}
		lacking := leaderless(known)
		if lacking == "" {
			return known, nil
		}
		select {
		case <-ctx.Done():
			return nil, l.cfg.fault(fmt.Errorf("%s has no leader", lacking), "see whether all brokers of the cluster run", false)
		case <-tick.C:
		}
	}
}

// leaderless names a topic or partition without a leader, or nothing.
func leaderless(known *metadata.Response) string {
	brokers := map[int32]bool{}
	for _, b := range known.Brokers {
		brokers[b.NodeID] = true
	}
	for _, t := range known.Topics {
		if t.ErrorCode != 0 || len(t.Partitions) == 0 {
			return t.Name
		}
		for _, p := range t.Partitions {
			if !brokers[p.LeaderID] {
				return fmt.Sprintf("%s/%d", t.Name, p.PartitionIndex)
			}
		}
	}
	return ""
}

// checkPartitions takes over how many partitions the topics have.
func (l *Log) checkPartitions(known *metadata.Response) error {
	found := map[string]metadata.ResponseTopic{}
	for _, t := range known.Topics {
		found[t.Name] = t
	}
	var lacking []*topic
	for _, t := range l.topics.all() {
		partitions := found[t.name].Partitions
		t.partitions = int32(len(partitions))
		if len(partitions) < l.cfg.Partitions {
			lacking = append(lacking, t)
		}
		if replicas := len(partitions[0].ReplicaNodes); replicas < l.cfg.Replication {
			l.cfg.Log.Warn("a topic keeps its records on fewer brokers than asked",
				slog.String("topic", t.name), slog.Int("replicas", replicas), slog.Int("replicas_asked", l.cfg.Replication))
		}
	}
	if len(lacking) > 0 {
		return l.tooFew(lacking)
	}
	return nil
}

// tooFew says that topics have fewer partitions than asked for.
func (l *Log) tooFew(topics []*topic) error {
	first, least := topics[0], topics[0].partitions
	for _, t := range topics {
		least = min(least, t.partitions)
	}
	more := ""
	if n := len(topics) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more have too few", n)
	}
	return l.cfg.fault(fmt.Errorf("deployment.partitions is %d, and the topic %s has %d%s", l.cfg.Partitions, first.name, first.partitions, more),
		fmt.Sprintf("run kafka-topics.sh --alter --topic %s --partitions %d for each while the queues are empty, or start with --set deployment.partitions=%d",
			first.name, l.cfg.Partitions, least), true)
}

// checkSettings compares the topics' settings with what we need.
func (l *Log) checkSettings(ctx context.Context) error {
	request := &kafkago.DescribeConfigsRequest{Addr: l.addr}
	for _, name := range l.topics.names {
		request.Resources = append(request.Resources, kafkago.DescribeConfigRequestResource{
			ResourceType: kafkago.ResourceTypeTopic, ResourceName: name,
			ConfigNames: []string{cleanupPolicy, retentionMS, retentionBytes, minISR, maxMessageBytes},
		})
	}
	answer, err := l.client().DescribeConfigs(ctx, request)
	if err != nil {
		return l.cfg.diagnose(ctx, err)
	}
	for _, r := range answer.Resources {
		if r.Error != nil {
			l.cfg.Log.Warn("the settings of a topic may not be looked at, so they are taken to be right",
				slog.String("topic", r.ResourceName), slog.Any("cause", r.Error))
			continue
		}
		settings := map[string]string{}
		for _, entry := range r.ConfigEntries {
			settings[entry.ConfigName] = entry.ConfigValue
		}
		if err := l.checkTopic(r.ResourceName, settings); err != nil {
			return err
		}
	}
	return nil
}

// checkTopic refuses settings under which records are lost or refused, and
// warns of those under which they may be.
func (l *Log) checkTopic(name string, settings map[string]string) error {
	alter := "run kafka-configs.sh --alter --entity-type topics --entity-name " + name + " --add-config "
	if policy, ok := settings[cleanupPolicy]; ok && policy != "delete" {
		return l.cfg.fault(fmt.Errorf("the topic %s has %s=%s, by which a user's later notification replaces earlier ones", name, cleanupPolicy, policy),
			alter+cleanupPolicy+"=delete", true)
	}
	if size, err := strconv.Atoi(settings[maxMessageBytes]); err == nil && size < leastMessageBytes {
		return l.cfg.fault(fmt.Errorf("the topic %s has %s=%d, and batches of up to %d bytes are written", name, maxMessageBytes, size, leastMessageBytes),
			alter+maxMessageBytes+"="+strconv.Itoa(1<<20), true)
	}
	if inSync, err := strconv.Atoi(settings[minISR]); err == nil && inSync < l.cfg.MinISR {
		l.cfg.Log.Warn("a topic calls records durable that fewer brokers have than asked",
			slog.String("topic", name), slog.Int("in_sync", inSync), slog.Int("in_sync_asked", l.cfg.MinISR))
	}
	if ms, err := strconv.ParseInt(settings[retentionMS], 10, 64); err == nil && ms >= 0 {
		l.cfg.Log.Warn("a topic deletes notifications that have not been sent; set its retention.ms to -1",
			slog.String("topic", name), slog.Duration("lost_when_queued_for", time.Duration(min(ms, maxMillis))*time.Millisecond))
	}
	if size, err := strconv.ParseInt(settings[retentionBytes], 10, 64); err == nil && size >= 0 {
		l.cfg.Log.Warn("a topic deletes notifications that have not been sent; set its retention.bytes to -1",
			slog.String("topic", name), slog.Int64("lost_when_a_partition_holds_bytes", size))
	}
	return nil
}

// maxMillis is the longest time.Duration.
const maxMillis = int64(1<<63-1) / int64(time.Millisecond)
