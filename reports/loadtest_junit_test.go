package reports

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/reports/reportstest"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// element is an XML element, as it stands.
type element struct {
	name     string
	attrs    map[string]string
	children []*element
	text     string
}

// parseXML reads a document, and fails on one that is not well-formed.
func parseXML(t *testing.T, text string) *element {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(text))
	root := &element{}
	stack := []*element{root}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		top := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			top.children = append(top.children, e)
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(token)
		}
	}
	if len(root.children) != 1 {
		t.Fatalf("%d roots", len(root.children))
	}
	return root.children[0]
}

// requireJUnit checks a report against the schema: the elements in their order,
// the attributes that each must have and may have, and the numbers of cases.
func requireJUnit(t *testing.T, text string) (suite *element, cases []*element) {
	t.Helper()
	root := parseXML(t, text)
	if root.name != "testsuites" || len(root.children) != 1 || root.children[0].name != "testsuite" {
		t.Fatalf("the root is %s with %d children", root.name, len(root.children))
	}
	suite = root.children[0]
	requireAttributes(t, suite, "package id name timestamp hostname tests failures errors skipped time")
	counts := map[string]int{}
	var order []string
	for _, e := range suite.children {
		if len(order) == 0 || order[len(order)-1] != e.name {
			order = append(order, e.name)
		}
		switch e.name {
		case "properties":
			for _, p := range e.children {
				requireAttributes(t, p, "name value")
			}
		case "testcase":
			requireAttributes(t, e, "name classname time")
			if len(e.children) > 1 {
				t.Errorf("case %s ended in %d ways", e.attrs["name"], len(e.children))
			}
			for _, end := range e.children {
				if want := "message type"; end.name == "skipped" {
					requireAttributes(t, end, "message")
				} else {
					requireAttributes(t, end, want)
				}
				counts[end.name]++
			}
			cases = append(cases, e)
		}
	}
	if want := "[properties testcase system-out system-err]"; fmt.Sprint(order) != want {
		t.Errorf("the suite has %v, want %s", order, want)
	}
	for attr, want := range map[string]int{"tests": len(cases), "failures": counts["failure"], "errors": counts["error"], "skipped": counts["skipped"]} {
		if got, err := strconv.Atoi(suite.attrs[attr]); err != nil || got != want {
			t.Errorf("%s is %s, and there are %d", attr, suite.attrs[attr], want)
		}
	}
	if len(cases) == 0 {
		t.Error("there is no case")
	}
	return suite, cases
}

func requireAttributes(t *testing.T, e *element, names string) {
	t.Helper()
	want := strings.Fields(names)
	for _, name := range want {
		if e.attrs[name] == "" && name != "value" {
			t.Errorf("%s has no %s", e.name, name)
		}
	}
	for name := range e.attrs {
		if !slices.Contains(want, name) {
			t.Errorf("%s has a %s", e.name, name)
		}
	}
}

func junitOf(t *testing.T, r *scenarios.Result, c *baseline.Comparison) string {
	t.Helper()
	var b strings.Builder
	if err := LoadTestJUnit(&b, r, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJUnitHasACaseForEachCheck(t *testing.T) {
	r := reportstest.Result()
	r.Checks[0].Name = "api\x00 <p99> & \"more\" \U0001F600"
	suite, cases := requireJUnit(t, junitOf(t, r, nil))
	if len(cases) != 1+len(r.Checks) {
		t.Fatalf("%d cases for %d checks", len(cases), len(r.Checks))
	}
	if got := suite.attrs["timestamp"]; got != "2026-11-24T12:00:00" {
		t.Errorf("timestamp %s", got)
	}
	for i, c := range r.Checks {
		end := ""
		if children := cases[1+i].children; len(children) == 1 {
			end = children[0].name
		}
		want := map[scenarios.Verdict]string{
			scenarios.Pass: "", scenarios.Fail: "failure", scenarios.Inconclusive: "error", scenarios.NotObserved: "skipped",
		}[c.Verdict]
		if end != want {
			t.Errorf("%s, %s, ends in %q, want %q", c.Name, c.Verdict, end, want)
		}
	}
	failure := cases[1].children[0]
	if got := failure.attrs["message"]; got != "latency.p99 is 612 ms; expected < 500 ms" {
		t.Errorf("message %q", got)
	}
	if got := cases[1].attrs["name"]; got != "api <p99> & \"more\" \U0001F600 (spike, each 30 s)" {
		t.Errorf("name %q", got)
	}
}

func TestJUnitIsNeverEmpty(t *testing.T) {
	for name, verdict := range map[string]scenarios.Verdict{"aborted": scenarios.Interrupted, "unchecked": scenarios.Inconclusive} {
		t.Run(name, func(t *testing.T) {
			r := &scenarios.Result{Scenario: "steady", Verdict: verdict}
			_, cases := requireJUnit(t, junitOf(t, r, nil))
			if len(cases) != 1 || len(cases[0].children) != 1 || cases[0].children[0].name != "error" {
				t.Errorf("a run without an end is no error: %+v", cases[0])
			}
		})
	}
}

func TestJUnitShowsWhatMoved(t *testing.T) {
	before, after := reportstest.Result(), reportstest.Result()
	after.Ledger.Lost = reportstest.Of(int64(3))
	c := baseline.Compare([]*scenarios.Result{before}, []*scenarios.Result{after}, baseline.DefaultTolerance)
	_, cases := requireJUnit(t, junitOf(t, after, c))
	failed := 0
	for _, each := range cases[1+len(after.Checks):] {
		if len(each.children) == 1 && each.children[0].name == "failure" {
			failed++
			if each.attrs["name"] != "lost" {
				t.Errorf("%s moved", each.attrs["name"])
			}
		}
	}
	if failed != 1 {
		t.Errorf("%d metrics got worse, want 1", failed)
	}
	for _, c := range []*baseline.Comparison{baseline.Missing("nothing there"), {Outcome: baseline.Refused, Why: "the plan differs"}} {
		_, cases := requireJUnit(t, junitOf(t, after, c))
		last := cases[len(cases)-1]
		if last.attrs["name"] != "baseline" || len(last.children) != 1 || !strings.Contains(last.children[0].attrs["message"], c.Why) {
			t.Errorf("%s: %+v", c.Outcome, last)
		}
	}
}
