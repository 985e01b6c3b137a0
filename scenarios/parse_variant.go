package scenarios

import (
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// The bounds of an experiment.
const (
	minVariants = 2
	maxVariants = 8
)

// variants reads the ways in which an experiment is run.
func (p *parser) variants(path string, node ast.Node, s *Scenario) {
	p.list(path, node, maxVariants, func(path string, node ast.Node) {
		v := Variant{Rate: 1}
		var rate *float64
		p.mapping(path, node, []key{
			{"name", true, p.name(&v.Name)},
			{"plan", false, p.plan(&v.Plan)},
			{"rate", false, p.quantity(&rate, units.Ratio)},
		})
		if rate != nil {
			v.Rate = *rate
		}
		switch {
		case v.Rate <= 0 || v.Rate > 1:
			p.fault(tokenOf(node, "rate"), yamldoc.Join(path, "rate"), "accepted is a share of the stages' rates, above 0 and up to 100%%")
		case slices.ContainsFunc(s.Variants, func(other Variant) bool { return other.Name == v.Name }):
			p.fault(node.GetToken(), path, "a second variant %q; accepted are names that differ", v.Name)
		}
		s.Variants = append(s.Variants, v)
	})
	p.later = append(p.later, func() {
		switch {
		case len(s.Variants) < minVariants:
			p.fault(node.GetToken(), path, "an experiment of less than %d variants compares nothing", minVariants)
		case !slices.ContainsFunc(s.Checks, func(e Expectation) bool { return e.Ratio != (Ratio{}) }):
			p.fault(node.GetToken(), path, "no check has a ratio; accepted is at least one that compares two variants, with ratio: {of: %s, to: %s}", s.Variants[0].Name, s.Variants[1].Name)
		}
	})
}

// ratio reads which variants a check compares.
func (p *parser) ratio(into *Ratio) func(string, ast.Node) {
	return func(path string, node ast.Node) {
		p.mapping(path, node, []key{
			{"of", true, p.name(&into.Of)},
			{"to", true, p.name(&into.To)},
		})
	}
}

// relateRatio finds the variants that a check compares.
func (p *parser) relateRatio(path string, node ast.Node, s *Scenario, e *Expectation) {
	at, path := tokenOf(node, "ratio"), yamldoc.Join(path, "ratio")
	names := make([]string, len(s.Variants))
	for i, v := range s.Variants {
		names[i] = v.Name
	}
	switch {
	case len(names) == 0:
		p.fault(at, path, "the scenario has no variants to compare; accepted are two at least, under variants")
		return
	case e.Ratio.Of == e.Ratio.To:
		p.fault(at, path, "a variant over itself; accepted are two that differ")
	}
	for _, name := range []string{e.Ratio.Of, e.Ratio.To} {
		if !slices.Contains(names, name) {
			p.fault(at, path, "no variant is called %s; %s", yamldoc.Quote(name), hint(name, names))
		}
	}
}

// name reads a text that files may be called by.
func (p *parser) name(into *string) func(string, ast.Node) {
	return func(path string, node ast.Node) {
		var text string
		p.text(&text)(path, node)
		if text != "" && !regexp.MustCompile(namePattern).MatchString(text) {
			p.fault(node.GetToken(), path, "%s; accepted are letters, digits, - and _, and dots and spaces between them, since results are kept in a directory of that name", yamldoc.Quote(text))
			return
		}
		*into = text
	}
}

// namePattern is what names of scenarios and variants look like.
const namePattern = `^[\p{L}\p{N}_-]([\p{L}\p{N}_. -]*[\p{L}\p{N}_-])?$`
