package yamldoc

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// An Entry is one entry of a mapping.
type Entry struct {
	Key   string
	Token *token.Token // of the key
	Value ast.Node     // a null where nothing is written
}

// Entries lists the entries of a mapping in the order of the file, each key
// once; twice is called with each that comes again, and with the line of the
// first. ok is false where the node is no mapping.
func Entries(node ast.Node, twice func(key *token.Token, first int)) (entries []Entry, ok bool) {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return nil, false
	}
	seen := make(map[string]int)
	for each := mapping.MapRange(); each.Next(); {
		key := each.Key().GetToken()
		if line, again := seen[key.Value]; again {
			twice(key, line)
			continue
		}
		seen[key.Value] = key.Position.Line
		value := each.Value()
		if value == nil {
			value = ast.Null(key)
		}
		entries = append(entries, Entry{Key: key.Value, Token: key, Value: value})
	}
	return entries, true
}

// Mapping gives the entries of the mapping at a path. A key that is given twice,
// and a node that is no mapping, are reported in the words that every file is
// refused with.
func Mapping(path string, node ast.Node, report func(t *token.Token, path, format string, args ...any)) (entries []Entry, ok bool) {
	entries, ok = Entries(node, func(key *token.Token, first int) {
		report(key, Join(path, key.Value), "the key is given twice, first on line %d", first)
	})
	if !ok {
		report(node.GetToken(), path, "found %s; accepted is a mapping of keys to values", Found(node))
	}
	return entries, ok
}
