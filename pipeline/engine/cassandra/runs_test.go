package cassandra

import (
	"testing"
	"time"
)

// A run that goes on is noted once in a while and in each hour, and at once when
// it was pushed out and is back.
func TestRunNotesTouch(t *testing.T) {
	const run = "steady-1"
	began := time.Date(2026, time.November, 27, 10, 59, 59, 500_000_000, time.UTC)
	tests := []struct {
		name  string
		after time.Duration // since the last note
		want  bool
	}{
		{"at once", 0, false},
		{"a moment later", 400 * time.Millisecond, false},
		{"in the next hour", 500 * time.Millisecond, true},
		{"a second later", touchEvery, true},
		{"by a clock that was set back", -time.Second, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var n runNotes
			n.keep([]keptRun{{name: run}})
			if !n.touches(run, began) {
				t.Error("a run that was never noted is not to be")
			}
			n.touched(run, began)
			n.keep([]keptRun{{name: "another"}, {name: run}})
			if got := n.touches(run, began.Add(test.after)); got != test.want {
				t.Errorf("it is to be noted: %v, want %v", got, test.want)
			}
		})
	}
	var n runNotes
	n.keep([]keptRun{{name: run}})
	n.touched(run, began)
	n.keep(nil)
	n.touched(run, began)
	n.keep([]keptRun{{name: run}})
	if !n.touches(run, began) {
		t.Error("a run that was pushed out and is back is not to be noted")
	}
}
