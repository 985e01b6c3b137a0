package redis

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// stored gives the reply for an entry that is done, as the reserve script does.
func stored(a *answer) string {
	entry := string(appendDone(nil, a))
	return entry[:1] + entry[1+len(a.body):]
}

// No reply may make us panic or allocate for what is not there, and what is
// taken must be what would be written.
func FuzzReadStanding(f *testing.F) {
	stamp := pipeline.Stamp{At: time.UnixMilli(1_700_000_000_000), First: 7}
	reply := stored(&answer{
		body: pipeline.BodyHash{1}, stamp: stamp,
		results: []pipeline.Result{{State: pipeline.Queued}, {State: pipeline.Suppressed, Reason: "opted_out"}, {State: pipeline.Queued}},
	})
	for n := range len(reply) + 1 {
		f.Add(reply[:n])
	}
	f.Add(reply + "x")
	f.Add("F")
	f.Add("R" + string(pipeline.AppendStamp(nil, stamp)))
	f.Add("B")
	f.Add("C")
	f.Add("X")
	f.Fuzz(func(t *testing.T, reply string) {
		s, err := readStanding(reply, stamp)
		if err != nil {
			if !errors.Is(err, errBadEntry) && !errors.Is(err, pipeline.ErrConflict) && !errors.Is(err, pipeline.ErrRunning) {
				t.Fatalf("%q gave %v", reply, err)
			}
			if !reflect.DeepEqual(s, pipeline.Standing{}) {
				t.Fatalf("%q gave %+v with %v", reply, s, err)
			}
			return
		}
		if isRefusal(reply) {
			t.Fatalf("%q is a refusal, and stands as %+v", reply, s)
		}
		if s.Kind != pipeline.Replayed {
			return
		}
		again, err := readStanding(stored(&answer{stamp: s.Stamp, results: s.Results}), stamp)
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("%q is read as %+v, which is read back as %+v, %v", reply, s, again, err)
		}
	})
}

// The reference plan counts 64 bytes for the value of a key, and 48 for a name.
func TestEntriesFitThePlan(t *testing.T) {
	entry := appendDone(nil, &answer{stamp: pipeline.Stamp{At: time.Now()}, results: queued(1)[0]})
	if name := (&Keys{prefix: "idem:"}).name(&pipeline.KeyHash{}); len(entry) > 64 || len(name) > 48 {
		t.Errorf("an answer takes %d bytes under a name of %d", len(entry), len(name))
	}
}

// What is under a key's name but not ours is never taken for a key that is free.
func TestForeignEntryFailsClosed(t *testing.T) {
	onEach(t, func(t *testing.T, open opener) {
		c := open(t, Config{})
		claims := someClaims(1, 77)
		must(t, c.rdb.Set(t.Context(), c.keys.name(&claims[0].Key), "foreign", time.Minute).Err())
		if _, err := c.Keys().Reserve(t.Context(), [16]byte{1}, claims); !errors.Is(err, pipeline.ErrUnavailable) || !errors.Is(err, errBadEntry) {
			t.Errorf("reserving gave %v", err)
		}
		if got, err := c.rdb.Get(t.Context(), c.keys.name(&claims[0].Key)).Result(); err != nil || got != "foreign" {
			t.Errorf("it is %q now, %v", got, err)
		}
		must(t, c.rdb.Del(t.Context(), c.keys.name(&claims[0].Key)).Err())
	})
}
