package reports

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/reports/reportstest"
	"github.com/notifyctl/notifyctl/scenarios"
)

func written(t testing.TB, r *scenarios.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := ResultJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAResultIsReadAsItWasWritten(t *testing.T) {
	want := reportstest.Result()
	got, err := ReadResult(strings.NewReader(written(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if again := written(t, got); again != written(t, want) {
		t.Errorf("read and written again it is\n%s", again)
	}
}

func TestWhatIsNoResultIsRefused(t *testing.T) {
	whole := written(t, reportstest.Result())
	replaced := func(old, with string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.Replace(whole, old, with, 1)
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", " \n", "it is empty"},
		{"no JSON", "<html>", "it is damaged, or no JSON: line 1, column 1"},
		{"cut off", whole[:len(whole)/2], "it is damaged, or no JSON: line"},
		{"a list", "[1]", "it holds a JSON array, not an object"},
		{"another object", `{"figures": []}`, `it is no result of a load test: it has no "schema"`},
		{"an estimate", `{"schema": 1, "plan": {}}`, `it has no "scenario"`},
		{"a newer schema", replaced(`"schema": 1`, `"schema": 2`), "schema 2: this program reads 1"},
		{"a schema in words", replaced(`"schema": 1`, `"schema": "one"`), `schema "one": accepted is 1`},
		{"another type", replaced(`"rate_scale": 0.2`, `"rate_scale": "fast"`), "it is damaged: rate_scale is a JSON string, not a float64"},
		{"an unknown verdict", replaced(`"verdict": "inconclusive"`, `"verdict": "maybe"`), `the verdict "maybe"`},
		{"time that stands still", replaced(`"at_s": 2,`, `"at_s": 1,`), "point 2 of the timeline is at 1 s"},
		{"a stage backwards", replaced(`"to_s": 120`, `"to_s": 1`), `stage "spike" lasts from 30 to 1 s`},
		{"an endless run", replaced(`"seconds": 150`, `"seconds": 1e300`), "generator.seconds is 1e+300"},
		{"too many values", `{"a": [` + strings.Repeat("0,", maxResultValues) + `0]}`, "values"},
		{"too long", strings.Repeat(" ", maxResultBytes+1), "longer than"},
		{"too deep", `{"schema": 1, "scenario": "s", "verdict": "pass", "checks": ` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}", "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadResult(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestAFileIsThereWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "below", "report.html")
	say := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	if err := WriteFile(path, say("first")); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("oh")
	err := WriteFile(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "first" {
		t.Errorf("it has %q, %v", text, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// FuzzReadResult: whatever is accepted can be rendered in every form, and written
// again.
func FuzzReadResult(f *testing.F) {
	small := reportstest.Result()
	small.Timeline.Points = small.Timeline.Points[:3]
	f.Add([]byte(written(f, small)))
	f.Add([]byte(`{"schema":1,"scenario":"s","checks":[{"verdict":"pass","op":"<"}],"verdict":"pass"}`))
	f.Add([]byte(`{"schema":1,"scenario":"s","checks":null,"verdict":"interrupted","timeline":{"points":[{"at_s":1,"system":{"pools":{"":{}}}}]}}`))
	f.Add([]byte(`{"schema":1,"scenario":"s","checks":null,"verdict":"pass","histograms":{"latency":"HISTFAAAACB42pNpmSzMwMDAxAABzFCaGcR4CaCjAQA="}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ReadResult(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, render := range []func(io.Writer) error{
			func(w io.Writer) error { return LoadTest(w, r, Terminal{}) },
			func(w io.Writer) error { return LoadTestMarkdown(w, r, nil) },
			func(w io.Writer) error { return LoadTestJUnit(w, r, nil) },
			func(w io.Writer) error { return TimelineCSV(w, r) },
			func(w io.Writer) error { return ResultJSON(w, r) },
		} {
			if err := render(io.Discard); err != nil {
				t.Errorf("what was accepted cannot be rendered: %v", err)
			}
		}
	})
}
