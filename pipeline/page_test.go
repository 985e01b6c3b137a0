package pipeline_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// listNames are of lists that differ in one thing each.
func listNames() map[string]pipeline.ListName {
	at := time.UnixMilli(1_700_000_000_000)
	open, from, to := pipeline.Page{}, pipeline.Page{From: at}, pipeline.Page{To: at}
	return map[string]pipeline.ListName{
		"of a user":            open.NameList("user", "ada"),
		"of another":           open.NameList("user", "bob"),
		"of a user from a day": from.NameList("user", "ada"),
		"of a user to a day":   to.NameList("user", "ada"),
		"of the dead":          open.NameList("dead", "ada"),
		"split elsewhere":      open.NameList("usera", "da"),
	}
}

func TestACursorServesForItsListAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := pipeline.ID(rapid.SliceOfN(rapid.Byte(), 17, 17).Draw(t, "id"))
		for name, list := range listNames() {
			cursor := pipeline.CursorAfter(list, id)
			if got, err := cursor.Position(list); err != nil || got != id {
				t.Fatalf("%s: %x reads back as %x, %v", name, id, got, err)
			}
			if rest := strings.Trim(string(cursor), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"); rest != "" {
				t.Fatalf("the cursor %q holds more than letters, digits, hyphens and underscores", cursor)
			}
			for other, foreign := range listNames() {
				if _, err := cursor.Position(foreign); other != name && !errors.Is(err, pipeline.ErrBadCursor) {
					t.Fatalf("the list %s takes the cursor of the list %s", other, name)
				}
			}
		}
	})
}

func TestALimitOrACursorNamesNoOtherList(t *testing.T) {
	one, other := pipeline.Page{Limit: 1}, pipeline.Page{Limit: 2, After: "x"}
	if one.NameList("user", "ada") != other.NameList("user", "ada") {
		t.Error("the pages of one list have two names")
	}
}

func FuzzCursor(f *testing.F) {
	var p pipeline.Page
	list := p.NameList("user", "ada")
	f.Add(string(pipeline.CursorAfter(list, pipeline.ID{1, 2, 3})))
	f.Add("")
	f.Add("AAAA")
	f.Add(string(pipeline.CursorAfter(list, pipeline.ID{})) + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := pipeline.Cursor(text).Position(list)
		if err != nil {
			if !errors.Is(err, pipeline.ErrBadCursor) {
				t.Fatalf("%q gave %v", text, err)
			}
			return
		}
		// A position has one cursor.
		if again := pipeline.CursorAfter(list, id); string(again) != text {
			t.Fatalf("%q reads as %x, whose cursor is %q", text, id, again)
		}
	})
}
