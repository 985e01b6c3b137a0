package reports

import (
	"fmt"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/scenarios"
)

// StatusLine says in one line how a run is, for logs and what is no terminal.
func StatusLine(s scenarios.Snapshot) string {
	parts := []string{Clean(s.Scenario), Clock(s.Elapsed) + " of " + Clock(s.Total)}
	switch s.Phase {
	case scenarios.Starting:
		if s.ToWrite > s.Written {
			parts = append(parts, fmt.Sprintf("writing the preferences of %s users, %s done", Count(s.ToWrite), Count(s.Written)))
		}
		return strings.Join(append(parts, "starting"), "  ")
	case scenarios.Running:
		parts = append(parts, Clean(s.Stage))
		if left := s.Total - s.Elapsed; left > 0 {
			parts = append(parts, Clock(left)+" to go")
		}
	case scenarios.Draining:
		parts = append(parts, string(s.Phase))
		if left, ok := drainLeft(s.System); ok {
			parts = append(parts, Clock(left)+" to go")
		}
	case scenarios.Over:
		parts = append(parts, string(s.Phase))
	}
	if n := len(s.Seconds); n > 0 && s.Phase == scenarios.Running {
		second, batch := s.Seconds[n-1], int64(s.Batch)
		parts = append(parts,
			fmt.Sprintf("offered %s/s", Count(int64(second.Offered)*batch)),
			fmt.Sprintf("sent %s/s", Count(int64(second.Sent)*batch)))
		if second.Response.Count > 0 {
			parts = append(parts, "p99 "+Milliseconds(float64(second.Response.P99)/float64(time.Millisecond)))
		}
	}
	if s.Report != nil {
		failed := int64(s.Report.Total.Refused()+s.Report.Total.Errors()) * int64(s.Batch)
		parts = append(parts, "accepted "+Count(int64(s.Report.Total.Accepted())*int64(s.Batch)), "failed "+Count(failed))
	}
	if s.System != nil {
		parts = append(parts, "in flight "+Count(s.System.Account.InFlight))
	}
	return strings.Join(parts, "  ")
}

// trendSeconds is how many of the last seconds say how fast the queues fall.
const trendSeconds = 10

// drainLeft is how long the queues take to be empty, as fast as they fell of late;
// ok is false when they do not fall, or nobody knows.
func drainLeft(v *scenarios.SystemView) (left time.Duration, ok bool) {
	if v == nil || v.Stale || len(v.Depths) < 2 {
		return 0, false
	}
	then := max(len(v.Depths)-1-trendSeconds, 0)
	fell := float64(v.Depths[then]-v.Depth) / float64(len(v.Depths)-1-then)
	if fell <= 0 || v.Depth <= 0 {
		return 0, false
	}
	return time.Duration(float64(v.Depth) / fell * float64(time.Second)), true
}

// Clock writes a time as 01:02, or 1:02:03 from an hour on.
func Clock(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%02d:%02d", seconds/60, seconds%60)
}
