package pipelinetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// PreferenceStore runs the conformance suite of [pipeline.PreferenceStore]. open
// gives an empty store; the suite closes it.
func PreferenceStore(t *testing.T, open func(t *testing.T) pipeline.PreferenceStore) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, s pipeline.PreferenceStore)
	}{
		{"reads what was written", preferencesRoundTrip},
		{"reads only what was asked for", preferencesExactKeys},
		{"replaces whole rows with a higher version", preferencesReplace},
		{"writes all or none", preferencesAtomic},
		{"erases whole users, and those alone", preferencesErase},
		{"scans in the order of keys", preferencesScan},
		{"imports rows as they are, none over a newer one", preferencesImport},
		{"keeps any text", preferencesText},
		{"takes slices of any length", preferencesSlices},
		{"follows a model", preferencesModel},
		{"serves concurrent use", preferencesConcurrent},
		{"gives up with its context", preferencesContext},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			defer func() {
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			c.test(t, s)
		})
	}
}

// fataler is a test, or one case of a property.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func preferenceKey(user string, c pipeline.Channel) pipeline.PreferenceKey {
	return pipeline.PreferenceKey{UserID: user, Channel: c}
}

func writePreferences(t fataler, s pipeline.PreferenceStore, preferences ...pipeline.Preference) {
	t.Helper()
	if err := s.Write(context.Background(), preferences); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func byKey(a, b pipeline.Preference) int { return a.Compare(b.PreferenceKey) }

// readPreferences reads keys, ordered, and takes the versions apart.
func readPreferences(t fataler, s pipeline.PreferenceStore, keys ...pipeline.PreferenceKey) (found []pipeline.Preference, versions []int64) {
	t.Helper()
	found, err := s.Read(context.Background(), keys)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	slices.SortFunc(found, byKey)
	for i := range found {
		versions = append(versions, found[i].Version)
		found[i].Version = 0
		if len(found[i].Addresses) == 0 {
			found[i].Addresses = nil // nil or empty is the same
		}
	}
	return found, versions
}

func wantPreferences(t fataler, got []pipeline.Preference, want ...pipeline.Preference) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func preferencesErase(t *testing.T, s pipeline.PreferenceStore) {
	var all []pipeline.Preference
	for _, user := range []string{"ada", "ada2", "bob", "\"", "\x01to:00"} {
		for _, c := range pipeline.Channels() {
			all = append(all, pipeline.Preference{PreferenceKey: preferenceKey(user, c), Addresses: []string{"a"}})
		}
	}
	writePreferences(t, s, all...)
	for range 2 { // it may be repeated
		if err := s.Erase(t.Context(), []string{"ada", "\"", "nobody"}); err != nil {
			t.Fatalf("erase: %v", err)
		}
	}
	if err := s.Erase(t.Context(), nil); err != nil {
		t.Fatalf("erase nobody: %v", err)
	}
	for _, p := range all {
		found, _ := readPreferences(t, s, p.PreferenceKey)
		if erased := p.UserID == "ada" || p.UserID == "\""; erased != (len(found) == 0) {
			t.Errorf("%q has %d rows", p.UserID, len(found))
		}
	}
	// Who comes back has a higher version than before, for caches that still
	// hold the old one.
	_, before := readPreferences(t, s, all[3].PreferenceKey)
	if err := s.Erase(t.Context(), []string{all[3].UserID}); err != nil {
		t.Fatalf("erase: %v", err)
	}
	writePreferences(t, s, all[3])
	if _, after := readPreferences(t, s, all[3].PreferenceKey); len(before) != 1 || len(after) != 1 || after[0] <= before[0] {
		t.Errorf("the versions were %v and are %v", before, after)
	}
}

// scanAll reads every row by pages of a size.
func scanAll(t *testing.T, s pipeline.PreferenceStore, page int) (all []pipeline.Preference) {
	t.Helper()
	for after := (pipeline.PreferenceKey{}); ; {
		rows, err := s.Scan(t.Context(), after, page)
		if err != nil || len(rows) > page {
			t.Fatalf("scan %d after %v: %d rows, %v", page, after, len(rows), err)
		}
		all = append(all, rows...)
		if len(rows) < page {
			return all
		}
		after = rows[len(rows)-1].PreferenceKey
	}
}

func preferencesScan(t *testing.T, s pipeline.PreferenceStore) {
	if all := scanAll(t, s, 10); len(all) != 0 {
		t.Errorf("an empty store has %+v", all)
	}
	var want []pipeline.Preference
	for _, user := range []string{"a", "B", "aa", "ä", "z", "\x01to:00", "\x01to:ff", "10", "9", "日本", "\U0001F600", "\uFFFD"} {
		for _, c := range pipeline.Channels() {
			want = append(want, pipeline.Preference{PreferenceKey: preferenceKey(user, c), Promotional: c == pipeline.Email})
		}
	}
	writePreferences(t, s, want...)
	slices.SortFunc(want, byKey)
	for _, page := range []int{1, 2, 7, len(want), 1000} {
		all := scanAll(t, s, page)
		if len(all) != len(want) {
			t.Fatalf("in pages of %d: %d rows, want %d", page, len(all), len(want))
		}
		for i := range all {
			if all[i].PreferenceKey != want[i].PreferenceKey || all[i].Promotional != want[i].Promotional || all[i].Version == 0 {
				t.Fatalf("in pages of %d, row %d is %+v, want %+v", page, i, all[i], want[i])
			}
		}
	}
	// Those of addresses lie together.
	rows, err := s.Scan(t.Context(), pipeline.FirstAddress(), 7)
	if err != nil || rows[0].UserID != "\x01to:00" || rows[5].UserID != "\x01to:ff" || rows[6].Compare(pipeline.EndOfAddresses()) <= 0 {
		t.Errorf("from the first address on: %+v, %v", rows, err)
	}
}

func preferencesImport(t *testing.T, s pipeline.PreferenceStore) {
	row := func(version int64, address string) pipeline.Preference {
		return pipeline.Preference{PreferenceKey: preferenceKey("u", pipeline.Push), Version: version, Addresses: []string{address}, Promotional: true}
	}
	for _, c := range []struct {
		row  pipeline.Preference
		want string
	}{
		{row(7, "first"), "first"},
		{row(7, "again"), "first"},
		{row(6, "older"), "first"},
		{row(8, "newer"), "newer"},
	} {
		for range 2 { // it may be repeated
			if err := s.Import(t.Context(), []pipeline.Preference{c.row}); err != nil {
				t.Fatalf("import: %v", err)
			}
		}
		if got, err := s.Read(t.Context(), []pipeline.PreferenceKey{c.row.PreferenceKey}); err != nil || len(got) != 1 || got[0].Addresses[0] != c.want || !got[0].Promotional {
			t.Fatalf("after %+v: %+v, %v", c.row, got, err)
		}
	}
	if err := s.Import(t.Context(), nil); err != nil {
		t.Errorf("import nothing: %v", err)
	}
	// What is written after has a version above.
	writePreferences(t, s, row(0, "written"))
	if _, versions := readPreferences(t, s, row(0, "").PreferenceKey); versions[0] <= 8 {
		t.Errorf("the version is %d after 8", versions[0])
	}
}

func preferencesRoundTrip(t *testing.T, s pipeline.PreferenceStore) {
	a := pipeline.Preference{PreferenceKey: preferenceKey("u1", pipeline.Push), Transactional: true, Addresses: []string{"t1", "t0"}}
	b := pipeline.Preference{PreferenceKey: preferenceKey("u1", pipeline.SMS), Promotional: true}
	c := pipeline.Preference{PreferenceKey: preferenceKey("u2", pipeline.Email)}
	writePreferences(t, s, c, a, b)
	got, versions := readPreferences(t, s, c.PreferenceKey, b.PreferenceKey, a.PreferenceKey)
	wantPreferences(t, got, a, b, c)
	for _, version := range versions {
		if version <= 0 {
			t.Errorf("version %d of a row is not above the 0 of a user without one", version)
		}
	}
}

func preferencesExactKeys(t *testing.T, s pipeline.PreferenceStore) {
	a := pipeline.Preference{PreferenceKey: preferenceKey("u1", pipeline.Push)}
	b := pipeline.Preference{PreferenceKey: preferenceKey("u1", pipeline.Email)}
	c := pipeline.Preference{PreferenceKey: preferenceKey("u2", pipeline.Push)}
	writePreferences(t, s, a, b, c)
	got, _ := readPreferences(t, s)
	wantPreferences(t, got)
	got, _ = readPreferences(t, s, preferenceKey("U1", pipeline.Push), preferenceKey("u1 ", pipeline.Push), preferenceKey("u1", pipeline.SMS), preferenceKey("", pipeline.Push))
	wantPreferences(t, got)
	got, _ = readPreferences(t, s, preferenceKey("u2", pipeline.Email), preferenceKey("u1", pipeline.Email))
	wantPreferences(t, got, b)
}

func preferencesReplace(t *testing.T, s pipeline.PreferenceStore) {
	p := pipeline.Preference{PreferenceKey: preferenceKey("u1", pipeline.Email), Transactional: true, Promotional: true, Addresses: []string{"a@b"}}
	last := int64(0)
	for i := range 20 {
		p.Promotional = i%2 == 0
		p.Addresses = p.Addresses[:i%2]
		// An old version in the value must not win.
		p.Version = 1
		writePreferences(t, s, p)
		got, versions := readPreferences(t, s, p.PreferenceKey)
		want := p
		want.Version = 0
		if len(want.Addresses) == 0 {
			want.Addresses = nil
		}
		wantPreferences(t, got, want)
		if versions[0] <= last {
			t.Fatalf("version %d after %d", versions[0], last)
		}
		last = versions[0]
	}
}

func preferencesAtomic(t *testing.T, s pipeline.PreferenceStore) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var rows []pipeline.Preference
	var keys []pipeline.PreferenceKey
	for i := range 100 {
		key := preferenceKey(fmt.Sprint("u", i), pipeline.Push)
		rows, keys = append(rows, pipeline.Preference{PreferenceKey: key}), append(keys, key)
	}
	err := s.Write(ctx, rows)
	got, _ := readPreferences(t, s, keys...)
	if err != nil && len(got) != 0 || err == nil && len(got) != len(rows) {
		t.Fatalf("a write that ended in %v left %d of %d rows", err, len(got), len(rows))
	}
}

func preferencesText(t *testing.T, s pipeline.PreferenceStore) {
	for _, text := range []string{
		"zoë 你好 😀", `quote " ' back \ slash / comma , colon : {[]}`, "<>&\u2028\u2029", "%_*?", "user@example.com", "-1", "1e3", "null", "[]", " x ", "\ufffd",
	} {
		p := pipeline.Preference{PreferenceKey: preferenceKey(text, pipeline.Email), Addresses: []string{text, "x", text}}
		writePreferences(t, s, p)
		got, _ := readPreferences(t, s, p.PreferenceKey)
		wantPreferences(t, got, p)
	}
}

func preferencesSlices(t *testing.T, s pipeline.PreferenceStore) {
	writePreferences(t, s)
	const n = 2500 // above the most notifications of a request
	var rows []pipeline.Preference
	var keys []pipeline.PreferenceKey
	for i := range n {
		key := preferenceKey(fmt.Sprintf("user-%05d", i), pipeline.Channels()[i%3])
		rows, keys = append(rows, pipeline.Preference{PreferenceKey: key, Transactional: i%2 == 0}), append(keys, key)
	}
	writePreferences(t, s, rows...)
	got, _ := readPreferences(t, s, keys...)
	wantPreferences(t, got, rows...)
}

// preferencesModel compares any sequence of writes with a map.
func preferencesModel(t *testing.T, s pipeline.PreferenceStore) {
	model := map[pipeline.PreferenceKey]pipeline.Preference{}
	versions := map[pipeline.PreferenceKey]int64{}
	key := rapid.Custom(func(t *rapid.T) pipeline.PreferenceKey {
		return preferenceKey(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "user"), rapid.SampledFrom(pipeline.Channels()).Draw(t, "channel"))
	})
	address := rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return r != 0 }), 1, 5, 20)
	rapid.Check(t, func(t *rapid.T) {
		for _, k := range rapid.SliceOfNDistinct(key, 0, 5, rapid.ID).Draw(t, "written") {
			p := pipeline.Preference{PreferenceKey: k, Transactional: rapid.Bool().Draw(t, "t"), Promotional: rapid.Bool().Draw(t, "p")}
			if a := rapid.SliceOfN(address, 0, 3).Draw(t, "addresses"); len(a) > 0 {
				p.Addresses = a
			}
			model[k] = p
			writePreferences(t, s, p)
		}
		keys := rapid.SliceOfNDistinct(key, 0, 12, rapid.ID).Draw(t, "read")
		var want []pipeline.Preference
		for _, k := range keys {
			if p, ok := model[k]; ok {
				want = append(want, p)
			}
		}
		slices.SortFunc(want, byKey)
		got, read := readPreferences(t, s, keys...)
		wantPreferences(t, got, want...)
		for i, p := range got {
			if read[i] < versions[p.PreferenceKey] {
				t.Fatalf("%v: version %d after %d", p.PreferenceKey, read[i], versions[p.PreferenceKey])
			}
			versions[p.PreferenceKey] = read[i]
		}
	})
}

// preferencesConcurrent lets writers and readers meet: what a writer has been
// told is durable, a reader that begins later sees, and slices are seen whole.
func preferencesConcurrent(t *testing.T, s pipeline.PreferenceStore) {
	const rounds, writers = 30, 4
	var wg sync.WaitGroup
	for w := range writers {
		user := fmt.Sprint("user", w)
		keys := []pipeline.PreferenceKey{preferenceKey(user, pipeline.Push), preferenceKey(user, pipeline.Email)}
		wg.Go(func() {
			for i := range rounds {
				text := []string{fmt.Sprint(i)}
				err := s.Write(context.Background(), []pipeline.Preference{{PreferenceKey: keys[0], Addresses: text}, {PreferenceKey: keys[1], Addresses: text}})
				if err != nil {
					t.Errorf("write: %v", err)
					return
				}
				got, err := s.Read(context.Background(), keys)
				if err != nil || len(got) != 2 || got[0].Addresses[0] != text[0] || got[1].Addresses[0] != text[0] {
					t.Errorf("after writing %s: read %+v, %v", text, got, err)
					return
				}
			}
		})
		wg.Go(func() {
			for range rounds {
				got, err := s.Read(context.Background(), keys)
				if err != nil || len(got) == 1 || len(got) == 2 && got[0].Addresses[0] != got[1].Addresses[0] {
					t.Errorf("read half a write: %+v, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func preferencesContext(t *testing.T, s pipeline.PreferenceStore) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Read(ctx, []pipeline.PreferenceKey{preferenceKey("u", pipeline.Push)}); err == nil {
		t.Error("a read whose context has ended succeeded")
	}
	writePreferences(t, s, pipeline.Preference{PreferenceKey: preferenceKey("u", pipeline.Push)})
	got, _ := readPreferences(t, s, preferenceKey("u", pipeline.Push))
	if len(got) != 1 {
		t.Error("the store does not work after a context ended")
	}
}
