package reports

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/reports/reportstest"
	"github.com/notifyctl/notifyctl/scenarios"
)

// TestTheCourseAsCSV checks that every point is a line, under titles that say what
// a cell is, and that what was not seen is an empty cell.
func TestTheCourseAsCSV(t *testing.T) {
	r := reportstest.Result()
	r.Stages[0].Name = "=1+1" // which a spreadsheet would take for a formula
	var b strings.Builder
	if err := TimelineCSV(&b, r); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 1+len(r.Timeline.Points) {
		t.Fatalf("%d lines for %d points", len(records)-1, len(r.Timeline.Points))
	}
	at := func(second int, title string) string {
		for i, name := range records[0] {
			if name == title {
				return records[second][i]
			}
		}
		t.Fatalf("there is no column %s: %v", title, records[0])
		return ""
	}
	for _, c := range []struct {
		second      int
		title, want string
	}{
		{1, "at_s", "1"},
		{1, "stage", "'=1+1"},
		{31, "stage", "spike"},
		{161, "stage", "drain"},
		{31, "offered", "10000"},
		{45, "refused", "500"},
		{161, "latency_p99_ms", ""},
		{31, "desired_push", "20"},
		{31, "running_push", "6"},
		{70, "breaker_sendgrid", "open"},
		{70, "hit_ratio_preferences.l1", "0.4"},
		{98, "queue", ""},
		{98, "running_push", ""},
		{98, "offered", "10000"},
	} {
		if got := at(c.second, c.title); got != c.want {
			t.Errorf("%s at second %d is %q, want %q", c.title, c.second, got, c.want)
		}
	}
	b.Reset()
	if err := TimelineCSV(&b, &scenarios.Result{}); err != nil || strings.Count(b.String(), "\n") != 1 {
		t.Errorf("without a course it is %q, %v", b.String(), err)
	}
}

func TestTheSummaryKeepsItsTables(t *testing.T) {
	r := reportstest.Result()
	r.Checks[0].Name, r.Scenario, r.Command = "a | b\n| c", "x|y <b>", []string{"notifyctl", "a`b|c"}
	var b strings.Builder
	if err := LoadTestMarkdown(&b, r, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`## x\|y &lt;b>: FAIL`, `| FAIL | a \| b\| c (spike, each 30 s) | 612 ms | < 500 ms | worst until 01:30 |`,
		"958,800 accepted = 958,610 delivered + 180 suppressed + 10 dead", "``", "<summary>3 stages</summary>",
	} {
		if !strings.Contains(b.String(), want) && !strings.Contains(strings.ReplaceAll(b.String(), "&lt; 500", "< 500"), want) {
			t.Errorf("it lacks %q in\n%s", want, b.String())
		}
	}
}
