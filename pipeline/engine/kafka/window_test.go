package kafka

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// TestWindowFollowsModel lets records leave in any order, beside a model that
// keeps each by itself, and takes every state through a commit.
func TestWindowFollowsModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		start := rapid.Int64Range(0, 1<<40).Draw(r, "start")
		w := window{mark: start}
		left := map[int64]bool{}
		for range rapid.IntRange(0, 300).Draw(r, "steps") {
			offset := w.mark + rapid.Int64Range(-3, 200).Draw(r, "offset")
			if rapid.IntRange(0, 20).Draw(r, "far") == 0 {
				offset = w.mark + windowSize - 1
			}
			offset = max(offset, start)
			if got, want := w.leave(offset), !left[offset]; got != want {
				r.Fatalf("leave(%d) is %v, want %v", offset, got, want)
			}
			left[offset] = true
		}
		mark, ahead, reach := start, int64(0), start
		for left[mark] {
			mark++
		}
		for offset := range left {
			if offset >= mark {
				ahead++
			}
			reach = max(reach, offset+1)
		}
		reach = max(reach, mark)
		if w.mark != mark || w.ahead != ahead || w.reach() != reach {
			r.Fatalf("mark %d, ahead %d, reach %d; want %d, %d, %d", w.mark, w.ahead, w.reach(), mark, ahead, reach)
		}
		for offset := start; offset < reach+3; offset++ {
			if w.left(offset) != left[offset] {
				r.Fatalf("left(%d) is %v, want %v", offset, w.left(offset), left[offset])
			}
		}
		checkCommit(r, &commit{window: w, frontier: w.mark + rapid.Int64Range(0, 1<<30).Draw(r, "frontier"), handed: reach, unknown: w.mark + rapid.Int64Range(0, 1<<30).Draw(r, "unknown")})
	})
}

// checkCommit takes a commit through its metadata.
func checkCommit(t rapid.TB, c *commit) {
	metadata := c.metadata()
	if len(metadata) > maxMetadata {
		t.Fatalf("%d bytes of metadata", len(metadata))
	}
	got, err := parseCommit(c.mark, metadata, 0)
	if err != nil {
		t.Fatalf("reading what was written: %v", err)
	}
	if *got != *c {
		t.Fatalf("mark %d ahead %d frontier %d handed %d counts %+v came back as mark %d ahead %d frontier %d handed %d counts %+v",
			c.mark, c.ahead, c.frontier, c.handed, c.counts, got.mark, got.ahead, got.frontier, got.handed, got.counts)
	}
}

// TestCommitAtItsLargest checks the bound of the metadata where runs are of no
// use and every count is as large as it can be.
func TestCommitAtItsLargest(t *testing.T) {
	c := &commit{window: window{mark: 1 << 40}}
	for offset := c.mark + 1; offset < c.mark+windowSize; offset += 2 {
		c.leave(offset)
	}
	for _, n := range c.fields() {
		*n = 1 << 62
	}
	c.handed = c.mark + windowSize
	c.frontier, c.unknown = c.mark+1<<61, c.mark+1<<61
	checkCommit(t, c)
	if n := len(c.metadata()); n > 2960 {
		t.Errorf("%d bytes of metadata; the comment says 2,960 at most", n)
	}
}

// TestCommitIsShort checks that what is usual costs little: a commit a
// partition goes out with every settlement.
func TestCommitIsShort(t *testing.T) {
	c := &commit{window: window{mark: 5_000_000}, frontier: 5_001_000, handed: 5_000_400, unknown: 5_000_000}
	c.delivered, c.ended[0] = 4_990_000, 4_990_000
	for offset := c.mark + 100; offset < c.mark+300; offset++ {
		c.leave(offset)
	}
	checkCommit(t, c)
	if n := len(c.metadata()); n > 48 {
		t.Errorf("%d bytes of metadata for one run", n)
	}
}

func TestCommitWithoutMetadata(t *testing.T) {
	c, err := parseCommit(70, "", 100)
	if err != nil || c.mark != 70 || c.frontier != 100 || c.handed != 70 || c.unknown != 70 || c.counts != (counts{}) {
		t.Errorf("an operator's commit gave %+v, %v", c, err)
	}
}

func TestCommitOfOthersIsRefused(t *testing.T) {
	for _, metadata := range []string{"?", "consumer-1", "Aw", "Ag", "AgAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if _, err := parseCommit(0, metadata, 0); !errors.Is(err, errBadCommit) {
			t.Errorf("%q gave %v", metadata, err)
		}
	}
}

func FuzzCommit(f *testing.F) {
	c := &commit{window: window{mark: 9}, frontier: 1009, handed: 60, unknown: 30}
	f.Add(int64(9), c.metadata())
	c.leave(11)
	c.leave(40)
	c.takeovers = 3
	f.Add(int64(9), c.metadata())
	for offset := int64(12); offset < 60; offset += 2 {
		c.leave(offset)
	}
	f.Add(int64(9), c.metadata())
	f.Add(int64(math.MaxInt64), c.metadata())
	f.Fuzz(func(t *testing.T, offset int64, metadata string) {
		if offset < 0 {
			return // Kafka has none
		}
		got, err := parseCommit(offset, metadata, 0)
		if err != nil {
			return
		}
		again, err := parseCommit(offset, got.metadata(), 0)
		if err != nil || *again != *got {
			t.Fatalf("%q was read, but what is written of it is not read alike: %v", metadata, err)
		}
	})
}

func TestFrontierLeads(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	f := frontier{acknowledged: 1000}
	if f.low(500) || !f.low(501) {
		t.Error("a frontier of least lead is moved on when half of it is used")
	}
	if got := f.goal(501); got != 1501 {
		t.Errorf("the goal is %d, want 1501", got)
	}
	for range 40 { // 5,000 a second
		now = now.Add(100 * time.Millisecond)
		f.handedOut(500, now)
	}
	if got := f.lead(); got < 2*4500 || got > 2*5500 {
		t.Errorf("at 5,000 a second it leads by %d, want 2 s", got)
	}
	f.acknowledged = 1 << 40
	if got := f.goal(0); got != 1<<40 {
		t.Errorf("the frontier moves back to %d", got)
	}
	now = now.Add(time.Minute)
	f.handedOut(1, now)
	f.handedOut(1, now.Add(time.Second))
	if got := f.lead(); got != leastLead {
		t.Errorf("after a lull it leads by %d, want %d", got, leastLead)
	}
}

func TestCountsAddUp(t *testing.T) {
	var c counts
	for _, s := range pipeline.Outcomes() {
		c.outcome(s, pipeline.Low)
	}
	c.outcome(pipeline.Dead, pipeline.High)
	c.attempt(pipeline.Ambiguous)
	c.attempt(pipeline.Uncertain)
	c.attempt(pipeline.Sent)
	want := counts{delivered: 1, suppressed: 1, expired: 1, rateDropped: 1, dead: 2, ambiguous: 1, takeovers: 1, ended: [3]int64{1, 0, 5}}
	if c != want || c.outcomes() != 6 {
		t.Errorf("counted %+v, want %+v", c, want)
	}
	c.add(&want)
	if c.dead != 4 || c.outcomes() != 12 {
		t.Errorf("the sum is %+v", c)
	}
}
