package yamldoc_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "x.yaml: the document is empty; accepted is one with values"},
		{"a comment", "# nothing\n", "x.yaml: the document is empty; accepted is one with values"},
		{"a null", "~", "x.yaml: the document is empty; accepted is one with values"},
		{"an anchor", "a: &b 1", "x.yaml:1:4: an anchor (&); accepted are plain values"},
		{"an alias", "a: *b", "x.yaml:1:4: an alias (*); accepted are plain values"},
		{"a merge key", "a:\n  <<: {b: 1}", "x.yaml:2:3: a merge key (<<); accepted are plain keys"},
		{"a tag", "a: !!str 1", "x.yaml:1:4: a tag (!); accepted are plain values"},
		{"a directive", "%YAML 1.2\n---\na: 1", "x.yaml:1:1: a directive (%); accepted is a plain document"},
		{"a complex key", "? [a]\n: 1", "x.yaml:1:1: a complex key (?); accepted are plain keys"},
		{"a literal block", "a: |\n  b\n", "x.yaml:1:4: a block of text (| or >); accepted are texts on one line"},
		{"a folded block", "a: >\n  b\n", "x.yaml:1:4: a block of text (| or >); accepted are texts on one line"},
		{"a second document", "a: 1\n---\nb: 1", "x.yaml:2:1: a second document; accepted is one"},
		{"no YAML", "a: 1\nb", "x.yaml:2:1: not YAML: non-map value is specified"},
		{"no UTF-8", "a: 1\nb: \xff", "x.yaml:2:4: byte 0xff is not UTF-8"},
		{"a control character", "a: \x00", "x.yaml:1:4: control character U+0000"},
		{"many bytes", "#" + strings.Repeat("x", yamldoc.MaxBytes), "x.yaml: larger than 1048576 bytes, the most that are read"},
		{"many words", strings.Repeat("a: b\n", 20_000), "x.yaml: more than 50000 words and signs, the most that are read"},
		{"deep braces", strings.Repeat("{a: ", 33), "x.yaml:1:129: nested deeper than 32 levels"},
		{"deep brackets", strings.Repeat("[", 1000), "x.yaml:1:33: nested deeper than 32 levels"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := yamldoc.Parse("x.yaml", []byte(tt.text)); err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestEntriesGivesEachKeyOnce(t *testing.T) {
	node, err := yamldoc.Parse("x.yaml", []byte("b: 1\na:\nb: 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	var again []string
	entries, ok := yamldoc.Entries(node, func(key *token.Token, first int) {
		if first == 1 && key.Position.Line == 3 {
			again = append(again, key.Value)
		}
	})
	if !ok || !slices.Equal(again, []string{"b"}) {
		t.Errorf("ok is %v, and given again %q; want b of line 3, first on line 1", ok, again)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Key+"="+yamldoc.Found(e.Value))
	}
	if want := []string{`b="1"`, "a=no value"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	list, err := yamldoc.Parse("x.yaml", []byte("[1]"))
	if err != nil {
		t.Fatal(err)
	}
	if entries, ok := yamldoc.Entries(list, nil); ok || entries != nil {
		t.Errorf("a list has the entries %v", entries)
	}
}

func TestTopLevelKeys(t *testing.T) {
	keys, err := yamldoc.TopLevelKeys("x", []byte("version: 1\nworkload: {users: 5}\n"))
	if err != nil || !slices.Equal(keys, []string{"version", "workload"}) {
		t.Errorf("%q, %v", keys, err)
	}
	if keys, err := yamldoc.TopLevelKeys("x", []byte("[1]")); err != nil || keys != nil {
		t.Errorf("of a list: %q, %v", keys, err)
	}
	if _, err := yamldoc.TopLevelKeys("x", nil); err == nil {
		t.Error("nothing has keys")
	}
}

// A fault is one line, whatever was written; the faults of a file are in its
// order.
func TestFaultsAreLinesInOrder(t *testing.T) {
	err := yamldoc.Invalid([]yamldoc.Fault{
		{Source: yamldoc.Source{File: "x.yaml", Line: 2, Column: 5}, Key: "b\n\x1b[31m", Message: "second"},
		{Source: yamldoc.Source{Assignment: "a=1"}, Key: "a", Message: "before any line"},
		{Source: yamldoc.Source{File: "x.yaml", Line: 2, Column: 3}, Key: strings.Repeat("k", 300), Message: "first"},
	})
	want := "--set a=1: a: before any line\n" +
		"x.yaml:2:3: " + strings.Repeat("k", 200) + ": first\n" +
		`x.yaml:2:5: "b\n\x1b[31m": second`
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if faults := yamldoc.FaultsOf(err); len(faults) != 3 {
		t.Errorf("%d faults, want 3", len(faults))
	}
	if faults := yamldoc.FaultsOf(errors.New("another")); faults != nil {
		t.Errorf("another error has the faults %v", faults)
	}
	if err := yamldoc.Invalid(nil); err != nil {
		t.Errorf("no faults are the error %v", err)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"workload", "gateway", "users"}
	for word, want := range map[string]string{"usrs": "users", "worklaod": "workload", "gate": "", "": "", "kafka": ""} {
		if got := yamldoc.Nearest(word, words); got != want {
			t.Errorf("%q is nearest to %q, want %q", word, got, want)
		}
	}
}

// FuzzParse reads any text: it ends with a body, or with one fault that names
// the file in one line.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "a: 1", "a: [1, {b: c}]", "? a\n: b", "a: |\n b", "{", "a:\n - b\n - c: d\n", "\"\\u001b\": 1", "a: &b *b", "--- 1\n--- 2"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		node, err := yamldoc.Parse("x.yaml", text)
		if err == nil {
			if node == nil {
				t.Fatal("neither a body nor an error")
			}
			return
		}
		faults := yamldoc.FaultsOf(err)
		if len(faults) != 1 || faults[0].Source.File != "x.yaml" || strings.ContainsAny(faults[0].String(), "\n\r") {
			t.Fatalf("faults %q, want one of x.yaml on one line", faults)
		}
	})
}
