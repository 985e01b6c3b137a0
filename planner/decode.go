package planner

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/planner/catalog"
	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// A decoder fills a plan from the nodes of a document, and goes on after a
// fault so that one reading finds them all. It is driven by the types and tags
// of [Plan].
type decoder struct {
	file       string
	assignment string // set while a --set is decoded
	sources    map[string]yamldoc.Source
	faults     []yamldoc.Fault
}

// fault notes what is wrong with the value or key that t starts.
func (d *decoder) fault(t *token.Token, path, format string, args ...any) {
	d.faults = append(d.faults, yamldoc.Fault{Source: d.source(t), Key: path, Message: fmt.Sprintf(format, args...)})
}

// source gives the place of a token of the document being decoded.
func (d *decoder) source(t *token.Token) yamldoc.Source {
	if d.assignment != "" {
		return yamldoc.Source{Assignment: d.assignment}
	}
	s := yamldoc.SourceOf(t)
	s.File = d.file
	return s
}

// mapping decodes a mapping into a struct.
func (d *decoder) mapping(path string, node ast.Node, into reflect.Value) {
	pairs, ok := yamldoc.Mapping(path, node, d.fault)
	if !ok {
		return
	}
	d.sources[path] = d.source(firstToken(node, pairs))
	for _, pair := range pairs {
		field, ok := fieldByKey(into.Type(), pair.Key)
		if !ok {
			d.unknown(pair.Token, yamldoc.Join(path, pair.Key), pair.Key, keysOf(into.Type()))
			continue
		}
		d.value(yamldoc.Join(path, pair.Key), pair.Token, pair.Value, field, into.FieldByIndex(field.Index))
	}
}

// firstToken gives the token that a mapping starts with: its brace, or in a
// block its first key.
func firstToken(node ast.Node, pairs []yamldoc.Entry) *token.Token {
	if t := node.GetToken(); t.Type == token.MappingStartType || len(pairs) == 0 {
		return t
	}
	return pairs[0].Token
}

// unknown notes a key that there is none of.
func (d *decoder) unknown(t *token.Token, path, key string, known []string) {
	hint := meant(key, known)
	if hint == "" {
		hint = "; accepted are " + yamldoc.Listed(known)
	}
	d.fault(t, path, "unknown key%s", hint)
}

// meant is the hint of a message about an unknown word.
func meant(word string, candidates []string) string {
	if n := yamldoc.Nearest(word, candidates); n != "" {
		return fmt.Sprintf("; did you mean %s?", n)
	}
	return ""
}

// value decodes one value into a field of the plan.
func (d *decoder) value(path string, key *token.Token, node ast.Node, field reflect.StructField, into reflect.Value) {
	if node.Type() == ast.NullType {
		d.fault(key, path, "no value; leave the key out to take the default")
		return
	}
	switch target := into.Addr().Interface().(type) {
	case *Claims:
		d.claims(path, node, target)
	case *Overrides:
		d.overrides(path, node, target)
	case *[]Limit:
		d.limits(path, node, target)
	case *[]Step:
		d.steps(path, node, target)
	case *Date:
		decodeText(d, path, node, target, ParseDate)
	case *Moment:
		decodeText(d, path, node, target, ParseMoment)
	case *URL:
		decodeText(d, path, node, target, ParseURL)
	case *MessageText:
		decodeText(d, path, node, target, ParseMessageText)
	case *FileName:
		decodeText(d, path, node, target, ParseFileName)
	case *string:
		d.word(path, node, field, target)
	default:
		if unit, ok := unitOf(field); ok {
			d.quantity(path, node, field, unit, into)
			return
		}
		if field.Tag.Get("replace") == "whole" {
			into.SetZero()
		}
		d.mapping(path, node, into)
	}
}

// text gives the text of a scalar and notes where it was written.
func (d *decoder) text(path string, node ast.Node, accepted string) (string, bool) {
	if _, ok := node.(ast.ScalarNode); !ok {
		d.fault(node.GetToken(), path, "found %s; accepted is %s", yamldoc.Found(node), accepted)
		return "", false
	}
	d.sources[path] = d.source(node.GetToken())
	return node.GetToken().Value, true
}

// decodeText decodes a scalar that has a parser of its own.
func decodeText[T any](d *decoder, path string, node ast.Node, into *T, parse func(string) (T, error)) {
	text, ok := d.text(path, node, "a single value")
	if !ok {
		return
	}
	v, err := parse(text)
	if err != nil {
		d.fault(node.GetToken(), path, "%v", err)
		return
	}
	*into = v
}

// maxWord bounds the words of a plan, its name above all.
const maxWord = 64

// word decodes a text: one of the words that the field's tags list, or free.
func (d *decoder) word(path string, node ast.Node, field reflect.StructField, into *string) {
	words := wordsOf(field)
	accepted := yamldoc.Listed(words)
	if words == nil {
		accepted = "a text"
	}
	text, ok := d.text(path, node, accepted)
	if !ok {
		return
	}
	if words == nil {
		if !isName(text) {
			d.fault(node.GetToken(), path, "accepted is a text of 1 to %d bytes without control characters", maxWord)
			return
		}
		*into = text
		return
	}
	for _, w := range words {
		if text == w {
			*into = text
			return
		}
	}
	d.fault(node.GetToken(), path, "%s; accepted is %s%s", yamldoc.Quote(text), accepted, meant(text, words))
}

// isName reports whether a text may name a plan.
func isName(text string) bool {
	return text != "" && len(text) <= maxWord && !strings.ContainsFunc(text, unicode.IsControl)
}

// quantity decodes a number with its unit, within the bounds of the field's
// tags.
func (d *decoder) quantity(path string, node ast.Node, field reflect.StructField, unit units.Unit, into reflect.Value) {
	text, ok := d.text(path, node, unit.Describe())
	if !ok {
		return
	}
	r, err := units.Parse(text, unit)
	if err == nil {
		err = boundsOf(field, unit).check(unit, r)
	}
	if err != nil {
		d.fault(node.GetToken(), path, "%v", err)
		return
	}
	if into.Kind() == reflect.Struct {
		into.FieldByName("Range").Set(reflect.ValueOf(r))
		return
	}
	if !r.Exact() {
		d.fault(node.GetToken(), path, "%s is a range; accepted is one value, since it is started and not planned", yamldoc.Quote(text))
		return
	}
	switch target := into.Addr().Interface().(type) {
	case *int:
		*target = int(r.Low)
	case *int64:
		*target = int64(r.Low)
	case *float64:
		*target = r.Low
	case *time.Duration:
		*target = units.Duration{Range: r}.Duration()
	default:
		panic("BUG: planner: no decoder for " + into.Type().String())
	}
}

// steps decodes the steps of a growth plan.
func (d *decoder) steps(path string, node ast.Node, into *[]Step) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		d.fault(node.GetToken(), path, "found %s; accepted is a list of {at, capacity, cost}", yamldoc.Found(node))
		return
	}
	for written := range d.sources { // of the list that this one replaces
		if strings.HasPrefix(written, path+"[") {
			delete(d.sources, written)
		}
	}
	d.sources[path] = d.source(node.GetToken())
	d.sources[firstStep] = d.sources[path] // unless there is one, which says so itself
	steps := make([]Step, len(list.Values))
	for i, entry := range list.Values {
		at := path + "[" + strconv.Itoa(i) + "]"
		before := len(d.faults)
		d.mapping(at, entry, reflect.ValueOf(&steps[i]).Elem())
		if len(d.faults) > before {
			continue
		}
		if s := steps[i]; s.At == "" || s.Capacity.High == 0 {
			d.fault(entry.GetToken(), at, "a step needs at and capacity")
		}
	}
	*into = steps
}

// providersOf lists the providers that serve a channel.
func providersOf(channel string) []string {
	var names []string
	for _, p := range catalog.Providers() {
		if p.Channel == channel {
			names = append(names, p.Name)
		}
	}
	return names
}
