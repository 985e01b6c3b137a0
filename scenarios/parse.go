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

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// The bounds of what a scenario may say.
const (
	version      = 1
	maxText      = 120
	maxStages    = 64
	maxChecks    = 100
	maxPlan      = 64
	maxFaults    = 64
	longestStage = 30 * 24 * time.Hour
	maxDrain     = time.Hour
)

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
	for _, relate := range p.later {
		relate()
	}
	if err := yamldoc.Invalid(p.faults); err != nil {
		return nil, err
	}
	return s, nil
}

// parser fills a scenario from the nodes of a document, and goes on after a
// fault so that one reading finds them all.
type parser struct {
	file   string
	faults []yamldoc.Fault
	// later holds what relates a part of the file to another, and waits until
	// all is read: keys come in any order.
	later []func()
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
		p.fault(name, at, "unknown key; %s", hint(name.Value, known))
	})
	for _, k := range keys {
		if k.required {
			p.fault(node.GetToken(), yamldoc.Join(path, k.name), "missing")
		}
	}
}

// hint says which word was meant, or else which there are.
func hint(word string, known []string) string {
	if near := yamldoc.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "accepted are " + strings.Join(known, ", ")
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

func (p *parser) scalar(path string, node ast.Node, accepted string) (string, bool) {
	if _, ok := node.(ast.ScalarNode); !ok {
		p.fault(node.GetToken(), path, "%s; accepted is %s", yamldoc.Found(node), accepted)
		return "", false
	}
	return node.GetToken().Value, true
}

// word reads one of some words.
func (p *parser) word(into *string, known []string) func(string, ast.Node) {
	return func(path string, node ast.Node) {
		text, ok := p.scalar(path, node, strings.Join(known, ", "))
		if ok && !slices.Contains(known, text) {
			p.fault(node.GetToken(), path, "%s; %s", yamldoc.Quote(text), hint(text, known))
			return
		}
		*into = text
	}
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

// duration reads one above 0.
func (p *parser) duration(into *time.Duration, most time.Duration) func(string, ast.Node) {
	return p.span(into, 1, most)
}

func (p *parser) span(into *time.Duration, least, most time.Duration) func(string, ast.Node) {
	return func(path string, node ast.Node) {
		var seconds *float64
		p.quantity(&seconds, units.Seconds)(path, node)
		if seconds == nil {
			return
		}
		d := units.Duration{Range: units.Exactly(*seconds)}.Duration()
		if d < least || d > most {
			from := "above 0"
			if least == 0 {
				from = "0"
			}
			p.fault(node.GetToken(), path, "%v; accepted is %s and up to %v", d, from, most)
			return
		}
		*into = d
	}
}

// offset reads a duration that may be 0.
func (p *parser) offset(into *time.Duration, most time.Duration) func(string, ast.Node) {
	return p.span(into, 0, most)
}
