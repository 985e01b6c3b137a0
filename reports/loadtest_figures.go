package reports

import (
	"fmt"
	"strings"

	"github.com/notifyctl/notifyctl/scenarios"
)

// account writes the account as an equation, and below it what should be 0.
func (w *loadTest) account() {
	l := &w.result.Ledger
	w.row("ACCOUNT", "%s", Equation(l))
	w.row("", "%s", remainder(l))
	if l.Delivered == nil && l.Arrived != nil {
		w.row("", "%s of the accepted reached a provider", Count(*l.Arrived))
	}
	if l.Unacknowledged != nil && *l.Unacknowledged > 0 {
		w.row("", "%s more went through without having been acknowledged", Count(*l.Unacknowledged))
	}
}

func (w *loadTest) rate() {
	n, requests := Total(w.result)
	seconds := max(w.result.Generator.Seconds, 1e-9)
	w.row("RATE", "offered %s, sent %s, dropped %s, refused %s", Rate(float64(n.Offered)/seconds), Rate(float64(n.Sent)/seconds),
		decimal(float64(n.Dropped)), decimal(float64(n.Refused)))
	w.row("", "%s requests of %d over %d connections at most", decimal(float64(requests.Sent)), w.result.Generator.Batch, w.result.Generator.Connections)
	if n.Unsent > 0 {
		w.row("", "%s were due and not sent when the run was ended", decimal(float64(n.Unsent)))
	}
}

// answers writes what came of the requests, when it was not all well.
func (w *loadTest) answers() {
	if failures := Failures(&w.result.Generator); failures != "" {
		w.row("ERRORS", "%s (requests)", w.terminal.Text(failures))
	}
	for _, first := range w.result.Generator.Firsts {
		w.row("", "%s", w.terminal.Text(FirstAnswer(first)))
	}
}

func (w *loadTest) latency() {
	fromSchedule, fromSend := w.result.Generator.Latency, w.result.Generator.Service
	if fromSchedule == nil || fromSend == nil {
		return
	}
	w.row("LATENCY", "p50 %s   p90 %s   p99 %s   max %s from the schedule", Milliseconds(fromSchedule.P50),
		Milliseconds(fromSchedule.P90), Milliseconds(fromSchedule.P99), Milliseconds(fromSchedule.Max))
	w.row("", "p99 %s from the send", Milliseconds(fromSend.P99))
	if why := Lateness(&w.result.Generator); why != "" {
		w.row("", "%s", w.terminal.Dim(why))
	}
}

// endToEnd writes each priority's p99, and where its slow ones wait.
func (w *loadTest) endToEnd() {
	var parts []string
	for _, p := range w.result.Priorities {
		if p.Latency != nil {
			parts = append(parts, w.terminal.Text(p.Priority)+" "+Milliseconds(p.Latency.P99))
		}
	}
	if len(parts) == 0 {
		return
	}
	w.row("END TO END", "%s (p99)", strings.Join(parts, "   "))
	if slow := Dominant(w.result.Priorities); slow != "" {
		w.row("", "%s", w.terminal.Text(slow))
	}
}

// faults writes what went wrong on purpose.
func (w *loadTest) faults() {
	label := "FAULTS"
	for _, m := range w.result.Marks {
		if m.Kind != scenarios.FaultMark {
			continue
		}
		span := "at " + ClockOf(m.At)
		if m.Until != nil {
			span = ClockOf(m.At) + " to " + ClockOf(*m.Until)
		}
		w.row(label, "%s   %s", span, w.terminal.Text(m.Text))
		label = ""
	}
}

func (w *loadTest) cost() {
	line := CostLine(w.result.Cost)
	if line == "" {
		return
	}
	w.row("COST", "%s", line)
}

// limits writes how many of the plan's limits the run tested, and which.
func (w *loadTest) limits() {
	limits := w.result.Limits
	if len(limits) == 0 {
		return
	}
	near, unseen := LimitsTested(limits)
	line := fmt.Sprintf("this run came near %d of the plan's %d", near, len(limits))
	if unseen > 0 {
		line += fmt.Sprintf(", and could not see %d", unseen)
	}
	w.row("LIMITS", "%s", line)
	for _, l := range limits {
		if IsNear(l) {
			w.row("", "%s: %s, where the plan has %s", w.terminal.Text(l.Name), Quantity(*l.Reached, l.Unit), Quantity(l.Limit, l.Unit))
		}
	}
}

func (w *loadTest) process() {
	r := w.result.Resources
	if r.CPUPerNotification == nil {
		return
	}
	line := fmt.Sprintf("%.1f us of CPU a notification", *r.CPUPerNotification)
	if !w.result.Environment.Embedded {
		line += " (the generator's)"
	}
	if r.System != nil && r.System.RSSBytes != nil {
		line += ", the system holds " + Bytes(float64(*r.System.RSSBytes))
	}
	w.row("PROCESS", "%s", line)
}
