package load

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestShardsAreAPartition: every request of a schedule is in exactly one shard,
// due when it is in the whole, in the same stage.
func TestShardsAreAPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, err := NewSchedule(stages().Draw(t, "stages"))
		if err != nil {
			t.Fatal(err)
		}
		of := rapid.IntRange(1, 20).Draw(t, "of")
		sum, peak := uint64(0), 0.0
		at := time.Duration(rapid.Int64Range(0, int64(whole.Total())).Draw(t, "at"))
		by, owners := uint64(0), 0
		number := rapid.Uint64Range(0, max(whole.Slots(), 1)-1).Draw(t, "number")
		for index := 1; index <= of; index++ {
			s, err := whole.Shard(index, of)
			if err != nil {
				t.Fatal(err)
			}
			if s.Requests() != whole.Slots() || s.Total() != whole.Total() {
				t.Fatalf("shard %d of %d is of %d requests in %v", index, of, s.Requests(), s.Total())
			}
			sum, by, peak = sum+s.Slots(), by+s.SlotsBy(at), peak+s.Peak()
			if s.Owns(number) {
				owners++
			}
			checkShard(t, whole, s)
		}
		if sum != whole.Slots() || by != whole.SlotsBy(at) {
			t.Fatalf("%d shards have %d slots, %d by %v; the whole has %d and %d", of, sum, by, at, whole.Slots(), whole.SlotsBy(at))
		}
		if whole.Slots() > 0 && owners != 1 {
			t.Fatalf("request %d has %d owners", number, owners)
		}
		if d := peak/max(whole.Peak(), 1e-9) - 1; whole.Peak() > 0 && (d > 1e-9 || d < -1e-9) {
			t.Fatalf("the shards' peaks add up to %g of %g", peak, whole.Peak())
		}
	})
}

// checkShard checks one slot of a shard.
func checkShard(t *rapid.T, whole, s *Schedule) {
	if s.Slots() == 0 {
		return
	}
	slot := rapid.Uint64Range(0, s.Slots()-1).Draw(t, "slot")
	number := s.Number(slot)
	switch at := s.At(slot); {
	case !s.Owns(number):
		t.Fatalf("slot %d has the number %d, which is not the shard's", slot, number)
	case at != whole.At(number):
		t.Fatalf("request %d is due at %v, in the whole at %v", number, at, whole.At(number))
	case s.SlotsBy(at) != slot || s.SlotsBy(at+1) != slot+1:
		t.Fatalf("SlotsBy(At(%d)) is %d, and just after it %d", slot, s.SlotsBy(at), s.SlotsBy(at+1))
	case s.StageAt(at) != whole.StageAt(at):
		t.Fatalf("request %d is of another stage", number)
	}
}

func TestShardRefuses(t *testing.T) {
	whole := mustSchedule(t, Stage{From: 1, To: 1, For: time.Second})
	for _, test := range [][2]int{{0, 1}, {2, 1}, {1, 0}, {-1, 3}, {1, MaxShards + 1}} {
		if _, err := whole.Shard(test[0], test[1]); err == nil {
			t.Errorf("shard %d of %d: no error", test[0], test[1])
		}
	}
}
