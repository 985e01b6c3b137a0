package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// The bounds of what a scenario may say.
const (
	version   = 1
	maxText   = 120
	maxStages = 64
	maxChecks = 100
	maxDrain  = time.Hour
)

// Keys lists the top-level keys that only a scenario has.
func Keys() []string { return []string{"about", "stages", "mix", "profiles", "drain", "checks"} }

// Parse reads a scenario file; the name is for messages. The error is a
// *yamldoc.InvalidError with everything that was found wrong.
func Parse(name string, text []byte) (*Scenario, error) {
	node, err := yamldoc.Parse(name, text)
	if err != nil {
		return nil, err
	}
	p := &parser{file: name}
	s := &Scenario{Drain: defaultDrain}
	p.scenario(node, s)
	if len(p.faults) > 0 {
		return nil, &yamldoc.InvalidError{Faults: p.faults}
	}
	return s, nil
}

// parser fills a scenario from the nodes of a document, and goes on after a
// fault so that one reading finds them all.
type parser struct {
	file   string
	faults []yamldoc.Fault
}

// fault notes what is wrong with the value or key that t starts.
func (p *parser) fault(t *token.Token, path, format string, args ...any) {
	source := yamldoc.SourceOf(t)
	source.File = p.file
	p.faults = append(p.faults, yamldoc.Fault{Source: source, Key: path, Message: fmt.Sprintf(format, args...)})
}

// key says how the value of a key is read.
type key struct {
	name     string
	required bool
	read     func(path string, node ast.Node)
}

// mapping reads a mapping of known keys.
func (p *parser) mapping(path string, node ast.Node, keys []key) {
	p.entries(path, node, func(at string, name *token.Token, value ast.Node) {
		known := make([]string, len(keys))
		for i, k := range keys {
			if k.name == name.Value {
				keys[i].required = false
				k.read(at, value)
				return
			}
			known[i] = k.name
		}
		hint := "accepted are " + strings.Join(known, ", ")
		if near := yamldoc.Nearest(name.Value, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		p.fault(name, at, "unknown key; %s", hint)
	})
	for _, k := range keys {
		if k.required {
			p.fault(node.GetToken(), yamldoc.Join(path, k.name), "missing")
		}
	}
}

// entries visits a mapping's entries, each key once.
func (p *parser) entries(path string, node ast.Node, visit func(path string, name *token.Token, value ast.Node)) {
	entries, ok := yamldoc.Entries(node, func(name *token.Token, first int) {
		p.fault(name, yamldoc.Join(path, name.Value), "the key is given twice, first on line %d", first)
	})
	if !ok {
		p.fault(node.GetToken(), path, "%s; accepted is a mapping of keys to values", yamldoc.Found(node))
		return
	}
	for _, e := range entries {
		at := yamldoc.Join(path, e.Key)
		if e.Value.Type() == ast.NullType {
			p.fault(e.Token, at, "no value; leave the key out to take the default")
			continue
		}
		visit(at, e.Token, e.Value)
	}
}

// list visits a list of bounded length.
func (p *parser) list(path string, node ast.Node, most int, visit func(path string, node ast.Node)) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		p.fault(node.GetToken(), path, "%s; accepted is a list", yamldoc.Found(node))
		return
	}
	if len(list.Values) == 0 || len(list.Values) > most {
		p.fault(node.GetToken(), path, "%d entries; accepted are 1 to %d", len(list.Values), most)
		return
	}
	for i, entry := range list.Values {
		visit(path+"["+strconv.Itoa(i)+"]", entry)
	}
}

func (p *parser) scenario(node ast.Node, s *Scenario) {
	p.mapping("", node, []key{
		{"version", true, p.version},
		{"name", true, p.text(&s.Name)},
		{"about", false, p.text(&s.About)},
		{"stages", true, func(path string, node ast.Node) { p.stages(path, node, s) }},
		{"mix", false, func(path string, node ast.Node) { p.mix(path, node, &s.Mix) }},
		{"profiles", false, func(path string, node ast.Node) { p.profiles(path, node, s) }},
		{"drain", false, p.duration(&s.Drain, maxDrain)},
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
			{"for", true, p.duration(&stage.For, 30*24*time.Hour)},
		})
		if len(p.faults) > before {
			return
		}
		switch {
		case rate != nil && from == nil && to == nil:
			stage.From, stage.To = *rate, *rate
		case rate == nil && from != nil && to != nil:
			stage.From, stage.To = *from, *to
		default:
			p.fault(node.GetToken(), path, "accepted is either rate, or both from and to")
			return
		}
		if max(stage.From, stage.To) > load.MaxRate {
			p.fault(node.GetToken(), path, "accepted is a rate of up to %g/s", float64(load.MaxRate))
		}
		if slices.ContainsFunc(s.Stages, func(other Stage) bool { return other.Name == stage.Name }) {
			p.fault(node.GetToken(), path, "a second stage %q; accepted are names that differ", stage.Name)
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

func (p *parser) checks(path string, node ast.Node, s *Scenario) {
	p.list(path, node, maxChecks, func(path string, node ast.Node) {
		var e Expectation
		p.mapping(path, node, []key{
			{"name", true, p.text(&e.Name)},
			{"expect", true, func(path string, node ast.Node) {
				text, ok := p.scalar(path, node, "a metric, a comparison and a limit")
				if !ok {
					return
				}
				if err := e.parse(text); err != nil {
					p.fault(node.GetToken(), path, "%v", err)
				}
			}},
		})
		if slices.ContainsFunc(s.Checks, func(other Expectation) bool { return other.Name == e.Name }) {
			p.fault(node.GetToken(), path, "a second check %q; accepted are names that differ", e.Name)
		}
		s.Checks = append(s.Checks, e)
	})
}

func (p *parser) scalar(path string, node ast.Node, accepted string) (string, bool) {
	if _, ok := node.(ast.ScalarNode); !ok {
		p.fault(node.GetToken(), path, "%s; accepted is %s", yamldoc.Found(node), accepted)
		return "", false
	}
	return node.GetToken().Value, true
}

func (p *parser) text(into *string) func(string, ast.Node) {
	return func(path string, node ast.Node) {
		text, ok := p.scalar(path, node, "a text")
		if !ok {
			return
		}
		if text == "" || len(text) > maxText || strings.ContainsFunc(text, unicode.IsControl) {
			p.fault(node.GetToken(), path, "accepted is a text of 1 to %d bytes without control characters", maxText)
			return
		}
		*into = text
	}
}

// quantity reads an exact number of a unit.
func (p *parser) quantity(into **float64, unit units.Unit) func(string, ast.Node) {
	return func(path string, node ast.Node) {
		text, ok := p.scalar(path, node, unit.Describe())
		if !ok {
			return
		}
		r, err := units.Parse(text, unit)
		switch {
		case err != nil:
			p.fault(node.GetToken(), path, "%v", err)
		case !r.Exact():
			p.fault(node.GetToken(), path, "%q is a range; accepted is one value", text)
		case r.Low < 0:
			p.fault(node.GetToken(), path, "%q; accepted is 0 or more", text)
		default:
			*into = &r.Low
		}
	}
}

func (p *parser) duration(into *time.Duration, most time.Duration) func(string, ast.Node) {
	return func(path string, node ast.Node) {
		var seconds *float64
		p.quantity(&seconds, units.Seconds)(path, node)
		if seconds == nil {
			return
		}
		d := units.Duration{Range: units.Exactly(*seconds)}.Duration()
		if d <= 0 || d > most {
			p.fault(node.GetToken(), path, "%v; accepted is above 0 and up to %v", d, most)
			return
		}
		*into = d
	}
}
