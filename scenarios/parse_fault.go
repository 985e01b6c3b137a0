package scenarios

import (
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/planner/catalog"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// lostFault is what a fault does to a region.
const lostFault = "lost"

// longestDelay bounds what a fault waits, or asks clients to.
const longestDelay = 24 * time.Hour

// faultList reads what goes wrong on purpose.
func (p *parser) faultList(path string, node ast.Node, s *Scenario) {
	p.list(path, node, maxFaults, func(path string, node ast.Node) {
		if f, ok := p.oneFault(path, node); ok {
			// The places of its parts are its own: a stage may stand below.
			p.later = append(p.later, func() { p.place(path, node, s, f) })
		}
	})
}

// oneFault reads a fault by itself; ok is false where it does not hold.
func (p *parser) oneFault(path string, node ast.Node) (f Fault, ok bool) {
	var provider mockproviders.Fault
	var kind string
	var status, attempts, share *float64
	before := len(p.faults)
	p.mapping(path, node, []key{
		{"during", true, p.text(&f.During)},
		{"at", false, p.offset(&f.At, longestStage)},
		{"for", false, p.duration(&f.For, longestStage)},
		{"provider", false, p.word(&provider.Provider, providerNames())},
		{"region", false, p.text(&f.Region)},
		{"fault", true, p.text(&kind)},
		{"status", false, p.quantity(&status, units.Whole)},
		{"code", false, p.text(&provider.Code)},
		{"retry_after", false, p.delay(&provider.RetryAfter)},
		{"delay", false, p.delay(&provider.Delay)},
		{"rate", false, p.quantity(&provider.Rate, units.Ratio)},
		{"share", false, p.quantity(&share, units.Ratio)},
		{"to", false, p.text(&provider.To)},
		{"template", false, p.text(&provider.Template)},
		{"attempts", false, p.quantity(&attempts, units.Whole)},
		{"scope", false, p.word(&provider.Scope, []string{"call", "entry"})},
	})
	if len(p.faults) > before {
		return f, false
	}
	provider.Kind = mockproviders.FaultKind(kind)
	provider.Status, provider.Attempts = wholeOf(status), wholeOf(attempts)
	if share != nil {
		provider.Share = *share
	}
	if err := f.be(provider); err != nil {
		p.fault(node.GetToken(), path, "%v", err)
		return f, false
	}
	return f, true
}

// be makes it a fault of a region or of a provider.
func (f *Fault) be(provider mockproviders.Fault) error {
	switch {
	case f.Region == "" && provider.Provider == "":
		return fmt.Errorf("neither provider nor region; accepted are provider: %s, or region: NAME with fault: %s", strings.Join(providerNames(), ", "), lostFault)
	case f.Region != "" && provider.Provider != "":
		return fmt.Errorf("both provider and region; accepted is one of them, and two faults for both")
	case f.Region == "":
		f.Provider = &provider
		return provider.Validate()
	case provider != mockproviders.Fault{Kind: lostFault}:
		return fmt.Errorf("accepted for a region are fault: %s, and during, at and for", lostFault)
	}
	return nil
}

func wholeOf(v *float64) int {
	if v == nil {
		return 0
	}
	return int(min(*v, 1e9))
}

func (p *parser) delay(into *mockproviders.Duration) func(string, ast.Node) {
	return p.duration((*time.Duration)(into), longestDelay)
}

func providerNames() []string {
	var names []string
	for _, provider := range catalog.Providers() {
		names = append(names, provider.Name)
	}
	return names
}

// place finds room for a fault in its stage and among the others.
func (p *parser) place(path string, node ast.Node, s *Scenario, f Fault) {
	at := func(key string) *token.Token { return tokenOf(node, key) }
	stage, ok := p.stage(s, at("during"), yamldoc.Join(path, "during"), f.During, nil)
	if !ok || stage.For == 0 {
		return
	}
	switch {
	case f.At >= stage.For:
		p.fault(at("at"), yamldoc.Join(path, "at"), "%v; the stage %s is over after %v, accepted is less", f.At, stage.Name, stage.For)
		return
	case f.At+f.For > stage.For:
		p.fault(at("for"), yamldoc.Join(path, "for"), "the fault ends %v after its stage %s, which takes %v; accepted is up to %v, or without for, to the end of the stage",
			f.At+f.For-stage.For, stage.Name, stage.For, stage.For-f.At)
		return
	}
	for i := range s.Faults {
		if other := &s.Faults[i]; other.During == f.During && other.overlaps(&f, stage.For) && other.contradicts(&f) {
			p.fault(node.GetToken(), path, "%s; the stage %s already has it as %s at that time, and only one of them can show", f.text(), stage.Name, other.text())
			return
		}
	}
	s.Faults = append(s.Faults, f)
}

// tokenOf is the value of a key of a mapping, or the mapping itself.
func tokenOf(node ast.Node, key string) *token.Token {
	entries, _ := yamldoc.Entries(node, func(*token.Token, int) {})
	for _, e := range entries {
		if e.Key == key {
			return e.Value.GetToken()
		}
	}
	return node.GetToken()
}
