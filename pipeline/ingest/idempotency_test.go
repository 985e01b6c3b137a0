package ingest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

func TestARequestKeyReplaysTheFirstAnswer(t *testing.T) {
	store := newStore(t)
	s := newStage(store)
	expired := welcome("bob")
	expired.ExpiresAt = noon().Add(-time.Second)
	sub := submission(welcome("ada"), expired, welcome("cyd"))
	sub.Key = "k"
	first := s.accept(t, sub)
	s.now = s.now.Add(time.Hour) // another stamp would show in the ids
	s.ids.Reserve(100)
	asked := s.preferences.asks
	again := s.accept(t, sub)
	for i := range first {
		if first[i].Replayed {
			t.Errorf("the first answer of notification %d is called a replay", i)
		}
		want := first[i]
		want.Replayed = true
		if again[i] != want {
			t.Errorf("notification %d is replayed as %+v, want %+v", i, again[i], want)
		}
	}
	if s.preferences.asks != asked {
		t.Error("a replay asked for preferences")
	}
	account, err := store.Account(t.Context())
	if err != nil || account.Accepted != 3 {
		t.Errorf("%+v, %v: want 3 accepted", account, err)
	}
}

func TestAnotherBodyUnderAKeyIsAConflict(t *testing.T) {
	other := welcome("ada")
	other.Variables = []pipeline.Variable{{Name: "name", Value: "Eve"}}
	for name, notifications := range map[string][]pipeline.Notification{
		"another value":     {other, welcome("bob")},
		"another order":     {welcome("bob"), welcome("ada")},
		"one more":          {welcome("ada"), welcome("bob"), welcome("cyd")},
		"one fewer":         {welcome("ada")},
		"one that is wrong": {welcome("ada"), {UserID: "bob", Channel: pipeline.Push, Priority: pipeline.Low, Category: pipeline.Promotional, TemplateID: "nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			store := newStore(t)
			s := newStage(store)
			sub := submission(welcome("ada"), welcome("bob"))
			sub.Key = "k"
			first := s.accept(t, sub)
			changed := submission(notifications...)
			changed.Key = "k"
			_, err := s.Accept(t.Context(), changed)
			claim, ok := errors.AsType[*pipeline.ClaimError](err)
			if !ok || claim.Claim != 0 || !errors.Is(err, pipeline.ErrConflict) {
				t.Fatalf("got %v, want a conflict of claim 0", err)
			}
			// It took nothing from the first.
			if again := s.accept(t, sub); again[1].ID != first[1].ID {
				t.Errorf("after the conflict %v became %v", first, again)
			}
			if account, err := store.Account(t.Context()); err != nil || account.Accepted != 2 {
				t.Errorf("%+v, %v: want 2 accepted", account, err)
			}
		})
	}
}

func TestKeysBelongToTheirClient(t *testing.T) {
	s := newStage(newStore(t))
	var ids []pipeline.ID
	// Pairs that read alike when client and key are run together.
	for _, pair := range [][2]string{{"ab", "c"}, {"a", "bc"}, {"", "abc"}, {"abc", "c"}} {
		sub := submission(welcome(pair[0] + "/" + pair[1]))
		sub.Client, sub.Key = pair[0], pair[1]
		receipt := s.accept(t, sub)[0]
		if receipt.Replayed || slices.Contains(ids, receipt.ID) {
			t.Errorf("client %q with key %q got another's answer", pair[0], pair[1])
		}
		ids = append(ids, receipt.ID)
	}
}

// Request and entry keys share one space: a key of one entry is the same as
// one on a request of just that entry.
func TestRequestAndEntryKeysShareOneSpace(t *testing.T) {
	s := newStage(newStore(t))
	first := s.accept(t, keyed([]string{"", "k"}, "ada", "bob"))
	sub := submission(welcome("bob"))
	sub.Key = "k"
	again := s.accept(t, sub)
	if again[0].ID != first[1].ID || !again[0].Replayed {
		t.Errorf("%+v is no replay of %+v", again[0], first[1])
	}
}

func TestDoneAndFreshKeysKeepTheirPlaces(t *testing.T) {
	store := newStore(t)
	s := newStage(store)
	first := s.accept(t, keyed([]string{"b", "d"}, "b", "d"))
	s.now = s.now.Add(time.Minute)
	got := s.accept(t, keyed([]string{"a", "b", "", "d", "e"}, "a", "b", "c", "d", "e"))
	for i, user := range []string{"a", "b", "c", "d", "e"} {
		replayed := user == "b" || user == "d"
		if got[i].Replayed != replayed || got[i].ID.UserHash() != pipeline.UserHash(user) || got[i].State != pipeline.Queued {
			t.Errorf("place %d has %+v, want that of %s, replayed: %v", i, got[i], user, replayed)
		}
	}
	if got[1].ID != first[0].ID || got[3].ID != first[1].ID {
		t.Errorf("replayed %v and %v, want %v and %v", got[1].ID, got[3].ID, first[0].ID, first[1].ID)
	}
	// The fresh ones are replayed from now on, each alone.
	for _, i := range []int{0, 4} {
		user := []string{"a", "b", "c", "d", "e"}[i]
		if again := s.accept(t, keyed([]string{user}, user)); again[0].ID != got[i].ID || !again[0].Replayed {
			t.Errorf("%s: %+v is no replay of %+v", user, again[0], got[i])
		}
	}
	if account, err := store.Account(t.Context()); err != nil || account.Accepted != 5 {
		t.Errorf("%+v, %v: want 5 accepted", account, err)
	}
}

func TestOneConflictRefusesTheWholeRequest(t *testing.T) {
	store := newStore(t)
	s := newStage(store)
	s.accept(t, keyed([]string{"c"}, "cyd"))
	_, err := s.Accept(t.Context(), keyed([]string{"", "a", "", "c"}, "one", "two", "three", "four"))
	claim, ok := errors.AsType[*pipeline.ClaimError](err)
	if !ok || claim.Claim != 1 || !errors.Is(err, pipeline.ErrConflict) {
		t.Fatalf("got %v, want a conflict of claim 1", err)
	}
	if account, err := store.Account(t.Context()); err != nil || account.Accepted != 1 {
		t.Errorf("%+v, %v: want 1 accepted", account, err)
	}
	if fresh := s.accept(t, keyed([]string{"a"}, "two")); fresh[0].Replayed {
		t.Error("a key of the refused request was used up")
	}
}

// The nth claim is that of the nth entry with a key: whoever reports a refused
// claim counts on it.
func TestClaimsFollowTheEntriesThatHaveKeys(t *testing.T) {
	intake := &scripted{}
	s := newStage(intake)
	receipts := s.accept(t, keyed([]string{"", "a", "", "b"}, "one", "two", "three", "four"))
	if len(intake.claims) != 2 || intake.claims[0].Entries != 1 || intake.claims[1].Entries != 1 {
		t.Fatalf("the claims are %+v", intake.claims)
	}
	var covered []int
	for _, a := range intake.admissions {
		covered = append(covered, a.Claim)
	}
	if !slices.Equal(covered, []int{-1, 0, -1, 1}) {
		t.Errorf("the admissions have the claims %v", covered)
	}
	for claim, entry := range []int{1, 3} {
		n := welcome([]string{"one", "two", "three", "four"}[entry])
		c := intake.claims[claim]
		if id := s.ids.Make(c.Stamp.At, &n, c.Stamp.First); id != receipts[entry].ID {
			t.Errorf("claim %d remakes %v, and entry %d has %v", claim, id, entry, receipts[entry].ID)
		}
	}
}

func TestARequestKeyCoversTheWholeSlice(t *testing.T) {
	intake := &scripted{}
	s := newStage(intake)
	sub := submission(welcome("one"), welcome("two"), welcome("three"))
	sub.Key = "k"
	receipts := s.accept(t, sub)
	if len(intake.claims) != 1 || intake.claims[0].Entries != 3 {
		t.Fatalf("the claims are %+v", intake.claims)
	}
	for i := range receipts {
		c := intake.claims[0]
		if id := s.ids.Make(c.Stamp.At, &sub.Notifications[i], c.Stamp.First+uint32(i)); id != receipts[i].ID || intake.admissions[i].Claim != 0 {
			t.Errorf("the claim remakes %v, and entry %d has %v under claim %d", id, i, receipts[i].ID, intake.admissions[i].Claim)
		}
	}
}

// What an owner that died had begun goes on under the ids that it gave out.
func TestAResumedClaimKeepsItsIDs(t *testing.T) {
	stored := pipeline.Stamp{At: noon().Add(-time.Hour), First: 4711}
	resumed := pipeline.Standing{Kind: pipeline.Resumed, Stamp: stored}

	intake := &scripted{standings: []pipeline.Standing{resumed}}
	s := newStage(intake)
	sub := submission(welcome("one"), welcome("two"))
	sub.Key = "k"
	for i, r := range s.accept(t, sub) {
		want := s.ids.Make(stored.At, &sub.Notifications[i], stored.First+uint32(i))
		if r.ID != want || intake.admissions[i].ID != want || r.Replayed || r.State != pipeline.Queued {
			t.Errorf("notification %d got %+v, committed as %v, want the id %v", i, r, intake.admissions[i].ID, want)
		}
	}

	// Beside a replayed and a fresh one.
	done := pipeline.Standing{Kind: pipeline.Replayed, Stamp: pipeline.Stamp{At: noon().Add(-time.Minute), First: 12}, Results: []pipeline.Result{{State: pipeline.Suppressed, Reason: "opted_out"}}}
	intake = &scripted{standings: []pipeline.Standing{done, resumed}}
	s = newStage(intake)
	entries := keyed([]string{"", "done", "resumed"}, "one", "two", "three")
	got := s.accept(t, entries)
	if want := s.ids.Make(done.Stamp.At, &entries.Notifications[1], 12); got[1] != (pipeline.Receipt{ID: want, Result: done.Results[0], Replayed: true}) {
		t.Errorf("the done one got %+v, want the id %v", got[1], want)
	}
	if want := s.ids.Make(stored.At, &entries.Notifications[2], stored.First); got[2].ID != want || got[2].Replayed {
		t.Errorf("the resumed one got %+v, want the id %v", got[2], want)
	}
	if len(intake.admissions) != 2 || intake.admissions[0].Claim != -1 || intake.admissions[1].Claim != 1 || intake.admissions[1].ID != got[2].ID {
		t.Errorf("committed %+v", intake.admissions)
	}
}

func TestAFailedCommitLeavesItsKeysFree(t *testing.T) {
	store := newStore(t)
	s := newStage(store)
	s.preferences.err = errAway
	if _, err := s.Accept(t.Context(), keyed([]string{"k"}, "ada")); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Fatalf("got %v, want ErrUnavailable", err)
	}
	s.preferences.err = nil
	if r := s.accept(t, keyed([]string{"k"}, "ada")); r[0].Replayed {
		t.Error("what was not accepted is replayed")
	}
}

// What is refused for its template had reserved its key; it must be free again,
// for the corrected request.
func TestARefusedTemplateLeavesItsKeysFree(t *testing.T) {
	s := newStage(newStore(t))
	for name, sub := range map[string]pipeline.Submission{"request": submission(welcome("ada")), "entry": keyed([]string{"e"}, "ada")} {
		if sub.Keys == nil {
			sub.Key = "k"
		}
		sub.Notifications[0].Variables = nil
		if got := faults(t, s, sub); fmt.Sprint(got) != "[0 variables/name]" {
			t.Errorf("%s: got %q", name, got)
		}
		sub.Notifications[0] = welcome("ada")
		if r := s.accept(t, sub); r[0].Replayed {
			t.Errorf("%s: what was not accepted is replayed", name)
		}
	}
}
