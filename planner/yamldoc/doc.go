// Package yamldoc reads the YAML that people write for this program: plans,
// price books and scenarios. Such a document is of the plain kind, one of a
// bounded size and depth, without anchors, aliases, merge keys, tags,
// directives, complex keys or blocks of text. What is wrong with one is a list
// of faults, each with its place, its key, what was found and what is accepted.
//
// It knows nothing of what a document means: those who do walk its nodes, and
// note faults of their own.
package yamldoc
