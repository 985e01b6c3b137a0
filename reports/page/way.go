package page

import (
	"fmt"

	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
)

// way is a notification's way from the 202 to its outcome, by stage and channel.
type way struct {
	Slow   string // where the slow ones wait
	Stages []string
	Rows   []wayRow
}

// wayRow is a queue's: its p99 as a bar, divided as its mean time is.
type wayRow struct {
	Channel, Priority, Count, P50, P99 string
	Parts                              []wayPart
	Most                               string // the stage that takes most, in words
	Words                              string // all of them
}

// wayPart is a stage's part of a bar, in per cent of the longest one.
type wayPart struct {
	Stage       string
	From, Width float64
}

// wayOf draws the ways; nil when the system did not say.
func wayOf(r *scenarios.Result) *way {
	longest := 0.0
	for _, e := range r.EndToEnd {
		if e.Latency != nil {
			longest = max(longest, e.Latency.P99)
		}
	}
	if longest == 0 {
		return nil
	}
	w := &way{Slow: reports.Clean(reports.Dominant(r.Priorities)), Stages: reports.StageOrder()}
	for _, e := range r.EndToEnd {
		if e.Latency != nil {
			w.Rows = append(w.Rows, wayRowOf(&e, longest))
		}
	}
	return w
}

func wayRowOf(e *scenarios.EndToEnd, longest float64) wayRow {
	row := wayRow{
		Channel: reports.Clean(e.Channel), Priority: reports.Clean(e.Priority), Count: reports.Count(e.Count),
		P50: reports.Milliseconds(e.Latency.P50), P99: reports.Milliseconds(e.Latency.P99),
	}
	from, most := 0.0, 0.0
	for _, stage := range reports.StageOrder() {
		share := e.Stages[stage]
		width := share * e.Latency.P99 / longest * 100
		row.Parts = append(row.Parts, wayPart{stage, round(from), round(width)})
		from += width
		if share > most {
			most, row.Most = share, fmt.Sprintf("%s %s", stage, reports.Percent(share))
		}
		if row.Words != "" {
			row.Words += ", "
		}
		row.Words += stage + " " + reports.Percent(share)
	}
	return row
}
