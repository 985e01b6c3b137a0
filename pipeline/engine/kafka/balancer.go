package kafka

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/notifyctl/notifyctl/pipeline"
)

// balancer divides the partitions of a channel's topics over the members of its
// group. kafka-go's own divide each topic by itself and begin with the same
// member each time, so that of five topics with few partitions the first member
// would get most and the last nothing. This one gives every member its part of
// each topic, to within one partition, and of all of them together to within one
// as well; and as members come and go, each keeps what it had as far as its part
// allows.
type balancer struct {
	mu   sync.Mutex
	held claim
}

// claim is what a member had in its last generation.
type claim struct {
	generation int32
	partitions map[string][]int // by topic
}

// ProtocolName is what all members of a group must agree on.
func (b *balancer) ProtocolName() string { return "notifyctl" }

// UserData tells the member that divides what this one had.
func (b *balancer) UserData() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held.append(nil), nil
}

// hold notes what this member has from a generation on.
func (b *balancer) hold(generation int32, partitions map[string][]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = claim{generation, partitions}
}

// AssignGroups divides partitions over members.
func (b *balancer) AssignGroups(members []kafkago.GroupMember, partitions []kafkago.Partition) kafkago.GroupMemberAssignments {
	shares := make([]*share, len(members))
	for i, m := range members {
		shares[i] = &share{id: m.ID, claim: parseClaim(m.UserData), of: map[string][]int{}}
	}
	slices.SortFunc(shares, func(a, b *share) int { return cmp.Compare(a.id, b.id) })
	byTopic := map[string][]int{}
	for _, p := range partitions {
		byTopic[p.Topic] = append(byTopic[p.Topic], p.ID)
	}
	topics := make([]string, 0, len(byTopic))
	for topic := range byTopic {
		slices.Sort(byTopic[topic])
		topics = append(topics, topic)
	}
	slices.Sort(topics)
	assignments := kafkago.GroupMemberAssignments{}
	if len(shares) == 0 {
		return assignments
	}
	for _, topic := range topics {
		divide(shares, topic, byTopic[topic])
	}
	for _, s := range shares {
		assignments[s.id] = s.of
	}
	return assignments
}

// share is a member's part while it is being made.
type share struct {
	id    string
	claim claim
	of    map[string][]int // by topic
	total int              // partitions of all topics
	quota int              // of the topic that is being divided
}

// divide gives each member its part of a topic.
func divide(shares []*share, topic string, partitions []int) {
	base, extra := len(partitions)/len(shares), len(partitions)%len(shares)
	// Those with the fewest partitions so far get the ones that are left over;
	// among equals, whoever had more of this topic.
	byTotal := slices.Clone(shares)
	slices.SortStableFunc(byTotal, func(a, b *share) int {
		return cmp.Or(cmp.Compare(a.total, b.total), -cmp.Compare(len(a.claim.partitions[topic]), len(b.claim.partitions[topic])))
	})
	for i, s := range byTotal {
		s.quota = base
		if i < extra {
			s.quota++
		}
	}
	var free []int
	for _, p := range partitions {
		if s := holder(shares, topic, p); s == nil || !s.take(topic, p) {
			free = append(free, p)
		}
	}
	for _, s := range shares {
		for len(free) > 0 && s.take(topic, free[0]) {
			free = free[1:]
		}
		slices.Sort(s.of[topic])
	}
}

// take adds a partition to the share, unless its quota is reached.
func (s *share) take(topic string, partition int) bool {
	if len(s.of[topic]) == s.quota {
		return false
	}
	s.of[topic] = append(s.of[topic], partition)
	s.total++
	return true
}

// holder is who had a partition last, or nil.
func holder(shares []*share, topic string, partition int) *share {
	var last *share
	for _, s := range shares {
		if slices.Contains(s.claim.partitions[topic], partition) && (last == nil || s.claim.generation > last.claim.generation) {
			last = s
		}
	}
	return last
}

// append appends the claim's binary form.
func (c claim) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(c.generation))
	b = binary.AppendUvarint(b, uint64(len(c.partitions)))
	for topic, partitions := range c.partitions {
		b = pipeline.AppendText(b, topic)
		b = binary.AppendUvarint(b, uint64(len(partitions)))
		for _, p := range partitions {
			b = binary.AppendUvarint(b, uint64(p))
		}
	}
	return b
}

// parseClaim reads a claim. What cannot be read claims nothing: then partitions
// move that need not.
func parseClaim(b []byte) claim {
	d := pipeline.NewDecoder(string(b))
	c := claim{generation: int32(d.Uvarint()), partitions: map[string][]int{}}
	for range d.Count(2) {
		topic := d.Text()
		for range d.Count(1) {
			c.partitions[topic] = append(c.partitions[topic], int(d.Uvarint()))
		}
	}
	if d.Failed() || d.Rest() != "" {
		return claim{}
	}
	return c
}
