package pipeline_test

import (
	"errors"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

func TestEngineErrorIsOneLine(t *testing.T) {
	refused := errors.New("dial tcp:\n\tconnection refused")
	for _, c := range []struct {
		err  pipeline.EngineError
		want string
	}{
		{
			pipeline.EngineError{Engine: pipeline.EngineKafka, Address: "127.0.0.1:9092", Err: refused},
			"kafka at 127.0.0.1:9092: dial tcp: connection refused",
		},
		{
			pipeline.EngineError{Engine: pipeline.EnginePostgres, Err: errors.New("schema 7, want at most 3"), Remedy: "run the version\nthat wrote it"},
			"postgres: schema 7, want at most 3; run the version that wrote it",
		},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("Error() = %q, want %q", got, c.want)
		}
		if !errors.Is(&c.err, c.err.Err) {
			t.Errorf("%q does not unwrap to its cause", c.want)
		}
	}
}
