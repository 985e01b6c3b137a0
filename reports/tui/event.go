package tui

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/scenarios"
)

// mostEvents bounds the events that are remembered.
const mostEvents = 500

// A severity says how bad something is that happened.
type severity int

const (
	plain severity = iota
	good           // again
	doubtful
	bad
)

// An event is something that happened, or was logged.
type event struct {
	at   time.Time
	how  severity
	text string
}

// events notices what changes from one moment to the next.
type events struct {
	list   []event
	stage  string
	silent string
	status *api.Status
	states map[string]string // of breakers, dependencies, regions and gateways
	scaled time.Time         // the last event of scaling that is in
	marked map[marking]bool  // beginnings and ends of marks that are in
	began  time.Time         // the load
}

// A marking is the beginning or the end of a mark of a load test.
type marking struct {
	at   float64
	text string
	end  bool
}

func newEvents() events {
	return events{states: map[string]string{}, marked: map[marking]bool{}}
}

func (e *events) clone() events {
	c := *e
	c.list, c.states, c.marked = slices.Clone(e.list), maps.Clone(e.states), maps.Clone(e.marked)
	return c
}

func (e *events) add(at time.Time, how severity, format string, args ...any) {
	if len(e.list) == mostEvents {
		e.list = slices.Delete(e.list, 0, 1)
	}
	e.list = append(e.list, event{at, how, fmt.Sprintf(format, args...)})
}

// take notices what is new at a moment.
func (e *events) take(m *Moment) {
	e.takeConnection(m)
	if m.Run != nil {
		e.takeRun(m)
	}
	s := m.Server.Status
	if s == nil || s == e.status {
		return
	}
	if e.status != nil && restarted(e.status, s) {
		e.add(m.At, doubtful, "the server was started anew; rates count from there")
	}
	e.takeStates(m.At, s)
	e.takeScaling(m.Server.Seen, s)
	e.status = s
}

// takeConnection notices that a server goes silent, and speaks again.
func (e *events) takeConnection(m *Moment) {
	silent := m.Server.Silent
	switch {
	case silent == e.silent:
		return
	case silent == "":
		if m.Server.Status != nil {
			e.add(m.At, good, "the server answers")
		}
	case m.Server.Status == nil:
		e.add(m.At, doubtful, "no answer yet: %s", silent)
	default:
		e.add(m.At, bad, "no answer: %s", silent)
	}
	e.silent = silent
}

// takeRun notices stages, and what a load test marks that no server says.
func (e *events) takeRun(m *Moment) {
	stage := m.Run.Stage
	if m.Run.Phase == scenarios.Draining {
		stage = "drain"
	}
	if stage != "" && stage != e.stage {
		e.add(m.At, plain, "stage %s", stage)
	}
	e.stage = stage
	if m.Run.Phase == scenarios.Running {
		e.began = m.At.Add(-m.Run.Elapsed)
	}
	for i := range m.Run.Marks {
		e.takeMark(&m.Run.Marks[i])
	}
}

// takeMark takes over what the test did or saw that the server does not say.
func (e *events) takeMark(mark *scenarios.Mark) {
	if mark.Kind != scenarios.FaultMark && mark.Kind != scenarios.GeneratorMark || len(e.marked) >= 2*mostEvents {
		return
	}
	note := func(m marking, how severity, text string) {
		if !e.marked[m] {
			e.marked[m] = true
			e.add(e.began.Add(time.Duration(m.at*float64(time.Second))), how, "%s", text)
		}
	}
	note(marking{mark.At, mark.Text, false}, doubtful, mark.Text)
	if mark.Until != nil {
		note(marking{*mark.Until, mark.Text, true}, good, "over: "+mark.Text)
	}
}

// takeStates notices what is in another state than before. What is new is in no
// other state, unless it is in a bad one.
func (e *events) takeStates(at time.Time, s *api.Status) {
	now := map[string]string{}
	state := func(subject, state string, how severity) {
		if len(now) >= mostTracks {
			return
		}
		now[subject] = state
		if then, known := e.states[subject]; known && then != state || !known && how >= doubtful && state != "" {
			e.add(at, how, "%s: %s", subject, state)
		}
	}
	for _, p := range s.Providers {
		state("breaker of "+p.Name, p.Breaker, howBreaker(p.Breaker))
	}
	for _, d := range s.Dependencies {
		text, how := d.State, good
		if d.State != "up" {
			text, how = d.State+" "+d.Error, bad
		}
		state(d.Name+" at "+d.Address, text, how)
	}
	for _, r := range s.Regions {
		text, how := "serves", good
		if r.Lost {
			text, how = "lost", bad
		}
		state(r.Name, text, how)
		for _, g := range r.Gateways {
			how := good
			if g.State != "serving" {
				how = doubtful
			}
			if _, known := e.states[g.Name]; known || how == good {
				state(g.Name, g.State, how)
			}
		}
	}
	text, how := "ready", good
	switch {
	case s.Draining:
		text, how = "is draining", doubtful
	case !s.Ready:
		text, how = "is not ready", doubtful
	}
	state("the server", text, how)
	if r := s.Shards.Reshard; r != nil {
		how := plain
		if r.Phase == api.ReshardFailed {
			how = bad
		}
		state(fmt.Sprintf("move from %d to %d shards", r.From, r.To), r.Phase, how)
	}
	e.states = now
}

func howBreaker(state string) severity {
	switch state {
	case "open":
		return bad
	case "half_open":
		return doubtful
	}
	return good
}

// takeScaling takes over what scaling did since the last time. The server's clock
// need not be this one.
func (e *events) takeScaling(seen time.Time, s *api.Status) {
	newest := e.scaled
	for _, x := range s.Scaling.Events {
		if !x.At.After(e.scaled) {
			continue
		}
		if x.At.After(newest) {
			newest = x.At
		}
		e.add(seen.Add(x.At.Sub(s.Now)), plain, "%s", x.Text)
	}
	e.scaled = newest
}

// merged puts what happened and what was logged in the order of time.
func (e *events) merged(logged []Logged) []event {
	all := slices.Clone(e.list)
	for _, l := range logged {
		all = append(all, event{l.At, howLogged(l.Level), l.Text})
	}
	slices.SortStableFunc(all, func(a, b event) int { return a.at.Compare(b.at) })
	return all
}
