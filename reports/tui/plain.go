package tui

import (
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/reports"
)

// Lines says in a line each how a server is, for logs and what is no terminal.
type Lines struct {
	terminal reports.Terminal
	last     word // that was written about
}

// NewLines makes lines for a terminal, or what is none.
func NewLines(t reports.Terminal) *Lines { return &Lines{terminal: t} }

// Line is how a server is; rates are those since the line before.
func (l *Lines) Line(at time.Time, server Server) string {
	parts := []string{at.Local().Format(time.TimeOnly), l.terminal.Text(server.URL)}
	s := server.Status
	switch {
	case s == nil && server.Silent == "":
		parts = append(parts, "no word yet")
	case s == nil:
		parts = append(parts, "no answer: "+l.terminal.Text(server.Silent))
	case server.Silent != "":
		m := Moment{At: at, Server: server}
		parts = append(parts, "no answer for "+long(m.age())+": "+l.terminal.Text(server.Silent))
	default:
		parts = append(parts, l.figures(server.Seen, s)...)
	}
	return strings.Join(parts, "  ")
}

func (l *Lines) figures(seen time.Time, s *api.Status) []string {
	then := l.last
	if then.status == nil || restarted(then.status, s) {
		then = word{seen, s}
	}
	l.last = word{seen, s}
	n := numbers(span{then.status, s, seen.Sub(then.seen).Seconds()})
	parts := []string{
		"accepted/s " + count(n[accepted]), "delivered/s " + count(n[delivered]), "p99 " + latency(n[apiP99]),
		"queue " + count(n[queued]), "oldest " + latency(n[oldest]), "in flight " + count(float64(s.Account.InFlight)),
	}
	for _, p := range s.Providers {
		if howBreaker(p.Breaker) != good {
			parts = append(parts, l.terminal.Text(p.Name+" "+stateText(p.Breaker)))
		}
	}
	switch {
	case s.Draining:
		parts = append(parts, "draining")
	case !s.Ready:
		parts = append(parts, "not ready")
	}
	return parts
}
