package load

import (
	"fmt"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// MaxTemplate bounds the text of a template, in bytes.
const MaxTemplate = 1 << 20

// Template is the body of a request to a foreign target. It is written as
// text/template has it, with variables alone:
//
//	{"messages": [{{range .Notifications}}{{if .Index}},{{end}}
//	  {"id": "{{.Ref}}", "to": "{{.To}}", "data": {{.Variables}}}
//	{{end}}]}
//
// Of a notification there are Sequence, Ref, User, Channel, Priority, Category,
// Template, To, Index (in its request, from 0), Variables (a JSON object) and
// Variables.name, .code and .amount (empty where its template has none). Run and
// Request (its number) are there everywhere, in a range also as $.Run. Without a
// range the body is that of one notification. Values hold nothing that JSON would
// escape.
type Template struct {
	pieces []piece
	ranges bool
}

// piece appends a part of a body.
type piece func(dst []byte, s *scope) []byte

// scope is what a piece is about.
type scope struct {
	traffic *Traffic
	request uint64
	entry   *entry // nil outside of ranges
}

// ParseTemplate reads a template; name is its file's. Errors say where.
func ParseTemplate(name, text string) (*Template, error) {
	if len(text) > MaxTemplate {
		return nil, fmt.Errorf("%s: %d bytes; accepted are %d", name, len(text), MaxTemplate)
	}
	tree := parse.New(name)
	tree.Mode = parse.SkipFuncCheck // there are none, and they are refused below, with what is accepted
	set := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, "", "", set); err != nil {
		return nil, err
	}
	c := &templateCompiler{tree: tree}
	pieces, err := c.list(tree.Root, false)
	if err == nil && len(set) > 1 {
		err = fmt.Errorf("%s: define and block are not accepted; variables, range .Notifications and if .Index are", name)
	}
	if err == nil && c.ranges && c.single != "" {
		err = fmt.Errorf("%s: .%s is of one notification; with a range over .Notifications it stands inside the range", name, c.single)
	}
	if err != nil {
		return nil, err
	}
	return &Template{pieces: pieces, ranges: c.ranges}, nil
}

// Ranges says whether the template writes as many notifications as a request
// has, rather than one.
func (t *Template) Ranges() bool { return t.ranges }

// Append appends the body of a request to dst.
func (t *Template) Append(dst []byte, traffic *Traffic, request uint64) []byte {
	s := scope{traffic: traffic, request: request}
	if !t.ranges {
		e := traffic.entry(request, 0, traffic.random(request))
		s.entry = &e
	}
	return appendPieces(dst, t.pieces, &s)
}

func appendPieces(dst []byte, pieces []piece, s *scope) []byte {
	for _, p := range pieces {
		dst = p(dst, s)
	}
	return dst
}

// templateCompiler turns a parsed template into pieces.
type templateCompiler struct {
	tree   *parse.Tree
	ranges bool
	single string // a variable of a notification that stands outside of ranges
}

// fault says what was found at a node.
func (c *templateCompiler) fault(n parse.Node, format string, args ...any) error {
	location, found := c.tree.ErrorContext(n)
	return fmt.Errorf("%s: %s: %s", location, found, fmt.Sprintf(format, args...))
}

func (c *templateCompiler) list(list *parse.ListNode, inRange bool) ([]piece, error) {
	if list == nil {
		return nil, nil
	}
	var pieces []piece
	for _, node := range list.Nodes {
		p, err := c.node(node, inRange)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, p)
	}
	return pieces, nil
}

func (c *templateCompiler) node(node parse.Node, inRange bool) (piece, error) {
	switch n := node.(type) {
	case *parse.TextNode:
		return func(dst []byte, _ *scope) []byte { return append(dst, n.Text...) }, nil
	case *parse.ActionNode:
		path, err := c.path(n, n.Pipe)
		if err != nil {
			return nil, err
		}
		return c.variable(n, path, inRange)
	case *parse.RangeNode:
		return c.rangeOver(n, inRange)
	case *parse.IfNode:
		return c.choice(n, inRange)
	}
	return nil, c.fault(node, "accepted are variables, range .Notifications and if .Index")
}

// path gives the names of a variable: .Variables.name or $.Run.
func (c *templateCompiler) path(n parse.Node, pipe *parse.PipeNode) ([]string, error) {
	if len(pipe.Decl) == 0 && len(pipe.Cmds) == 1 && len(pipe.Cmds[0].Args) == 1 {
		switch arg := pipe.Cmds[0].Args[0].(type) {
		case *parse.FieldNode:
			return arg.Ident, nil
		case *parse.VariableNode: // $, the only one that is ever declared
			if len(arg.Ident) > 1 {
				return arg.Ident, nil
			}
		}
	}
	return nil, c.fault(n, "accepted is one variable, without functions, as in {{.Ref}}")
}

// variable gives the piece that writes a variable.
func (c *templateCompiler) variable(n parse.Node, path []string, inRange bool) (piece, error) {
	ofRequest := path[0] == "$"
	if ofRequest {
		path = path[1:]
	}
	name := strings.Join(path, ".")
	if p := requestVariable(name); p != nil {
		return p, nil
	}
	p := entryVariable(name)
	switch {
	case p == nil || ofRequest:
		names := append(entryVariableNames(), requestVariableNames()...)
		if ofRequest {
			names = requestVariableNames()
		}
		if near := yamldoc.Nearest(name, names); near != "" {
			return nil, c.fault(n, "unknown variable; did you mean .%s?", near)
		}
		return nil, c.fault(n, "unknown variable; accepted are %s", strings.Join(names, ", "))
	case !inRange:
		c.single = name
	}
	return p, nil
}

func (c *templateCompiler) rangeOver(n *parse.RangeNode, inRange bool) (piece, error) {
	path, err := c.path(n, n.Pipe)
	if err != nil || inRange || n.ElseList != nil || !slices.Equal(path, []string{"Notifications"}) {
		return nil, c.fault(n, "accepted is {{range .Notifications}}, without else and not inside another")
	}
	c.ranges = true
	pieces, err := c.list(n.List, true)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, s *scope) []byte {
		random := s.traffic.random(s.request)
		var e entry
		inner := scope{traffic: s.traffic, request: s.request, entry: &e}
		for i := range s.traffic.Batch() {
			e = s.traffic.entry(s.request, i, random)
			dst = appendPieces(dst, pieces, &inner)
		}
		return dst
	}, nil
}

// choice gives the piece of {{if .Index}}, which holds for all but the first.
func (c *templateCompiler) choice(n *parse.IfNode, inRange bool) (piece, error) {
	path, err := c.path(n, n.Pipe)
	if err != nil || !inRange || !slices.Equal(path, []string{"Index"}) {
		return nil, c.fault(n, "accepted is {{if .Index}} inside a range, for all but the first")
	}
	others, err := c.list(n.List, inRange)
	if err != nil {
		return nil, err
	}
	first, err := c.list(n.ElseList, inRange)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, s *scope) []byte {
		if s.entry.index > 0 {
			return appendPieces(dst, others, s)
		}
		return appendPieces(dst, first, s)
	}, nil
}
