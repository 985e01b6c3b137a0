package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The limits of a document's text. They are checked before it is parsed, so
// that no text can make the parser recurse or grow without bound.
const (
	// MaxBytes is the most bytes that a document may have.
	MaxBytes  = 1 << 20
	maxDepth  = 32     // nested lists and mappings; a plan has four
	maxTokens = 50_000 // the embedded price book has about two thousand
)

// Parse reads one document, called name in messages, and gives its body, which
// is never a null. The error is an [*InvalidError].
func Parse(name string, text []byte) (ast.Node, error) {
	if fault := checkText(text); fault != nil {
		fault.Source.File = name
		return nil, Invalid([]Fault{*fault})
	}
	tokens := lexer.Tokenize(string(text))
	if fault := checkTokens(tokens); fault != nil {
		fault.Source.File = name
		return nil, Invalid([]Fault{*fault})
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, Invalid([]Fault{syntaxFault(name, err)})
	}
	empty := Fault{Source: Source{File: name}, Message: "the document is empty; accepted is one with values"}
	switch len(file.Docs) {
	case 0:
		return nil, Invalid([]Fault{empty})
	case 1:
	default:
		return nil, Invalid([]Fault{{Source: Source{File: name}, Message: "several documents; accepted is one"}})
	}
	if body := file.Docs[0].Body; body != nil && body.Type() != ast.NullType && body.Type() != ast.CommentType {
		return body, nil
	}
	return nil, Invalid([]Fault{empty})
}

// checkText refuses what is no text of a reasonable size.
func checkText(text []byte) *Fault {
	if len(text) > MaxBytes {
		return &Fault{Message: fmt.Sprintf("larger than %d bytes, the most that are read", MaxBytes)}
	}
	line, column := 1, 1
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &Fault{Source: Source{Line: line, Column: column}, Message: fmt.Sprintf("byte 0x%02x is not UTF-8", text[i])}
		case r < ' ' && r != '\t' && r != '\r' && r != '\n', r == 0x7f:
			return &Fault{Source: Source{Line: line, Column: column}, Message: fmt.Sprintf("control character U+%04X", r)}
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		i += size
	}
	return nil
}

// checkTokens refuses what a document has no use for and what would nest too deep.
func checkTokens(tokens token.Tokens) *Fault {
	if len(tokens) > maxTokens {
		return &Fault{Message: fmt.Sprintf("more than %d words and signs, the most that are read", maxTokens)}
	}
	var nesting nesting
	for i, t := range tokens {
		if message := refusal(t, i == 0); message != "" {
			return &Fault{Source: SourceOf(t), Message: message}
		}
		if nesting.step(t) > maxDepth {
			return &Fault{Source: SourceOf(t), Message: fmt.Sprintf("nested deeper than %d levels", maxDepth)}
		}
	}
	return nil
}

// refusal says why a token has no place in a document, or "".
func refusal(t *token.Token, first bool) string {
	switch t.Type {
	case token.AnchorType:
		return "an anchor (&); accepted are plain values"
	case token.AliasType:
		return "an alias (*); accepted are plain values"
	case token.MergeKeyType:
		return "a merge key (<<); accepted are plain keys"
	case token.TagType:
		return "a tag (!); accepted are plain values"
	case token.DirectiveType:
		return "a directive (%); accepted is a plain document"
	case token.MappingKeyType:
		return "a complex key (?); accepted are plain keys"
	case token.LiteralType, token.FoldedType:
		return "a block of text (| or >); accepted are texts on one line"
	case token.DocumentHeaderType:
		if !first {
			return "a second document; accepted is one"
		}
	}
	return ""
}

// nesting counts how deep the collections are nested at a token. A block
// collection is known by the column it starts at.
type nesting struct {
	columns []int // of the open block collections
	flow    int   // open brackets and braces
}

// step takes the next token and gives the depth there.
func (n *nesting) step(t *token.Token) int {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		n.flow++
	case token.SequenceEndType, token.MappingEndType:
		n.flow--
	case token.SequenceEntryType:
		n.open(t.Position.Column)
	case token.MappingValueType:
		if n.flow == 0 && t.Prev != nil {
			n.open(t.Prev.Position.Column)
		}
	}
	return len(n.columns) + max(n.flow, 0)
}

// open enters the block collection at a column and leaves those right of it.
func (n *nesting) open(column int) {
	for len(n.columns) > 0 && n.columns[len(n.columns)-1] > column {
		n.columns = n.columns[:len(n.columns)-1]
	}
	if len(n.columns) == 0 || n.columns[len(n.columns)-1] < column {
		n.columns = append(n.columns, column)
	}
}

// syntaxFault takes the position and the first line of what the parser says.
func syntaxFault(name string, err error) Fault {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		return Fault{Source: Source{File: name}, Message: err.Error()}
	}
	source := SourceOf(syntax.GetToken())
	source.File = name
	message, _, _ := bytes.Cut([]byte(syntax.GetMessage()), []byte("\n"))
	return Fault{Source: source, Message: "not YAML: " + string(message)}
}

// SourceOf gives the position of a token, in a file that it does not know.
func SourceOf(t *token.Token) Source {
	if t == nil || t.Position == nil {
		return Source{}
	}
	return Source{Line: t.Position.Line, Column: t.Position.Column}
}

// TopLevelKeys lists the keys of a document's mapping, by which its kind is
// recognised; of another document, none. The error is an [*InvalidError].
func TopLevelKeys(name string, text []byte) ([]string, error) {
	body, err := Parse(name, text)
	if err != nil {
		return nil, err
	}
	mapping, ok := body.(ast.MapNode)
	if !ok {
		return nil, nil
	}
	var keys []string
	for entries := mapping.MapRange(); entries.Next(); {
		keys = append(keys, entries.Key().GetToken().Value)
	}
	return keys, nil
}
