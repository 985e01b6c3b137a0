package catalog_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/planner/catalog"
	"pgregory.net/rapid"
)

func TestParseRunRef(t *testing.T) {
	for _, test := range []struct {
		ref      string
		run      string
		sequence uint32
		ok       bool
	}{
		{"r1-0", "r1", 0, true},
		{"a-b-17", "a-b", 17, true},
		{"r-4294967295", "r", 4294967295, true},
		{"--5", "-", 5, true},
		{"r-4294967296", "", 0, false},
		{"r-99999999999999999999", "", 0, false},
		{"r-007", "", 0, false},
		{"r-+7", "", 0, false},
		{"r-", "", 0, false},
		{"-7", "", 0, false},
		{"r7", "", 0, false},
		{"r-7x", "", 0, false},
		{"", "", 0, false},
	} {
		run, sequence, ok := catalog.ParseRunRef(test.ref)
		if run != test.run || sequence != test.sequence || ok != test.ok {
			t.Errorf("ParseRunRef(%q) = %q, %d, %v, want %q, %d, %v", test.ref, run, sequence, ok, test.run, test.sequence, test.ok)
		}
	}
}

func TestRunRefRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := rapid.StringMatching(`[A-Za-z0-9_-]{1,40}`).Draw(t, "run")
		sequence := rapid.Uint32().Draw(t, "sequence")
		gotRun, gotSequence, ok := catalog.ParseRunRef(string(catalog.AppendRunRef(nil, run, sequence)))
		if !ok || gotRun != run || gotSequence != sequence {
			t.Fatalf("got %q, %d, %v", gotRun, gotSequence, ok)
		}
	})
}
