// Package template keeps versioned templates, compiles them once and renders
// notifications from them.
//
// A template is text with variables, {{name}} or {{.name}}, and nothing else:
// no functions, no conditions, no loops, and a value is never evaluated again.
// One template serves every channel. As an e-mail its body is HTML: values are
// escaped, and one that lands in a link must be an http or https address. As a
// push message or an SMS its body is plain text.
package template
