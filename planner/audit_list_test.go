package planner_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/planner"
)

// The page on estimates lists every rule of the audit, each with its component
// and severity, and no other.
func TestRulesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/estimate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "<!-- rules -->")
	table, _, _ = strings.Cut(table, "<!-- /rules -->")
	documented := make(map[string]bool)
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || !strings.HasPrefix(line, "| `") {
			continue
		}
		if strings.TrimSpace(strings.TrimRight(cells[3], "|\n ")) == "" {
			t.Errorf("nothing is said of %s", cells[0])
		}
		documented[strings.TrimPrefix(strings.Join(cells[:3], " "), "| ")] = true
	}
	for _, r := range planner.Rules() {
		row := fmt.Sprintf("`%s` %s %s", r.Name, r.Component, r.Severity)
		if !documented[row] {
			t.Errorf("docs/estimate.md lacks the row %s", row)
		}
		delete(documented, row)
	}
	for row := range documented {
		t.Errorf("docs/estimate.md has the row %s, and there is no such rule", row)
	}
}
