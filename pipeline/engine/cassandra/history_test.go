package cassandra

import (
	"slices"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func TestMonths(t *testing.T) {
	at := time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC)
	want := []int32{202602, 202601, 202512, 202511}
	month := monthOf(at)
	for _, w := range want {
		if month != w {
			t.Fatalf("the month is %d, want %d", month, w)
		}
		month = monthBefore(month)
	}
	if m := monthOf(at.Add(time.Second).In(time.FixedZone("", -3600))); m != 202603 {
		t.Fatalf("a second later it is %d", m)
	}
}

// Whoever reads rows in whatever order comes to the same one.
func TestDecisive(t *testing.T) {
	due := time.UnixMilli(1_700_000_000_000)
	later := delivery{due: due.Add(time.Second)}
	inOrder := []row{ // each loses to the next
		{state: pipeline.Sending, delivery: delivery{due: due}},
		{state: pipeline.Sending, number: 1, delivery: delivery{due: due}},
		{state: pipeline.Retrying, delivery: delivery{due: due}},
		{state: pipeline.Retrying, number: 1, delivery: delivery{due: due}},
		{state: pipeline.Retrying, delivery: later},
		{state: pipeline.Dead, delivery: delivery{due: due}},
		{state: pipeline.Expired, delivery: delivery{due: due}},
		{state: pipeline.Dead, delivery: later},
		{state: pipeline.Delivered, delivery: delivery{due: due}},
		{state: pipeline.Delivered, delivery: later},
	}
	for i := range inOrder {
		for j := range inOrder {
			won := inOrder[max(i, j)]
			if got := *decisive([]row{inOrder[i], inOrder[j]}); got != won {
				t.Errorf("of %d and %d %+v won", i, j, got)
			}
		}
	}
}

func TestBatchesKeepUsersTogether(t *testing.T) {
	all := facts(3*maxBatch - 5)
	for i := range maxBatch / 2 {
		all[4*i].Delivery = all[0].Delivery
	}
	kept := make([]*pipeline.Fact, len(all))
	for i := range all {
		kept[i] = &all[i]
	}
	written := map[*pipeline.Fact]bool{}
	ofFirst := map[int]bool{} // the batches with a row of the first user
	for i, batch := range batches(kept) {
		if len(batch) > maxBatch {
			t.Errorf("a batch has %d rows", len(batch))
		}
		for _, f := range batch {
			written[f] = true
			if f.Delivery == all[0].Delivery {
				ofFirst[i] = true
			}
		}
	}
	if len(written) != len(all) || len(ofFirst) > 2 {
		t.Fatalf("%d of %d facts are written, a user's by %d batches", len(written), len(all), len(ofFirst))
	}
}

func TestExpiredIsUnknown(t *testing.T) {
	s := open(t, config(cluster(t)))
	old := facts(2)
	n := &old[0].Delivery.Notification
	ids := pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3})
	for i, age := range []time.Duration{s.cfg.Retention + time.Minute, s.cfg.Retention - time.Minute} {
		old[i].Delivery.ID = ids.Make(time.Now().Add(-age), n, ids.Reserve(1))
	}
	entries, err := s.ByID(t.Context(), []pipeline.ID{old[0].Delivery.ID, old[1].Delivery.ID})
	if err != nil || entries[0].State != 0 || entries[1].State != pipeline.Queued {
		t.Fatalf("found are %+v, %v", entries, err)
	}
}

// A dead letter of an owner that did not know of the delivery is none.
func TestLetterOfDelivered(t *testing.T) {
	s := open(t, config(cluster(t)))
	f := facts(2)
	f[1].Delivery = f[0].Delivery
	f[1].State, f[1].Reason = pipeline.Dead, "both_"+keyspace.name
	for i := range f {
		if err := s.Record(t.Context(), f[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	letters, err := s.DeadByID(t.Context(), []pipeline.ID{f[0].Delivery.ID})
	if err != nil || letters[0].State != 0 || letters[0].Record != nil {
		t.Fatalf("the letter is %+v, %v", letters, err)
	}
	listed, _, err := s.Dead(t.Context(), pipeline.DeadFilter{Reason: f[1].Reason}, pipeline.Page{Limit: 10})
	if err != nil || len(listed) != 0 {
		t.Fatalf("listed are %+v, %v", listed, err)
	}
}

// What was written on old knowledge, and arrives behind the erasure, goes.
func TestErasedWhileRecording(t *testing.T) {
	s := open(t, config(cluster(t)))
	f := facts(2)
	f[1].State, f[1].Reason = pipeline.Dead, "late_"+keyspace.name
	for i := range f {
		f[i].Delivery.UserID = "late." + keyspace.name
		f[i].Delivery.ID = pipeline.IDKey{1}.Make(time.Now(), &f[i].Delivery.Notification, uint32(i))
	}
	if err := s.Erase(t.Context(), f[0].Delivery.UserID); err != nil {
		t.Fatal(err)
	}
	// As if the look before the writes had not seen it.
	if err := s.recordKept(t.Context(), f, []*pipeline.Fact{&f[0], &f[1]}); err != nil {
		t.Fatal(err)
	}
	id := f[1].Delivery.ID
	if l, err := s.letter(t.Context(), id); err != nil || !l.exists() {
		t.Fatalf("the letter is %+v, %v: the test tests nothing", l, err)
	}
	if err := s.Record(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	for range 2 { // whatever else comes late
		for i := range f {
			if known, err := s.rows(t.Context(), f[i].Delivery.ID); err != nil || len(known) != 0 {
				t.Fatalf("left is %+v, %v", known, err)
			}
		}
		if l, err := s.letter(t.Context(), id); err != nil || l.exists() || l.record != nil {
			t.Fatalf("left is the letter %+v, %v", l, err)
		}
		if err := s.recordKept(t.Context(), f, []*pipeline.Fact{&f[0], &f[1]}); err != nil {
			t.Fatal(err)
		}
	}
}

// An erasure that is repeated leaves one note.
func TestErasuresOfOneUser(t *testing.T) {
	s := open(t, config(cluster(t)))
	user := "again." + keyspace.name
	for range 3 {
		if err := s.Erase(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	found := s.query(selectErasures, int64(0)).Iter().Scanner()
	var users []string
	for found.Next() {
		var (
			name         string
			until, noted time.Time
		)
		if err := found.Scan(&name, &until, &noted); err != nil {
			t.Fatal(err)
		}
		users = append(users, name)
	}
	n := len(slices.DeleteFunc(users, func(u string) bool { return u != user }))
	if err := found.Err(); err != nil || n != 1 {
		t.Fatalf("the user is noted %d times, %v", n, err)
	}
}

func TestErasuresAreBounded(t *testing.T) {
	var e erasures
	e.init(&Store{})
	for i := range 3 {
		e.add(erasure{user: "ada", until: int64(10 * i), noted: int64(i)})
	}
	e.add(erasure{user: "ada", until: 5, noted: 9})
	e.add(erasure{user: "bob", until: 5, noted: 1})
	if one, _ := e.of("ada"); e.count != 2 || one.until != 20 {
		t.Fatalf("of %d users ada is erased until %d", e.count, one.until)
	}
	e.drop(2)
	if _, found := e.of("bob"); found || e.count != 1 {
		t.Fatalf("what has expired is kept, among %d", e.count)
	}
}
