package kafka

import (
	"fmt"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"pgregory.net/rapid"
)

// TestBalancerDivides divides topics of any size over members that come and go,
// and checks that the division is whole, even, and moves little.
func TestBalancerDivides(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var partitions []kafkago.Partition
		sizes := map[string]int{}
		for i := range rapid.IntRange(1, 5).Draw(r, "topics") {
			topic := fmt.Sprintf("t%d", i)
			sizes[topic] = rapid.IntRange(1, 12).Draw(r, "partitions")
			for p := range sizes[topic] {
				partitions = append(partitions, kafkago.Partition{Topic: topic, ID: p})
			}
		}
		members := map[string]*balancer{}
		for generation := range rapid.IntRange(1, 6).Draw(r, "generations") {
			members[fmt.Sprintf("m%d", generation)] = &balancer{}
			if generation > 1 && rapid.Bool().Draw(r, "leaves") {
				delete(members, fmt.Sprintf("m%d", generation-1))
			}
			assignments := assign(r, members, partitions)
			checkDivision(r, assignments, sizes, len(members))
			for id, b := range members {
				b.hold(int32(generation), assignments[id])
			}
			again := assign(r, members, partitions)
			for id := range members {
				if fmt.Sprint(again[id]) != fmt.Sprint(assignments[id]) {
					r.Fatalf("nobody came or left, and %s had %v and gets %v", id, assignments[id], again[id])
				}
			}
		}
	})
}

func assign(r *rapid.T, members map[string]*balancer, partitions []kafkago.Partition) kafkago.GroupMemberAssignments {
	var group []kafkago.GroupMember
	for id, b := range members {
		data, err := b.UserData()
		if err != nil {
			r.Fatal(err)
		}
		group = append(group, kafkago.GroupMember{ID: id, UserData: data})
	}
	return (&balancer{}).AssignGroups(group, partitions)
}

func checkDivision(r *rapid.T, assignments kafkago.GroupMemberAssignments, sizes map[string]int, members int) {
	owners := map[string]int{}
	least, most := 1<<30, 0
	for _, of := range assignments {
		total := 0
		for topic, partitions := range of {
			total += len(partitions)
			if n := len(partitions); n > (sizes[topic]+members-1)/members {
				r.Fatalf("a member has %d of the %d partitions of %s among %d", n, sizes[topic], topic, members)
			}
			for _, p := range partitions {
				owners[fmt.Sprintf("%s/%d", topic, p)]++
			}
		}
		least, most = min(least, total), max(most, total)
	}
	if most-least > 1 {
		r.Fatalf("one member has %d partitions and another %d", most, least)
	}
	all := 0
	for _, size := range sizes {
		all += size
	}
	if len(owners) != all {
		r.Fatalf("%d of %d partitions are given out", len(owners), all)
	}
	for p, n := range owners {
		if n != 1 {
			r.Fatalf("%s has %d owners", p, n)
		}
	}
}

// TestBalancerKeeps checks that one of four members who leaves moves its own
// partitions alone.
func TestBalancerKeeps(t *testing.T) {
	var partitions []kafkago.Partition
	for p := range 12 {
		partitions = append(partitions, kafkago.Partition{Topic: "t", ID: p})
	}
	var members []kafkago.GroupMember
	for i := range 4 {
		held := claim{generation: 7, partitions: map[string][]int{"t": {3 * i, 3*i + 1, 3*i + 2}}}
		members = append(members, kafkago.GroupMember{ID: fmt.Sprint(9 - i), UserData: held.append(nil)})
	}
	assignments := (&balancer{}).AssignGroups(members[:3], partitions)
	for i, m := range members[:3] {
		got := assignments[m.ID]["t"]
		if len(got) != 4 || got[0] != 3*i || got[1] != 3*i+1 || got[2] != 3*i+2 {
			t.Errorf("member %d had %d to %d and has %v", i, 3*i, 3*i+2, got)
		}
	}
}

// TestBalancerZombie checks that of two claims the newer one holds.
func TestBalancerZombie(t *testing.T) {
	old := claim{generation: 3, partitions: map[string][]int{"t": {0, 1}}}
	young := claim{generation: 5, partitions: map[string][]int{"t": {0}}}
	assignments := (&balancer{}).AssignGroups([]kafkago.GroupMember{
		{ID: "a", UserData: old.append(nil)}, {ID: "b", UserData: young.append(nil)}, {ID: "c", UserData: []byte("?")},
	}, []kafkago.Partition{{Topic: "t", ID: 0}, {Topic: "t", ID: 1}})
	if got := assignments["b"]["t"]; len(got) != 1 || got[0] != 0 {
		t.Errorf("the newer owner has %v, want partition 0", got)
	}
	if got := assignments["a"]["t"]; len(got) != 1 || got[0] != 1 {
		t.Errorf("the older owner has %v, want partition 1", got)
	}
}
