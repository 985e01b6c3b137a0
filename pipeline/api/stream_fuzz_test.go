package api

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// FuzzReadEvents reads any stream: each event that is taken ends with an empty
// line, and a stream that ends has an end that says so.
func FuzzReadEvents(f *testing.F) {
	for _, seed := range []string{
		"event: status\ndata: {}\n\n", "event: status\r\ndata: a\r\ndata: b\r\n\r\n", ": comment\n\n\n", "data\nevent:status\n\n", "event: other\ndata: {}\n\n", "\x00\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		events := 0
		err := readEvents(bytes.NewReader(stream), "GET /", func(data []byte) error {
			events++
			if !bytes.Contains(stream, []byte("data")) || strings.Count(string(data), "\n") > bytes.Count(stream, []byte("data")) {
				t.Errorf("an event of %q from nothing", data)
			}
			return nil
		})
		if !errors.Is(err, ErrStreamEnded) {
			t.Errorf("a whole stream ended with %v", err)
		}
		if most := bytes.Count(stream, []byte("\n")); events > most {
			t.Errorf("%d events in %d lines", events, most)
		}
	})
}
