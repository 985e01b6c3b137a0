package pricing

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// fields are the entries of a mapping with fixed keys.
type fields struct {
	path  string
	start *token.Token // where the mapping starts
	nodes map[string]ast.Node
}

// meant is the hint of a message about an unknown word, to stand behind it.
func meant(word string, candidates []string) string {
	if n := yamldoc.Nearest(word, candidates); n != "" {
		return fmt.Sprintf(" (did you mean %s?)", n)
	}
	return ""
}

// fields sorts the entries of a mapping by its known keys and notes the others.
func (d *decoder) fields(path string, node ast.Node, known ...string) (fields, bool) {
	pairs, ok := yamldoc.Mapping(path, node, d.fault)
	f := fields{path: path, start: node.GetToken(), nodes: make(map[string]ast.Node)}
	for i, p := range pairs {
		if i == 0 {
			f.start = p.Token
		}
		if !slices.Contains(known, p.Key) {
			d.fault(p.Token, yamldoc.Join(path, p.Key), "unknown key%s; accepted are %s", meant(p.Key, known), yamldoc.Listed(known))
			continue
		}
		f.nodes[p.Key] = p.Value
	}
	return f, ok
}

// maxText bounds the texts of a book, in bytes.
const maxText = 500

// optional gives the text of a key, or "" if it is left out or at fault.
func (d *decoder) optional(f fields, key string) string {
	node, ok := f.nodes[key]
	if !ok {
		return ""
	}
	if node.Type() == ast.NullType {
		d.fault(node.GetToken(), yamldoc.Join(f.path, key), "no value; a key that is not needed is left out")
		return ""
	}
	if _, scalar := node.(ast.ScalarNode); !scalar {
		d.fault(node.GetToken(), yamldoc.Join(f.path, key), "found %s; accepted is a single value", yamldoc.Found(node))
		return ""
	}
	text := node.GetToken().Value
	if text == "" || len(text) > maxText || strings.ContainsFunc(text, unicode.IsControl) {
		d.fault(node.GetToken(), yamldoc.Join(f.path, key), "accepted is a text of 1 to %d bytes without control characters", maxText)
		return ""
	}
	return text
}

// text gives the text of a key that has to be there.
func (d *decoder) text(f fields, key string) string {
	if _, ok := f.nodes[key]; !ok {
		d.fault(f.start, yamldoc.Join(f.path, key), "missing")
	}
	return d.optional(f, key)
}

// word gives the text of a key that takes one of some words.
func word[T ~string](d *decoder, f fields, key string, accepted []T) T {
	text := T(d.text(f, key))
	if text == "" || slices.Contains(accepted, text) {
		return text
	}
	words := make([]string, len(accepted))
	for i, w := range accepted {
		words[i] = string(w)
	}
	d.fault(f.nodes[key].GetToken(), yamldoc.Join(f.path, key), "%s%s; accepted is %s", yamldoc.Quote(string(text)), meant(string(text), words), yamldoc.Listed(words))
	return ""
}

// date gives the day that a key has to name.
func (d *decoder) date(f fields, key string) time.Time {
	text := d.text(f, key)
	if text == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		d.fault(f.nodes[key].GetToken(), yamldoc.Join(f.path, key), "%s is no date; accepted is year-month-day, like 2026-11-24", yamldoc.Quote(text))
	}
	return day
}

// number gives the number that a key has to hold, 0 or more. Whether it is one
// is what ok says.
func (d *decoder) number(f fields, key string) (v float64, ok bool) {
	text := d.text(f, key)
	if text == "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789.eE+-") != "" || strings.HasPrefix(text, "-") {
		d.fault(f.nodes[key].GetToken(), yamldoc.Join(f.path, key), "%s; accepted is a number, 0 or more, like 0.145", yamldoc.Quote(text))
		return 0, false
	}
	return v, true
}

// decimal rounds a quotient to 15 digits, which is as many as a decimal number
// surely keeps: 0.14 per 1000 is 0.00014 and not the float beside it.
func decimal(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 14, 64), 64)
	if err != nil {
		return v
	}
	return rounded
}

// maxValue is the most dollars that one unit of anything may cost; more is a
// slip, or a price for something else than the unit.
const maxValue = 1e6

// checkValue says what is wrong with a price's value, or "".
func checkValue(v float64, unit Unit) string {
	most, accepted := maxValue, "0 to 1000000 dollars a unit"
	if unit == Fraction {
		most, accepted = 1, "0 to 1 of another price"
	}
	if v >= 0 && v <= most { // and not NaN
		return ""
	}
	return fmt.Sprintf("%v; accepted is %s", v, accepted)
}

// badID says what an id has to look like.
const badID = "accepted is an id of lower-case words between dots, like ec2.c7g.xlarge"

// maxID bounds an id, in bytes.
const maxID = 64

// isID reports whether a text may be a price's id.
func isID(text string) bool {
	if len(text) > maxID {
		return false
	}
	for part := range strings.SplitSeq(text, ".") {
		if !isWord(part) {
			return false
		}
	}
	return true
}

// isWord reports whether a text is a word of an id or the name of a region.
func isWord(text string) bool {
	if text == "" || len(text) > maxID {
		return false
	}
	for _, r := range text {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-' {
			return false
		}
	}
	return true
}
