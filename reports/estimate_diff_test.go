package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/notifyctl/notifyctl/planner"
)

// diffOf compares the reference plan, with some values overridden, with itself.
func diffOf(t *testing.T, assignments ...string) Diff {
	t.Helper()
	before, after := estimateOf(t), estimateOf(t, append([]string{"name=new"}, assignments...)...)
	return Diff{Before: before, After: after, Changes: planner.Compare(before, after)}
}

func TestDiffTable(t *testing.T) {
	d := diffOf(t, "kafka.brokers=21", "redis.nodes=46")
	var out bytes.Buffer
	if err := DiffTable(&out, d, Terminal{Width: 80}); err != nil {
		t.Fatal(err)
	}
	golden.RequireEqual(t, out.Bytes())
	for line := range strings.Lines(out.String()) {
		if width := ansi.StringWidth(strings.TrimSuffix(line, "\n")); width > 80 {
			t.Errorf("%d columns: %s", width, line)
		}
	}
}

func TestDiffOfThePlanItself(t *testing.T) {
	d := diffOf(t)
	var out bytes.Buffer
	if err := DiffTable(&out, d, Terminal{}); err != nil {
		t.Fatal(err)
	}
	if len(d.Changes) > 0 || strings.Contains(out.String(), "~") || !strings.Contains(out.String(), "0 figures") {
		t.Errorf("%d changes:\n%s", len(d.Changes), out.String())
	}
}

// What a plan lacks is new or gone, and nothing grows from 0 by a fraction.
func TestChangesWithOneSide(t *testing.T) {
	v, zero := 5.0, 0.0
	for _, tt := range []struct {
		change                      planner.Change
		mark, difference, inPercent string
	}{
		{planner.Change{New: &v}, "+", "", ""},
		{planner.Change{Old: &v}, "-", "", ""},
		{planner.Change{Old: &zero, New: &v}, "~", "+5", ""},
		{planner.Change{Old: &v, New: &zero}, "~", "-5", "-100 %"},
	} {
		if mark, moved, part := changeMark(tt.change), difference(tt.change), percent(tt.change); mark != tt.mark || moved != tt.difference || part != tt.inPercent {
			t.Errorf("%q %q %q, want %q %q %q", mark, moved, part, tt.mark, tt.difference, tt.inPercent)
		}
	}
}

// JSON and CSV have every change; a smaller figure has a negative one.
func TestDiffForPrograms(t *testing.T) {
	d := diffOf(t, "kafka.brokers=24")
	var text, table bytes.Buffer
	if err := DiffJSON(&text, d); err != nil {
		t.Fatal(err)
	}
	if err := DiffCSV(&table, d); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Old, New string
		Total    struct{ Old, New, Change, Relative float64 }
		Changes  []struct {
			ID                         string
			Old, New, Change, Relative *float64
		}
	}
	if err := json.Unmarshal(text.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got.Old != "reference" || got.New != "new" || len(got.Changes) != len(d.Changes) || len(records) != len(d.Changes)+1 {
		t.Fatalf("%s -> %s, %d changes and %d records, want %d", got.Old, got.New, len(got.Changes), len(records), len(d.Changes))
	}
	if total := got.Total; total.Change != total.New-total.Old || total.Change <= 0 {
		t.Errorf("twice the brokers change the total by %+v", total)
	}
	for i, c := range got.Changes {
		if records[i+1][0] != c.ID {
			t.Errorf("record %d is of %s, want %s", i+1, records[i+1][0], c.ID)
		}
		if c.ID == "kafka.disk.per_broker" && (*c.Relative != -0.5 || *c.Change != -1.75e12) {
			t.Errorf("twice the brokers change the disk of one by %v, %v", *c.Change, *c.Relative)
		}
	}
}
