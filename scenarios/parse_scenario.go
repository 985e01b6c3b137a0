package scenarios

import (
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// Keys lists the top-level keys that only a scenario has.
func Keys() []string {
	return []string{"about", "stages", "mix", "profiles", "drain", "plan", "faults", "variants", "checks"}
}

func (p *parser) scenario(node ast.Node, s *Scenario) {
	p.mapping("", node, []key{
		{"version", true, p.version},
		{"name", true, p.name(&s.Name)},
		{"about", false, p.text(&s.About)},
		{"stages", true, func(path string, node ast.Node) { p.stages(path, node, s) }},
		{"mix", false, func(path string, node ast.Node) { p.mix(path, node, &s.Mix) }},
		{"profiles", false, func(path string, node ast.Node) { p.profiles(path, node, s) }},
		{"drain", false, p.duration(&s.Drain, maxDrain)},
		{"plan", false, p.plan(&s.Plan)},
		{"faults", false, func(path string, node ast.Node) { p.faultList(path, node, s) }},
		{"variants", false, func(path string, node ast.Node) { p.variants(path, node, s) }},
		{"checks", true, func(path string, node ast.Node) { p.checks(path, node, s) }},
	})
	if s.Mix.Categories == nil {
		s.Mix.Categories = map[pipeline.Category]float64{pipeline.Transactional: 1}
	}
	// A scenario that says nothing of a profile is small enough as it is.
	if s.Profiles == nil {
		s.Profiles = map[string]Scale{}
	}
	for _, profile := range Profiles() {
		if _, ok := s.Profiles[profile]; !ok {
			s.Profiles[profile] = Scale{Rate: 1, Time: 1}
		}
	}
}

func (p *parser) version(path string, node ast.Node) {
	if text, ok := p.scalar(path, node, "1"); ok && text != strconv.Itoa(version) {
		p.fault(node.GetToken(), path, "%q; accepted is %d", text, version)
	}
}

func (p *parser) stages(path string, node ast.Node, s *Scenario) {
	p.list(path, node, maxStages, func(path string, node ast.Node) {
		var stage Stage
		var rate, from, to *float64
		before := len(p.faults)
		p.mapping(path, node, []key{
			{"name", true, p.text(&stage.Name)},
			{"rate", false, p.quantity(&rate, units.PerSecond)},
			{"from", false, p.quantity(&from, units.PerSecond)},
			{"to", false, p.quantity(&to, units.PerSecond)},
			{"for", true, p.duration(&stage.For, longestStage)},
			// Who writes it means stages that overlap, or have gaps.
			{"at", false, func(path string, node ast.Node) {
				p.fault(node.GetToken(), path, "stages follow one another, each as soon as the one before is over, and cannot overlap; leave at out, and put a stage of that rate between for a gap")
			}},
		})
		if stage.Name == Drain {
			p.fault(node.GetToken(), path, "a stage %q; that is what follows the last stage, accepted is another name", Drain)
		}
		if slices.ContainsFunc(s.Stages, func(other Stage) bool { return other.Name == stage.Name }) {
			p.fault(node.GetToken(), path, "a second stage %q; accepted are names that differ", stage.Name)
		}
		switch {
		case len(p.faults) > before:
		case rate != nil && from == nil && to == nil:
			stage.From, stage.To = *rate, *rate
		case rate == nil && from != nil && to != nil:
			stage.From, stage.To = *from, *to
		default:
			p.fault(node.GetToken(), path, "accepted is either rate, or both from and to")
		}
		if max(stage.From, stage.To) > load.MaxRate {
			p.fault(node.GetToken(), path, "accepted is a rate of up to %g/s", float64(load.MaxRate))
		}
		s.Stages = append(s.Stages, stage)
	})
}

func (p *parser) mix(path string, node ast.Node, m *Mix) {
	p.mapping(path, node, []key{
		{"channels", false, func(path string, node ast.Node) {
			m.Channels = shares(p, path, node, pipeline.ParseChannel, "push, email, sms")
		}},
		{"priorities", false, func(path string, node ast.Node) {
			m.Priorities = shares(p, path, node, pipeline.ParsePriority, "high, normal, low")
		}},
		{"categories", false, func(path string, node ast.Node) {
			m.Categories = shares(p, path, node, pipeline.ParseCategory, "transactional, promotional")
		}},
		{"user_skew", false, p.quantity(&m.UserSkew, units.Scalar)},
	})
}

// shares reads shares that add up to one.
func shares[K comparable](p *parser, path string, node ast.Node, parse func(string) (K, bool), accepted string) map[K]float64 {
	m := map[K]float64{}
	before, sum := len(p.faults), 0.0
	p.entries(path, node, func(at string, name *token.Token, value ast.Node) {
		k, ok := parse(name.Value)
		if !ok {
			p.fault(name, at, "unknown key; accepted are %s", accepted)
			return
		}
		var share *float64
		p.quantity(&share, units.Ratio)(at, value)
		if share != nil {
			m[k] = *share
			sum += *share
		}
	})
	if len(p.faults) == before && (sum < 1-1e-9 || sum > 1+1e-9) {
		p.fault(node.GetToken(), path, "shares add up to %.4g %%, not 100 %%", sum*100)
	}
	return m
}

func (p *parser) profiles(path string, node ast.Node, s *Scenario) {
	s.Profiles = map[string]Scale{Full: {Rate: 1, Time: 1}}
	read := func(profile string) key {
		return key{profile, false, func(path string, node ast.Node) {
			var rate, length *float64
			p.mapping(path, node, []key{
				{"rate", true, p.quantity(&rate, units.Scalar)},
				{"time", true, p.quantity(&length, units.Scalar)},
			})
			if rate == nil || length == nil {
				return
			}
			if *rate <= 0 || *rate > 1 || *length <= 0 || *length > 1 {
				p.fault(node.GetToken(), path, "accepted are factors above 0 and up to 1")
			}
			s.Profiles[profile] = Scale{Rate: *rate, Time: *length}
		}}
	}
	p.mapping(path, node, []key{read(Smoke), read(CI)})
}

// stage finds a stage by its name. Where there is none it is a fault, unless
// there are no stages, which is one already.
func (p *parser) stage(s *Scenario, t *token.Token, path, name string, known []string) (Stage, bool) {
	for _, stage := range s.Stages {
		if stage.Name == name {
			return stage, true
		}
		known = append(known, stage.Name)
	}
	if len(s.Stages) > 0 {
		p.fault(t, path, "no stage is called %s; %s", yamldoc.Quote(name), hint(name, known))
	}
	return Stage{}, false
}
