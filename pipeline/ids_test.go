package pipeline_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

func drawID(t *rapid.T, key pipeline.IDKey) (pipeline.ID, time.Time, pipeline.Notification) {
	n := pipeline.Notification{
		UserID:   rapid.String().Draw(t, "user"),
		Channel:  rapid.SampledFrom(pipeline.Channels()).Draw(t, "channel"),
		Priority: rapid.SampledFrom(pipeline.Priorities()).Draw(t, "priority"),
	}
	at := time.UnixMilli(rapid.Int64Range(0, 1<<44-1).Draw(t, "at"))
	return key.Make(at, &n, rapid.Uint32().Draw(t, "sequence")), at, n
}

func TestIDHoldsItsPartsAndReadsBack(t *testing.T) {
	key := pipeline.IDKey{1, 2, 3}
	rapid.Check(t, func(t *rapid.T) {
		id, at, n := drawID(t, key)
		if !id.Time().Equal(at) || id.Channel() != n.Channel || id.Priority() != n.Priority || id.UserHash() != pipeline.UserHash(n.UserID) {
			t.Fatalf("%s holds %v %v %v %x", id, id.Time(), id.Channel(), id.Priority(), id.UserHash())
		}
		text := id.String()
		if len(text) != 26 || strings.ToLower(text) != text {
			t.Fatalf("the text %q is not 26 lower-case characters", text)
		}
		back, err := key.Parse(text)
		if err != nil || back != id {
			t.Fatalf("%q reads back as %v: %v", text, back, err)
		}
	})
}

func TestIDsSortAlikeAsBytesAndText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, atA, _ := drawID(t, pipeline.IDKey{})
		b, atB, _ := drawID(t, pipeline.IDKey{})
		byText, byBytes := strings.Compare(a.String(), b.String()), slices.Compare(a[:], b[:])
		if byText != byBytes {
			t.Fatalf("%s and %s sort %d as text, %d as bytes", a, b, byText, byBytes)
		}
		if before := atA.Before(atB); before && byText >= 0 {
			t.Fatalf("%s of %v does not sort before %s of %v", a, atA, b, atB)
		}
	})
}

func TestForeignIDsAreRefused(t *testing.T) {
	key := pipeline.IDKey{1, 2, 3}
	n := pipeline.Notification{UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High}
	good := key.Make(time.UnixMilli(1_700_000_000_000), &n, 7).String()
	if _, err := key.Parse(good); err != nil {
		t.Fatal(err)
	}
	bad := []string{"", good[:25], good + "0", strings.ToUpper(good), "u" + good[1:], strings.Repeat("0", 25) + "1", strings.Repeat("\xff", 26)}
	for i := range good { // one character changed, at every place
		for _, c := range "0z" {
			if good[i] != byte(c) {
				bad = append(bad, good[:i]+string(c)+good[i+1:])
			}
		}
	}
	accepted := 0
	for _, text := range bad {
		if _, err := key.Parse(text); err == nil {
			accepted++
			t.Logf("accepted %q", text)
		} else if !errors.Is(err, pipeline.ErrNotOurID) {
			t.Errorf("%q gave %v", text, err)
		}
	}
	if accepted > 0 { // the key is fixed, so this never changes
		t.Errorf("%d of %d made-up ids were accepted", accepted, len(bad))
	}
	if _, err := (pipeline.IDKey{9}).Parse(good); err == nil {
		t.Error("an id of another key was accepted")
	}
}

func TestMinterNeverRepeats(t *testing.T) {
	m := pipeline.NewIDMinter(pipeline.IDKey{})
	n := pipeline.Notification{UserID: "ada", Channel: pipeline.Push, Priority: pipeline.Low}
	at := time.UnixMilli(1)
	seen := map[pipeline.ID]bool{}
	for range 1000 {
		first := m.Reserve(3)
		for i := range uint32(3) {
			id := m.Make(at, &n, first+i)
			if seen[id] {
				t.Fatalf("%s was given twice", id)
			}
			seen[id] = true
		}
	}
}
