package planner

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

//go:embed reference.yaml
var reference []byte

// referenceName is what the reference plan is called in sources.
const referenceName = "reference.yaml"

// ReferenceYAML gives the text of the reference plan, with its comments.
func ReferenceYAML() []byte { return slices.Clone(reference) }

// Reference gives the reference plan.
func Reference() *Plan {
	p, err := Load(Document{})
	if err != nil {
		panic("BUG: planner: the reference plan is invalid: " + err.Error())
	}
	return p
}

// Document is what a plan is loaded from.
type Document struct {
	// Name is the file's, for messages; without a name of its own the plan is
	// called after it.
	Name string
	// Text is the file's content; nil is the reference plan.
	Text []byte
	// Assignments override values, each as path=value. Below claims. the rest
	// of the path is a figure's id or a named statement.
	Assignments []string
	// Today dates a plan that has no as_of.
	Today Date
	// ReadFile gives the text of a file that the plan refers to, by its name
	// relative to the plan's; nil refuses them all.
	ReadFile func(name string) ([]byte, error)
}

// Load reads a plan. Keys that the text leaves out take the reference plan's
// values, but for its claims and limits, which are its own. The assignments
// are all applied, then the plan is checked once. The error is an
// [*yamldoc.InvalidError] with every fault that was found.
func Load(in Document) (*Plan, error) {
	p := &Plan{sources: make(map[string]yamldoc.Source)}
	if err := p.fill(referenceName, referenceBody()); err != nil {
		return nil, err
	}
	var faults []yamldoc.Fault
	if in.Text != nil {
		p.Version, p.Name, p.AsOf, p.Claims, p.Limits = 0, "", in.Today, Claims{}, []Limit{}
		for path := range p.sources {
			if own(path) {
				delete(p.sources, path)
			}
		}
		faults = yamldoc.FaultsOf(p.decode(in.Name, in.Text))
	}
	for _, a := range in.Assignments {
		faults = append(faults, p.assign(a)...)
	}
	if len(faults) == 0 {
		faults = append(p.countSegments(), p.check(in.Name)...)
	}
	if len(faults) == 0 {
		faults = p.openPrices(in)
	}
	if err := yamldoc.Invalid(faults); err != nil {
		return nil, err
	}
	if p.Name == "" {
		p.Name = nameOf(in.Name)
	}
	return p, nil
}

// own reports whether a key says what the plan is, so that there is no default
// for it.
func own(path string) bool {
	return path == "version" || path == "name" || path == "as_of" ||
		strings.HasPrefix(path, "claims.") || strings.HasPrefix(path, "limits")
}

// nameOf names a plan after its file.
func nameOf(file string) string {
	base := strings.Trim(filepath.Base(file), "<>.") // standard input is called <stdin>
	if name := strings.TrimSuffix(base, filepath.Ext(base)); isName(name) {
		return name
	}
	return "plan"
}

// referenceBody gives the reference plan's nodes, which are read once and only
// read.
var referenceBody = sync.OnceValue(func() ast.Node { //nolint:gochecknoglobals // a constant, read from what is embedded
	body, err := yamldoc.Parse(referenceName, reference)
	if err != nil {
		panic("BUG: planner: the reference plan is invalid: " + err.Error())
	}
	return body
})

// decode lays a document over the plan.
func (p *Plan) decode(name string, text []byte) error {
	body, err := yamldoc.Parse(name, text)
	if err != nil {
		return err
	}
	return p.fill(name, body)
}

// fill lays a document's values over the plan.
func (p *Plan) fill(name string, body ast.Node) error {
	d := decoder{file: name, sources: p.sources}
	if version, ok := d.version(body); !ok {
		return yamldoc.Invalid([]yamldoc.Fault{version})
	}
	d.mapping("", body, reflect.ValueOf(p).Elem())
	return yamldoc.Invalid(d.faults)
}

// version looks at the version first: in another one, nothing else can be
// judged.
func (d *decoder) version(body ast.Node) (yamldoc.Fault, bool) {
	mapping, ok := body.(ast.MapNode)
	if !ok {
		return yamldoc.Fault{}, true // mapping notes that
	}
	accepted := fmt.Sprintf("accepted is %d", PlanVersion)
	for entries := mapping.MapRange(); entries.Next(); {
		if entries.Key().GetToken().Value != "version" {
			continue
		}
		t := entries.Value().GetToken()
		if t.Value == fmt.Sprint(PlanVersion) {
			return yamldoc.Fault{}, true
		}
		return yamldoc.Fault{Source: d.source(t), Key: "version", Message: fmt.Sprintf("%s; %s", yamldoc.Found(entries.Value()), accepted)}, false
	}
	return yamldoc.Fault{Source: yamldoc.Source{File: d.file}, Key: "version", Message: "missing; " + accepted}, false
}

// assign overrides one value of the plan.
func (p *Plan) assign(assignment string) []yamldoc.Fault {
	d := decoder{assignment: assignment, sources: p.sources}
	path, text, ok := strings.Cut(assignment, "=")
	path = strings.TrimSpace(path)
	switch {
	case !ok || path == "":
		d.fault(nil, "", "accepted is path=value, like workload.users=50M")
		return d.faults
	case strings.TrimSpace(text) == "":
		d.fault(nil, path, "no value")
		return d.faults
	}
	node, err := yamldoc.Parse("", []byte(text))
	if err != nil {
		faults := yamldoc.FaultsOf(err)
		for i := range faults {
			faults[i].Source, faults[i].Key = yamldoc.Source{Assignment: assignment}, path
		}
		return faults
	}
	d.at(path, node, p)
	return d.faults
}

// at decodes a node into the value that a path leads to.
func (d *decoder) at(path string, node ast.Node, p *Plan) {
	if id, ok := strings.CutPrefix(path, "claims."); ok {
		d.claim(path, id, node.GetToken(), node, subjects(), &p.Claims)
		return
	}
	if id, ok := strings.CutPrefix(path, overridesPath+"."); ok {
		d.override(path, id, node.GetToken(), node, &p.Prices.Overrides)
		return
	}
	section := reflect.ValueOf(p).Elem()
	walked := ""
	for rest := path; ; {
		key, below, deeper := strings.Cut(rest, ".")
		walked = yamldoc.Join(walked, key)
		field, ok := fieldByKey(section.Type(), key)
		if !ok {
			d.unknown(nil, walked, key, keysOf(section.Type()))
			return
		}
		value := section.FieldByIndex(field.Index)
		if !deeper {
			d.value(path, nil, node, field, value)
			return
		}
		if !isSection(field) {
			d.fault(nil, walked, "a single value or a list; it is set as a whole, and has no %s", yamldoc.Quote(below))
			return
		}
		section, rest = value, below
	}
}
