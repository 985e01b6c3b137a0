package mockproviders_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// entryOf is a personalization with an id and a ref.
func entryOf(i int, id, ref string) string {
	return fmt.Sprintf(`{"to":[{"email":"u%d@example.com"}],"custom_args":{"notification_id":%q,"notification_ref":%q}}`, i, id, ref)
}

func (m mock) push(id, ref string) {
	m.t.Helper()
	m.post(fcmPath, fmt.Sprintf(`{"message":{"token":"t","data":{"notification_id":%q,"notification_ref":%q}}}`, id, ref), 200, "")
}

func TestLedgerByID(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	m.push("a", "order_a")
	m.push("b", "")
	m.push("a", "order_a")
	m.post(sendGridPath, mail(entryOf(0, "a", ""), entryOf(1, "c", "")), 202, "")
	want := mockproviders.Totals{
		Total: mockproviders.Count{Sends: 5, Unique: 3, Duplicates: 2},
		Providers: map[string]mockproviders.Count{
			"fcm":      {Sends: 3, Unique: 2, Duplicates: 1},
			"sendgrid": {Sends: 2, Unique: 2},
			"twilio":   {},
			"ses":      {}, "apns": {}, "vonage": {},
		},
		Complete: true,
	}
	if got := m.Ledger().Totals(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("totals are %+v, want %+v", got, want)
	}
	known := m.Ledger().Lookup("a")
	var by []string
	for _, s := range known.Sends {
		by = append(by, s.Provider)
		if s.At.IsZero() {
			t.Error("a send has no time")
		}
	}
	if known.Ref != "order_a" || !slices.Equal(by, []string{"fcm", "fcm", "sendgrid"}) || !known.Complete {
		t.Errorf("of a the ledger says %+v", known)
	}
	if got := m.Ledger().Duplicates(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("duplicates are %q", got)
	}
	if unknown := m.Ledger().Lookup("x"); len(unknown.Sends) != 0 || unknown.Sends == nil || !unknown.Complete {
		t.Errorf("of an unknown id the ledger says %+v", unknown)
	}
	m.Ledger().Reset()
	if got := m.Ledger().Totals(); got.Total.Sends != 0 || !got.Complete || len(m.Ledger().Duplicates()) != 0 {
		t.Errorf("after a reset the totals are %+v", got)
	}
}

func TestLedgerOfARun(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	for _, sequence := range []int{0, 1, 5, 1, 1} {
		m.push(fmt.Sprintf("id%d", sequence), fmt.Sprintf("my-run-%d", sequence))
	}
	m.post(sendGridPath, mail(entryOf(0, "id5", "my-run-5"), entryOf(1, "id9", "my-run-9"), entryOf(2, "other", "other-9")), 202, "")
	run := m.Ledger().Run("my-run")
	if want := (mockproviders.Count{Sends: 7, Unique: 4, Duplicates: 3}); run.Total != want || !run.Complete {
		t.Errorf("the run's total is %+v, complete %v", run.Total, run.Complete)
	}
	if got := run.Sequences().ToArray(); !slices.Equal(got, []uint32{0, 1, 5, 9}) {
		t.Errorf("the sequences are %v", got)
	}
	if got := run.Providers["fcm"]; !slices.Equal(got.Sequences.ToArray(), []uint32{0, 1, 5}) || got.Count != (mockproviders.Count{Sends: 5, Unique: 3, Duplicates: 2}) {
		t.Errorf("FCM's are %v, %+v", got.Sequences, got.Count)
	}
	if want := []mockproviders.Repeat{{Sequence: 1, ID: "id1", Sends: 3}, {Sequence: 5, ID: "id5", Sends: 2}}; !slices.Equal(run.Repeats, want) {
		t.Errorf("the repeats are %+v, want %+v", run.Repeats, want)
	}
	if got := m.Ledger().Duplicates(); !slices.Equal(got, []string{"id1", "id5"}) {
		t.Errorf("duplicates are %q", got)
	}
	// Small runs are found by id, too.
	if known := m.Ledger().Lookup("id5"); len(known.Sends) != 2 || known.Ref != "my-run-5" {
		t.Errorf("of id5 the ledger says %+v", known)
	}
	if unknown := m.Ledger().Run("nobody's"); unknown.Total.Sends != 0 || !unknown.Complete {
		t.Errorf("of an unknown run the ledger says %+v", unknown)
	}
	// What the caller does to its bitmaps is its own business.
	run.Providers["fcm"].Sequences.Clear()
	if m.Ledger().Run("my-run").Sequences().IsEmpty() {
		t.Error("a caller cleared the ledger's bitmap")
	}
}

// TestLedgerOfALargeRun: beyond the bound, a run is kept by sequence alone,
// repeats are still exact, and a look-up says that it cannot know.
func TestLedgerOfALargeRun(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	const calls, size = 70, 1000
	for at := range calls {
		m.post(sendGridPath, mail(many(size, func(i int) string {
			n := at*size + i
			return entryOf(i, fmt.Sprintf("id%d", n), fmt.Sprintf("big-%d", n))
		})...), 202, "")
	}
	m.post(sendGridPath, mail(entryOf(0, "id69999", "big-69999"), entryOf(1, "id3", "big-3")), 202, "")
	run := m.Ledger().Run("big")
	if run.Total.Unique != calls*size || run.Total.Duplicates != 2 || !run.Complete || len(run.Repeats) != 2 {
		t.Errorf("the run is %+v with %d repeats", run.Total, len(run.Repeats))
	}
	if known := m.Ledger().Lookup("id3"); len(known.Sends) == 0 || known.Complete {
		t.Errorf("of an early id the ledger says %+v", known)
	}
	if known := m.Ledger().Lookup("id69999"); len(known.Sends) != 0 || known.Complete {
		t.Errorf("of a late id the ledger says %+v", known)
	}
	if totals := m.Ledger().Totals(); !totals.Complete || totals.Total.Duplicates != 2 {
		t.Errorf("totals are %+v", totals)
	}
	if got := m.Ledger().Duplicates(); !slices.Equal(got, []string{"id3", "id69999"}) {
		t.Errorf("duplicates are %q", got)
	}
}

// TestManyRuns: refs that happen to look like a run's push out small runs, not
// the large one, and the ledger says what it forgot.
func TestManyRuns(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	for at := range 66 {
		m.post(sendGridPath, mail(many(1000, func(i int) string {
			return entryOf(i, fmt.Sprintf("id%d", at*1000+i), fmt.Sprintf("big-%d", at*1000+i))
		})...), 202, "")
	}
	m.post(sendGridPath, mail(many(500, func(i int) string { return entryOf(i, fmt.Sprintf("o%d", i), fmt.Sprintf("order%d-1", i)) })...), 202, "")
	if run := m.Ledger().Run("big"); run.Total.Unique != 66_000 || !run.Complete {
		t.Errorf("the large run is %+v, complete %v", run.Total, run.Complete)
	}
	if run := m.Ledger().Run("order0"); run.Complete {
		t.Error("a forgotten run is called complete")
	}
	if known := m.Ledger().Lookup("o0"); len(known.Sends) != 1 {
		t.Errorf("of a forgotten run's id the ledger says %+v", known)
	}
	// Its duplicates are still found, by id, though it begins anew.
	m.push("o0", "order0-1")
	if totals := m.Ledger().Totals(); totals.Total.Duplicates != 1 || !totals.Complete {
		t.Errorf("totals are %+v", totals)
	}
	if run := m.Ledger().Run("order0"); run.Complete {
		t.Error("a run that was forgotten and began anew is called complete")
	}
	m.push("n0", "new-0")
	if run := m.Ledger().Run("new"); !run.Complete {
		t.Error("a run that was never forgotten is called incomplete")
	}
}

// TestLongNames do not make the ledger grow, and are told apart.
func TestLongNames(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	long := strings.Repeat("x", 1500)
	m.push(long+"1", long+"-1")
	m.push(long+"1", long+"-1")
	m.push(long+"2", "")
	if total := m.Ledger().Totals().Total; total != (mockproviders.Count{Sends: 3, Unique: 2, Duplicates: 1}) {
		t.Errorf("totals are %+v", total)
	}
	if known := m.Ledger().Lookup(long + "1"); len(known.Sends) != 2 || len(known.Ref) > 256 {
		t.Errorf("the ledger knows %d sends and a ref of %d bytes", len(known.Sends), len(known.Ref))
	}
}

// TestLedgerCountsLikeAMap holds the ledger against the plainest count there
// is, over runs and single ids mixed.
func TestLedgerCountsLikeAMap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMock(t, mockproviders.Options{})
		counts := map[string]int{}
		entries := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]string {
			n := rapid.IntRange(0, 30).Draw(t, "n")
			switch rapid.SampledFrom([]string{"run", "ref", "bare"}).Draw(t, "kind") {
			case "run":
				return [2]string{fmt.Sprintf("r%d", n), fmt.Sprintf("run-%d", n)}
			case "ref":
				return [2]string{fmt.Sprintf("x%d", n), fmt.Sprintf("ref_%d", n)}
			}
			return [2]string{fmt.Sprintf("b%d", n), ""}
		}), 1, 40).Draw(rt, "entries")
		for _, call := range slices.Collect(slices.Chunk(entries, 7)) {
			var all []string
			for i, e := range call {
				counts[e[0]]++
				all = append(all, entryOf(i, e[0], e[1]))
			}
			m.post(sendGridPath, mail(all...), 202, "")
		}
		var twice []string
		for id, n := range counts {
			if n > 1 {
				twice = append(twice, id)
			}
			if known := m.Ledger().Lookup(id); len(known.Sends) != n {
				rt.Fatalf("%s was sent %d times, the ledger says %+v", id, n, known)
			}
		}
		slices.Sort(twice)
		want := mockproviders.Count{Sends: uint64(len(entries)), Unique: uint64(len(counts)), Duplicates: uint64(len(entries) - len(counts))}
		if got := m.Ledger().Totals().Total; got != want {
			rt.Fatalf("totals are %+v, want %+v", got, want)
		}
		if got := m.Ledger().Duplicates(); strings.Join(got, " ") != strings.Join(twice, " ") {
			rt.Fatalf("duplicates are %q, want %q", got, twice)
		}
	})
}
