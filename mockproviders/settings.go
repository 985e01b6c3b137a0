package mockproviders

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxSettingsBytes bounds the text of a fault script, of limits and of
// latencies.
const maxSettingsBytes = 1 << 20

// parseJSON reads one JSON value, without unknown keys. What names it in errors,
// as in "the fault script".
func parseJSON(text []byte, what string, into any) error {
	if len(text) > maxSettingsBytes {
		return fmt.Errorf("reading %s: the text is larger than %d bytes", what, maxSettingsBytes)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("reading %s: %w", what, locate(err, text))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %s: line %d: something follows the JSON value", what, lineAt(text, d.InputOffset()))
	}
	return nil
}

// locate puts the line before an error of decoding that knows its place.
func locate(err error, text []byte) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %w", lineAt(text, syntax.Offset), err)
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %w", lineAt(text, kind.Offset), err)
	}
	return err
}

func lineAt(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n"))
}

// Duration is a time span that JSON spells as "1m30s".
type Duration time.Duration

// MarshalText writes the span as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration; write it like 500ms, 30s or 1m30s", text)
	}
	*d = Duration(v)
	return nil
}
