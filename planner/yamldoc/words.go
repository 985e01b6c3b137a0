package yamldoc

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/goccy/go-yaml/ast"
)

// Nearest finds the candidate that a misspelt word most likely means, or "" if
// none is near: at most a third of its letters, and two at least, may differ.
func Nearest(word string, candidates []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(word, c); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// Listed joins words the way a sentence does: a, b or c.
func Listed[T ~string](words []T) string {
	var text strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			text.WriteString(" or ")
		case i > 0:
			text.WriteString(", ")
		}
		text.WriteString(string(w))
	}
	return text.String()
}

// Quote shows a text of a document, shortened if need be.
func Quote(text string) string {
	const most = 40
	short := shorten(text, most)
	if short == text {
		return strconv.Quote(text)
	}
	return strconv.Quote(short) + "..."
}

// longestShown bounds what a message repeats of a user's text, in bytes.
const longestShown = 200

// shorten cuts a text to a number of bytes, between characters.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// Found says what kind of value a node is, for messages.
func Found(node ast.Node) string {
	switch node.(type) {
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "no value"
	}
	return Quote(node.GetToken().Value)
}

// Join appends a key to a path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
