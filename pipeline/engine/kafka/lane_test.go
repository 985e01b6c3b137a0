package kafka

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Whoever awaits a lane looks when it wakes him and when his time is over, and
// then there is nothing that he has missed: whatever comes, whenever it may be
// handed out, and however old it is by then.
func TestLaneWakesInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const p = pipeline.Normal
		l := &lease{}
		lane := l.lane(p)
		lane.wake = make(chan struct{}, 1)
		for range rapid.IntRange(1, 3).Draw(t, "partitions") {
			lane.partitions = append(lane.partitions, &owned{topic: &topic{priority: p}})
		}
		var (
			maximum    = rapid.IntRange(1, 5).Draw(t, "maximum")
			wait       = time.Duration(rapid.IntRange(0, 50).Draw(t, "wait")) * time.Millisecond
			now        = time.UnixMilli(1e12)
			alarm      = now // when his time is over
			aPartition = rapid.IntRange(0, len(lane.partitions)-1)
		)
		t.Repeat(map[string]func(*rapid.T){
			"read": func(t *rapid.T) {
				o := lane.partitions[aPartition.Draw(t, "partition")]
				age := time.Duration(rapid.IntRange(0, 80).Draw(t, "age")) * time.Millisecond
				o.ready = append(o.ready, queued{offset: o.fetched, at: now.Add(-age)})
				o.fetched++
				lane.signal()
			},
			"acknowledge": func(t *rapid.T) {
				lane.partitions[aPartition.Draw(t, "partition")].acknowledged += rapid.Int64Range(0, 4).Draw(t, "records")
				lane.signal()
			},
			"retry": func(*rapid.T) {
				lane.retries = append(lane.retries, handout{lane.partitions[0], queued{at: now}})
				lane.signal()
			},
			"later": func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "ms")) * time.Millisecond) },
			"": func(t *rapid.T) {
				for len(lane.wake) > 0 || !now.Before(alarm) {
					select {
					case <-lane.wake:
					default:
					}
					left, err := l.look(p, maximum, wait, now)
					if err != nil {
						t.Fatal(err)
					}
					if alarm = now.Add(left); left == 0 {
						lane.take(maximum)
					}
				}
				due, since := lane.due()
				if due >= maximum || due > 0 && now.Sub(since) > wait+time.Millisecond {
					t.Fatalf("%d are due, the first for %v, and he who awaits %d, or one for %v, sleeps for %v", due, now.Sub(since), maximum, wait, alarm.Sub(now))
				}
			},
		})
	})
}
