package pebble

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/notifyctl/notifyctl/pipeline"
)

// admit takes in notifications that end at once, or are queued.
func admit(t *testing.T, s *Store, at time.Time, user string, n int, result pipeline.Result) []pipeline.ID {
	t.Helper()
	ids := pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3})
	first := ids.Reserve(n)
	admissions, taken := make([]pipeline.Admission, n), make([]pipeline.ID, n)
	for i := range admissions {
		notification := pipeline.Notification{
			UserID: user, Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional, TemplateID: "welcome",
			Ref: "of-" + user, Variables: []pipeline.Variable{{Name: "name", Value: "secret of " + user}}, To: user + "@example.com",
		}
		taken[i] = ids.Make(at, &notification, first+uint32(i))
		admissions[i] = pipeline.Admission{Record: pipeline.Record{ID: taken[i], Notification: notification}, Result: result, Claim: -1}
	}
	r, err := s.Reserve(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if err := r.Commit(t.Context(), admissions); err != nil {
		t.Fatal(err)
	}
	return taken
}

func queued() pipeline.Result { return pipeline.Result{State: pipeline.Queued} }
func died() pipeline.Result   { return pipeline.Result{State: pipeline.Dead, Reason: "no_address"} }
func optedOut() pipeline.Result {
	return pipeline.Result{State: pipeline.Suppressed, Reason: "opted_out"}
}

// settleAll fetches what is due for as long as there is some, and settles it.
func settleAll(t *testing.T, s *Store, state pipeline.State) (handed int) {
	t.Helper()
	l, err := s.Acquire(t.Context(), pipeline.Email)
	if err != nil {
		t.Fatal(err)
	}
	for {
		d, err := l.Fetch(t.Context(), pipeline.High, 1000)
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.Account(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(d) == 0 && a.InFlight == 0 {
			break
		}
		facts := make([]pipeline.Fact, len(d))
		for i := range d {
			facts[i] = pipeline.Fact{Delivery: d[i], State: state, Reason: "because", At: time.Now()}
		}
		if err := s.Settle(t.Context(), l, facts); err != nil {
			t.Fatal(err)
		}
		handed += len(d)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return handed
}

// mentions lists the keys of what mentions a word, but for the queue's blocks,
// which are deleted some time behind the mark.
func mentions(t *testing.T, s *Store, word string) (keys []string) {
	t.Helper()
	it, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = it.Close() }()
	for valid := it.First(); valid; valid = it.Next() {
		if it.Key()[0] != prefixQueue && (bytes.Contains(it.Key(), []byte(word)) || bytes.Contains(it.Value(), []byte(word))) {
			keys = append(keys, fmt.Sprintf("%q", it.Key()))
		}
	}
	return keys
}

func unknown(t *testing.T, s *Store, ids []pipeline.ID) {
	t.Helper()
	entries, err := s.ByID(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.State != 0 {
			t.Fatalf("of an erased user there is %+v", e)
		}
	}
}

// An erasure leaves no name, address, ref or variable, and in the end not even
// that there was one; the ids stay unknown.
func TestAnErasureLeavesNothing(t *testing.T) {
	s := open(t, vfs.NewMem())
	defer closeStore(t, s)
	now := time.Now()
	ids := admit(t, s, now.Add(-2*dayLength), "ada", 2*sweepSize+1, optedOut())
	ids = append(ids, admit(t, s, now, "ada", 3, died())...)
	ids = append(ids, admit(t, s, now, "ada", 5, queued())...)
	admit(t, s, now, "bob", 4, died())
	if len(mentions(t, s, "ada")) == 0 {
		t.Fatal("nothing is mentioned before")
	}
	if err := s.Erase(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	leaveJournal(t, s)
	erasureAlone := []string{fmt.Sprintf("%q", erasureKey("ada"))}
	if keys := mentions(t, s, "ada"); fmt.Sprint(keys) != fmt.Sprint(erasureAlone) {
		t.Errorf("the user is mentioned by %v", keys)
	}
	unknown(t, s, ids)
	if err := s.forgetErasures(t.Context(), mustUnfinished(t, s)); err != nil {
		t.Fatal(err)
	}
	if s.erasures.none() {
		t.Error("the erasure is forgotten while something from before is unfinished")
	}
	if handed := settleAll(t, s, pipeline.Dead); handed != 0 {
		t.Errorf("%d of an erased user were handed out", handed)
	}
	if err := s.forgetErasures(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if !s.erasures.none() {
		t.Error("the erasure is remembered though nothing from before is unfinished")
	}
	toTables(t, s)
	if keys := mentions(t, s, "ada"); len(keys) > 0 {
		t.Errorf("the user is mentioned by %v", keys)
	}
	unknown(t, s, ids)
	if keys := mentions(t, s, "bob"); len(keys) != 8 {
		t.Errorf("another is mentioned by %v, want a row and a letter each of 4", keys)
	}
}

// leaveJournal lets the upkeep see to it that what was swept leaves the journal.
func leaveJournal(t *testing.T, s *Store) {
	t.Helper()
	if err := errors.Join(s.lookAfter(t.Context()), s.recent.await(t.Context(), 1)); err != nil {
		t.Fatal(err)
	}
}

func mustUnfinished(t *testing.T, s *Store) time.Time {
	t.Helper()
	at, err := s.oldestUnfinished()
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A process that dies while it erases has said nothing yet; from the note of it
// on nothing is found, and the next process sweeps what is left.
func TestAnErasureIsFinishedAfterACrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := open(t, disk)
	ids := admit(t, s, time.Now(), "ada", 10, died())
	e, err := s.noteErasure(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	unknown(t, s, ids)
	left := disk.CrashClone(vfs.CrashCloneCfg{})
	closeStore(t, s)
	s = open(t, left)
	defer closeStore(t, s)
	unknown(t, s, ids)
	for s.erasures.unswept() != nil {
		if err := s.lookAfter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	leaveJournal(t, s)
	if keys := mentions(t, s, "secret of ada"); len(keys) > 0 {
		t.Errorf("after %+v the user's variables are in %v", e, keys)
	}
	if letters, _, err := s.Dead(t.Context(), pipeline.DeadFilter{}, pipeline.Page{Limit: 1}); err != nil || len(letters) > 0 {
		t.Errorf("there are letters %+v, %v", letters, err)
	}
}

// Once it is replayed nothing is left of a letter but what it became.
func TestAReplayedLetterKeepsNoVariables(t *testing.T) {
	s := open(t, vfs.NewMem())
	defer closeStore(t, s)
	of := admit(t, s, time.Now(), "ada", 1, died())[0]
	ids := pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3})
	letters, err := s.DeadByID(t.Context(), []pipeline.ID{of})
	if err != nil {
		t.Fatal(err)
	}
	if len(mentions(t, s, "secret of ada")) != 1 {
		t.Fatal("the letter does not keep what a replay needs")
	}
	n := letters[0].Record.Notification
	r, err := s.Reserve(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	again := pipeline.Admission{
		Record: pipeline.Record{ID: ids.Make(time.Now(), &n, 1), Notification: n, ReplayOf: of}, Result: queued(), Claim: -1,
	}
	if err := r.Commit(t.Context(), []pipeline.Admission{again}); err != nil {
		t.Fatal(err)
	}
	if keys := mentions(t, s, "secret of ada"); len(keys) > 0 {
		t.Errorf("the variables are in %v", keys)
	}
}

func TestAsManyErasuresAsCanBeRemembered(t *testing.T) {
	s := open(t, vfs.NewMem())
	defer closeStore(t, s)
	for n := range maxErasures {
		s.erasures.set(erasure{user: fmt.Sprint("user", n), until: time.Now().UnixMilli(), swept: true})
	}
	if err := s.Erase(t.Context(), "ada"); err == nil || !strings.Contains(err.Error(), pipeline.ErrFull.Error()) {
		t.Errorf("one more gave %v", err)
	}
}
