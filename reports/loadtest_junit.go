package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/baseline"
)

// The form of JUnit reports that build servers read: the schema that Ant's
// JUnit task set, with the element for what was skipped that Jenkins and Surefire
// added. Where Ant's asks for more than others, as for empty outputs, it is
// followed: the others allow it.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Package    string          `xml:"package,attr"`
		ID         int             `xml:"id,attr"`
		Name       string          `xml:"name,attr"`
		Timestamp  string          `xml:"timestamp,attr"` // without a zone, as the schema has it: UTC
		Hostname   string          `xml:"hostname,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"` // seconds
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        string          `xml:"system-out"`
		Err        string          `xml:"system-err"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Time    string       `xml:"time,attr"`
		Skipped *junitReason `xml:"skipped"`
		Error   *junitReason `xml:"error"`
		Failure *junitReason `xml:"failure"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// LoadTestJUnit writes a result as a JUnit report, a test case a check: one that
// did not hold is a failure, one that could not be judged an error, and one that
// nobody could observe is skipped. The run as a whole is a case, too, so that a
// run that was ended before anything could be judged is no empty, green report.
// What moved against a baseline follows, a case a metric; the comparison is nil
// where none was asked for.
func LoadTestJUnit(w io.Writer, r *scenarios.Result, c *baseline.Comparison) error {
	suite := junitSuite{
		Package: "notifyctl", Name: "notifyctl." + Clean(r.Scenario), Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
		Hostname: "localhost", Time: seconds(r.Generator.Seconds),
		Properties: junitProperties(r),
		Cases:      append([]junitCase{junitRun(r)}, junitChecks(r)...),
	}
	if c != nil {
		suite.Cases = append(suite.Cases, junitComparison(suite.Name, c)...)
	}
	suite.Tests = len(suite.Cases)
	for _, each := range suite.Cases {
		switch {
		case each.Failure != nil:
			suite.Failures++
		case each.Error != nil:
			suite.Errors++
		case each.Skipped != nil:
			suite.Skipped++
		}
	}
	text, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the JUnit report: %w", err)
	}
	if _, err := io.WriteString(w, xml.Header+string(text)+"\n"); err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	return nil
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

func junitProperties(r *scenarios.Result) []junitProperty {
	return []junitProperty{
		{"profile", Clean(r.Profile)},
		{"rate_scale", factor(r.RateScale)},
		{"time_scale", factor(r.TimeScale)},
		{"plan", Clean(strings.TrimSpace(r.Plan.Name + " " + r.Plan.Hash))},
		{"system", Clean(System(&r.Environment))},
		{"version", Clean(r.Environment.Version)},
		{"seed", fmt.Sprint(r.Generator.Seed)},
	}
}

// junitRun is the case of the run as a whole: whether it came to its end.
func junitRun(r *scenarios.Result) junitCase {
	run := junitCase{Name: "the run came to its end", Class: "notifyctl." + Clean(r.Scenario), Time: seconds(r.Generator.Seconds)}
	switch {
	case r.Verdict == scenarios.Interrupted:
		run.Error = &junitReason{Message: Clean(Why(r)), Type: string(scenarios.Interrupted)}
	case len(r.Checks) == 0:
		run.Error = &junitReason{Message: "nothing was checked", Type: string(scenarios.Inconclusive)}
	}
	return run
}

func junitChecks(r *scenarios.Result) []junitCase {
	cases := make([]junitCase, len(r.Checks))
	for i, c := range r.Checks {
		each := junitCase{Name: Clean(CheckTitle(c)), Class: "notifyctl." + Clean(r.Scenario), Time: "0.000"}
		notes := Clean(CheckNotes(c))
		switch c.Verdict {
		case scenarios.Fail:
			message := fmt.Sprintf("%s is %s; expected %s", Clean(c.Subject), Measured(c), Expected(c))
			each.Failure = &junitReason{Message: message, Type: string(scenarios.Fail), Text: notes}
		case scenarios.NotObserved:
			each.Skipped = &junitReason{Message: "not observed: " + notes}
		case scenarios.Inconclusive:
			message := fmt.Sprintf("inconclusive: %s is %s; expected %s", Clean(c.Subject), Measured(c), Expected(c))
			each.Error = &junitReason{Message: message, Type: string(scenarios.Inconclusive), Text: notes}
		case scenarios.Pass, scenarios.Interrupted:
		}
		cases[i] = each
	}
	return cases
}

// junitComparison gives a case for each metric that was compared, or one that
// says why none was.
func junitComparison(class string, c *baseline.Comparison) []junitCase {
	class += ".baseline"
	switch c.Outcome {
	case baseline.NoBaseline:
		return []junitCase{{Name: "baseline", Class: class, Time: "0.000", Skipped: &junitReason{Message: Clean("no baseline: " + c.Why)}}}
	case baseline.Refused:
		return []junitCase{{Name: "baseline", Class: class, Time: "0.000", Error: &junitReason{Message: Clean("not comparable: " + c.Why), Type: string(c.Outcome)}}}
	case baseline.Unchanged, baseline.Improved, baseline.Regressed:
	}
	cases := make([]junitCase, len(c.Changes))
	for i, change := range c.Changes {
		cases[i] = junitCase{Name: Clean(change.Metric), Class: class, Time: "0.000"}
		if change.Verdict == baseline.Worse {
			message := fmt.Sprintf("%s is %s, and was %s: %s", Clean(change.Metric), Quantity(change.After, change.Unit), Quantity(change.Before, change.Unit), Moved(change))
			cases[i].Failure = &junitReason{Message: message, Type: string(c.Outcome), Text: Interval(change)}
		}
	}
	return cases
}
