package scenarios

import (
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// Drain is what checks call the time after the last stage, until nothing is in
// flight.
const Drain = "drain"

func (p *parser) checks(path string, node ast.Node, s *Scenario) {
	p.list(path, node, maxChecks, func(path string, node ast.Node) {
		var e Expectation
		var expect string
		before := len(p.faults)
		p.mapping(path, node, []key{
			{"name", true, p.text(&e.Name)},
			{"expect", true, p.text(&expect)},
			{"during", false, p.text(&e.During)},
			{"over", false, p.duration(&e.Over, longestStage)},
			{"from", false, p.word(&e.From, Profiles())},
			{"ratio", false, p.ratio(&e.Ratio)},
		})
		if slices.ContainsFunc(s.Checks, func(other Expectation) bool { return other.Name == e.Name }) {
			p.fault(node.GetToken(), path, "a second check %q; accepted are names that differ", e.Name)
		}
		if len(p.faults) > before {
			return
		}
		if err := e.parse(expect); err != nil {
			p.fault(tokenOf(node, "expect"), yamldoc.Join(path, "expect"), "%v", err)
			return
		}
		s.Checks = append(s.Checks, e)
		p.later = append(p.later, func() { p.relateCheck(path, node, s, &e) })
	})
}

// relateCheck holds a check against the stages and variants.
func (p *parser) relateCheck(path string, node ast.Node, s *Scenario, e *Expectation) {
	if e.Ratio != (Ratio{}) {
		p.relateRatio(path, node, s, e)
	}
	if why := e.unanswerable(s); why != "" {
		p.fault(tokenOf(node, "expect"), yamldoc.Join(path, "expect"), "%s", why)
		return
	}
	if e.During == "" {
		if whole := s.length(); e.Over > whole {
			p.fault(tokenOf(node, "over"), yamldoc.Join(path, "over"), "%v; the load takes %v, accepted is up to that", e.Over, whole)
		}
		return
	}
	if e.During == Drain {
		return
	}
	stage, ok := p.stage(s, tokenOf(node, "during"), yamldoc.Join(path, "during"), e.During, []string{Drain})
	if ok && stage.For > 0 && e.Over > stage.For {
		p.fault(tokenOf(node, "over"), yamldoc.Join(path, "over"), "%v; the stage %s takes %v, accepted is up to that", e.Over, stage.Name, stage.For)
	}
}

// unanswerable says why no run of the scenario could answer a check, or "".
func (e *Expectation) unanswerable(s *Scenario) string {
	m, err := findMetric(e.Metric)
	if err != nil {
		panic("BUG: a check about an unknown metric was accepted: " + err.Error())
	}
	account := m.by == byAccount
	whole := e.During == "" && e.Over == 0
	switch {
	case account && !whole:
		return e.Metric + " is of the account, which is settled by id once the run is over; leave during and over out"
	case account && e.Ratio != (Ratio{}):
		return e.Metric + " is of the account of one variant; leave ratio out, and it is checked in each"
	case m.windowless && e.Over > 0:
		return e.Metric + " is how the whole of a stage develops, of which windows say nothing; leave over out"
	case e.During == Drain && m.by == byClients:
		return e.Metric + " is of requests, and none is sent during the drain; accepted is a stage"
	case e.Metric == "breaker.recovery" && len(s.Faults) == 0:
		return "breaker.recovery counts from the end of a fault, and the scenario has none; put one under faults"
	case m.compares && (e.During == "" || e.During == Drain || len(s.Stages) > 0 && e.During == s.Stages[0].Name):
		return e.Metric + " compares a stage with what was before it; accepted is during with a stage after the first"
	}
	return ""
}
