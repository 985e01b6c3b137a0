package pricing

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The limits of a book's text. They are checked before it is parsed, so that
// no text can make the parser recurse or grow without bound.
const (
	// MaxBook is the most bytes that a book file may have.
	MaxBook   = 1 << 18
	maxTokens = 50_000 // the embedded book has about two thousand
	maxDepth  = 8      // nested mappings; a book has three
)

// parseYAML reads the one YAML document that a book file is: mappings of
// scalars, with none of the language's further reaches.
func parseYAML(name string, text []byte) (ast.Node, *Fault) {
	whole := func(format string, args ...any) *Fault {
		return &Fault{File: name, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(text) > MaxBook:
		return nil, whole("larger than %d bytes, the most that are read", MaxBook)
	case !utf8.Valid(text):
		return nil, whole("not UTF-8")
	}
	tokens := lexer.Tokenize(string(text))
	if len(tokens) > maxTokens {
		return nil, whole("more than %d words and signs, the most that are read", maxTokens)
	}
	if t, message := refused(tokens); message != "" {
		return nil, at(name, t, message)
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxFault(name, err)
	}
	if len(file.Docs) == 1 {
		if body := file.Docs[0].Body; body != nil && body.Type() != ast.NullType && body.Type() != ast.CommentType {
			return body, nil
		}
	}
	if len(file.Docs) > 1 {
		return nil, whole("several documents; accepted is one")
	}
	return nil, whole("the document is empty")
}

// refused finds the first token that a book has no use for, and says why.
func refused(tokens token.Tokens) (*token.Token, string) {
	var columns []int // of the open block mappings
	flow := 0         // open braces
	for i, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.DirectiveType,
			token.MappingKeyType, token.LiteralType, token.FoldedType:
			return t, fmt.Sprintf("found %s; accepted are plain keys and values", quote(strings.TrimSpace(t.Value)))
		case token.SequenceEntryType, token.SequenceStartType:
			return t, "found a list; a book has none"
		case token.DocumentHeaderType:
			if i > 0 {
				return t, "a second document; accepted is one"
			}
		case token.MappingStartType:
			flow++
		case token.MappingEndType:
			flow = max(0, flow-1)
		case token.MappingValueType:
			if flow == 0 && t.Prev != nil {
				columns = nested(columns, t.Prev.Position.Column)
			}
		}
		if flow+len(columns) > maxDepth {
			return t, fmt.Sprintf("nested deeper than %d levels", maxDepth)
		}
	}
	return nil, ""
}

// nested gives the columns of the block mappings that are open at a key in a
// column: those left of it, and its own.
func nested(columns []int, column int) []int {
	for len(columns) > 0 && columns[len(columns)-1] >= column {
		columns = columns[:len(columns)-1]
	}
	return append(columns, column)
}

// at makes a fault of the place of a token; of none, of the file.
func at(name string, t *token.Token, message string) *Fault {
	f := &Fault{File: name, Message: message}
	if t != nil && t.Position != nil {
		f.Line, f.Column = t.Position.Line, t.Position.Column
	}
	return f
}

// syntaxFault takes the position and the first line of what the parser says.
func syntaxFault(name string, err error) *Fault {
	message, place := err.Error(), (*token.Token)(nil)
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		message, place = syntax.GetMessage(), syntax.GetToken()
	}
	message, _, _ = strings.Cut(message, "\n")
	return at(name, place, "not YAML: "+message)
}
