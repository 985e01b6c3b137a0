package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/notifyctl/notifyctl/scenarios"
)

// ResultFile is the name of the file that every other report is a reading of.
const ResultFile = "result.json"

const (
	// maxResultBytes is more than any run writes: its course has a bounded number
	// of points.
	maxResultBytes = 32 << 20
	// maxResultValues bounds what a hostile file can make a reader allocate.
	maxResultValues = 1 << 20
)

// ResultJSON writes a result as result.json has it.
func ResultJSON(w io.Writer, r *scenarios.Result) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// ReadResult reads a result.json, from whomever it comes: what it accepts, every
// report can be made of. Keys that it does not know are left out, as those of a
// newer program of the same schema are.
func ReadResult(r io.Reader) (*scenarios.Result, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxResultBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the result: %w", err)
	case len(text) > maxResultBytes:
		return nil, fmt.Errorf("it is longer than %d MiB, and no result.json is", maxResultBytes>>20)
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("it is empty; accepted is a result.json that loadtest --out wrote")
	case bytes.Count(text, []byte{','})+bytes.Count(text, []byte{'{'}) > maxResultValues:
		return nil, fmt.Errorf("it has more than %d values, and no result.json does", maxResultValues)
	}
	if err := checkSchema(text); err != nil {
		return nil, err
	}
	var result scenarios.Result
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, damaged(text, err)
	}
	if err := checkResult(&result); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	return &result, nil
}

// checkSchema tells what is no result from one that another program wrote.
func checkSchema(text []byte) error {
	var head map[string]json.RawMessage
	if err := json.Unmarshal(text, &head); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return fmt.Errorf("it holds a JSON %s, not an object; accepted is a result.json that loadtest --out wrote", kind.Value)
		}
		return damaged(text, err)
	}
	for _, key := range []string{"schema", "scenario", "checks", "verdict"} {
		if _, ok := head[key]; !ok {
			return fmt.Errorf("it is no result of a load test: it has no %q; accepted is a result.json that loadtest --out wrote", key)
		}
	}
	var schema int
	if err := json.Unmarshal(head["schema"], &schema); err != nil {
		return fmt.Errorf("schema %.40s: accepted is %d", head["schema"], scenarios.Schema)
	}
	if schema != scenarios.Schema {
		return fmt.Errorf("schema %d: this program reads %d; read it with the notifyctl that wrote it", schema, scenarios.Schema)
	}
	return nil
}

// damaged says where a text stopped being what it should be.
func damaged(text []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at := min(max(int(syntax.Offset)-1, 0), len(text))
		line := bytes.Count(text[:at], []byte{'\n'}) + 1
		column := at - bytes.LastIndexByte(text[:at], '\n')
		return fmt.Errorf("it is damaged, or no JSON: line %d, column %d: %w", line, column, err)
	case errors.As(err, &kind):
		return fmt.Errorf("it is damaged: %s is a JSON %s, not a %s", kind.Field, kind.Value, kind.Type)
	}
	return fmt.Errorf("it is damaged: %w", err)
}

// checkResult refuses what no run could have been, and no chart could show.
func checkResult(r *scenarios.Result) error {
	switch r.Verdict {
	case scenarios.Pass, scenarios.Fail, scenarios.Inconclusive, scenarios.Interrupted:
	case scenarios.NotObserved:
		return fmt.Errorf("verdict %q: that is of checks alone", r.Verdict)
	default:
		return fmt.Errorf("verdict %q: accepted are pass, fail, inconclusive and interrupted", r.Verdict)
	}
	for _, c := range r.Checks {
		switch c.Verdict {
		case scenarios.Pass, scenarios.Fail, scenarios.Inconclusive, scenarios.NotObserved:
		default:
			return fmt.Errorf("check %q has the verdict %q: accepted are pass, fail, inconclusive and not_observed", c.Name, c.Verdict)
		}
	}
	if !(r.Generator.Seconds >= 0 && r.Generator.Seconds <= longestRun) {
		return fmt.Errorf("generator.seconds is %g", r.Generator.Seconds)
	}
	for _, s := range r.Stages {
		if !(s.From >= 0 && s.From <= s.To && s.To <= longestRun) {
			return fmt.Errorf("stage %q lasts from %g to %g s", s.Name, s.From, s.To)
		}
	}
	for _, m := range r.Marks {
		if !(m.At >= -longestRun && m.At <= longestRun) || m.Until != nil && !(*m.Until >= m.At && *m.Until <= longestRun) {
			return fmt.Errorf("the mark %q is at no time of a run", m.Text)
		}
	}
	if h := r.Histograms; h != nil && (h.Latency.Histogram == nil || h.Service.Histogram == nil) {
		return errors.New("its histograms are not there")
	}
	return checkTimeline(r.Timeline)
}

// longestRun is longer than any, in seconds.
const longestRun = 10 * 365 * 24 * 3600

func checkTimeline(t *scenarios.Timeline) error {
	if t == nil {
		return nil
	}
	last := math.Inf(-1)
	for i, p := range t.Points {
		if !(p.At > last && p.At >= 0 && p.At <= longestRun) {
			return fmt.Errorf("point %d of the timeline is at %g s, and the one before it at %g s", i+1, p.At, last)
		}
		last = p.At
	}
	return nil
}

// WriteFile writes a file by a function that makes its content. The file is
// there whole or not at all: it is synced before it takes the name. The
// directory is made if it must be.
func WriteFile(path string, content func(io.Writer) error) (err error) {
	var b bytes.Buffer
	if err := content(&b); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the directory of %s: %w", filepath.Base(path), err)
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", filepath.Base(path), errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(b.Bytes())
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
