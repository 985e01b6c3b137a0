package pebble

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// enqueueBytes puts bytes into the queue in place of a record of a user.
func enqueueBytes(t *testing.T, s *Store, partition int, raw ...string) {
	t.Helper()
	err := s.writer.submit(t.Context(), func(g *group) {
		p := &g.w.partitions[partition]
		b := &block{partition: partition, first: p.end, value: make([]byte, blockHeader)}
		for _, bytes := range raw {
			b.value = pipeline.AppendText(b.value, bytes)
			b.count++
			p.end++
			g.w.account.Accepted++
		}
		g.closeBlock(b)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// partitionFor is where a notification of the tests is queued.
func partitionFor(s *Store, id pipeline.ID) int {
	perLane := len(s.lanes[0].partitions)
	return laneNumber(pipeline.Queue{Channel: id.Channel(), Priority: id.Priority()})*perLane + partitionOf(id, perLane)
}

// Bytes that are no record are dead letters: under the id that they begin with,
// when that belongs where it was found. They count once, though a crash makes
// them be read again.
func TestUndecodableBytesAreDeadLetters(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := open(t, disk)
	before := admit(t, s, time.Now(), "ada", 1, queued())[0] // keeps the mark where it is
	n := pipeline.Notification{UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional}
	id := pipeline.IDKey{1, 2, 3}.Make(time.Now(), &n, 77)
	cut := string(pipeline.AppendRecord(nil, &pipeline.Record{ID: id, Notification: n})[:20])
	elsewhere := id
	elsewhere[9] ^= 0x0c // another channel
	foreign := string(pipeline.AppendRecord(nil, &pipeline.Record{ID: elsewhere, Notification: n})[:20])
	enqueueBytes(t, s, partitionFor(s, id), cut, "", "\xff\x00garbage", foreign)
	check := func(state pipeline.State) {
		t.Helper()
		want := pipeline.Account{Accepted: 5, Dead: 4, InFlight: 1}
		if state.Terminal() {
			want.Delivered, want.InFlight = 1, 0
		}
		if a, err := s.Account(t.Context()); err != nil || a != want {
			t.Fatalf("the account is %+v, %v, want %+v", a, err, want)
		}
		entries, err := s.ByID(t.Context(), []pipeline.ID{before, id})
		if err != nil || entries[0].State != state || entries[1].State != pipeline.Dead || entries[1].Reason != pipeline.ReasonUndecodable {
			t.Fatalf("they are %+v, %v", entries, err)
		}
		letters, next, err := s.Dead(t.Context(), pipeline.DeadFilter{Channel: pipeline.Email, Reason: pipeline.ReasonUndecodable}, pipeline.Page{Limit: 9})
		if err != nil || next != "" || len(letters) != 4 {
			t.Fatalf("the letters are %+v, %v", letters, err)
		}
		found := map[string]pipeline.ID{}
		for _, l := range letters {
			if l.State != pipeline.Dead || l.EndedAt.IsZero() || l.Queue != n.Queue() || l.Record != nil {
				t.Errorf("a letter is %+v", l)
			}
			found[string(l.Undecodable)] = l.ID
		}
		if found[cut] != id || !found[""].IsZero() || !found["\xff\x00garbage"].IsZero() || !found[foreign].IsZero() {
			t.Errorf("the letters' ids are %v", found)
		}
	}
	l, err := s.Acquire(t.Context(), pipeline.Email)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := l.Fetch(t.Context(), pipeline.High, 100); err != nil || len(d) != 1 {
		t.Fatalf("handed out %d, %v", len(d), err)
	}
	check(pipeline.Sending)
	left := disk.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	s = open(t, left)
	defer func() { closeStore(t, s) }()
	check(pipeline.Queued)
	if handed := settleAll(t, s, pipeline.Delivered); handed != 1 {
		t.Fatalf("%d were handed out after the crash", handed)
	}
	check(pipeline.Delivered)
	letters, err := s.DeadByID(t.Context(), []pipeline.ID{id})
	if err != nil || letters[0].State != pipeline.Dead || letters[0].Record != nil || string(letters[0].Undecodable) != cut {
		t.Errorf("by its id the letter is %+v, %v", letters, err)
	}
	// Whose they were is not known but by the hash, and that is enough.
	if err := s.Erase(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	unknown(t, s, []pipeline.ID{before, id})
	if letters, err := s.DeadByID(t.Context(), []pipeline.ID{id}); err != nil || letters[0].State != 0 || letters[0].Undecodable != nil {
		t.Errorf("once erased the letter is %+v, %v", letters, err)
	}
}

// A filter that fits little makes short pages: each looks at so many letters
// and no more.
func TestAPageLooksAtSoManyLetters(t *testing.T) {
	s := open(t, vfs.NewMem())
	defer closeStore(t, s)
	wanted := admit(t, s, time.Now().Add(-time.Hour), "ada", 1, pipeline.Result{State: pipeline.Dead, Reason: "template"})[0]
	const others = 2*maxScan + 1
	for n := 0; n < others; n += 1000 {
		admit(t, s, time.Now(), "bob", min(1000, others-n), died())
	}
	p := pipeline.Page{Limit: 5}
	var found []pipeline.DeadLetter
	pages := 0
	for {
		letters, next, err := s.Dead(t.Context(), pipeline.DeadFilter{Reason: "template"}, p)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		found = append(found, letters...)
		if next == "" {
			break
		}
		p.After = next
	}
	if pages != 3 || len(found) != 1 || found[0].ID != wanted {
		t.Errorf("%d pages found %d, want 3 and the one", pages, len(found))
	}
}
