package template

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline"
)

// MaxSource is the most bytes of a template's subject and body together: a
// fleet's templates have 50 KB each.
const MaxSource = 256 << 10

// Compiled is one version of a template in one locale, ready to be rendered.
// It is safe for concurrent use.
type Compiled struct {
	id      string
	version uint32
	locale  string
	names   []string // of its variables, in the order of their first use
	subject part
	text    part // the body as plain text
	html    part // the body as HTML
	htmlErr error
	size    int // bytes held, roughly
}

// part is a subject or a body.
type part struct {
	segments []segment
	literal  int // bytes of all literals
}

// Compile parses a template. Errors: *[SyntaxError].
func Compile(t pipeline.Template) (*Compiled, error) {
	subject, body := source{"subject", t.Subject}, source{"body", t.Body}
	switch {
	case t.Body == "":
		return nil, body.fault(0, "the body is empty")
	case len(t.Subject)+len(t.Body) > MaxSource:
		return nil, body.fault(0, "subject and body have %d bytes, at most %d are kept", len(t.Subject)+len(t.Body), MaxSource)
	}
	if at := strings.IndexFunc(t.Subject, isLineBreak); at >= 0 {
		return nil, subject.fault(at, "a line break in a subject")
	}
	c := &Compiled{id: t.ID, version: t.Version, locale: t.Locale, size: 1024 + 2*len(t.Subject) + 3*len(t.Body)}
	segments, names, err := subject.parse(nil)
	if err != nil {
		return nil, err
	}
	c.subject = newPart(segments)
	if segments, names, err = body.parse(names); err != nil {
		return nil, err
	}
	c.text, c.names = newPart(segments), names
	if segments, err = placeHTML(body, segments); err != nil {
		// Not an error yet: as a push message or an SMS the body is no HTML.
		c.htmlErr = fmt.Errorf("template %s version %d as HTML: %w", t.ID, t.Version, err)
	} else {
		c.html = newPart(segments)
	}
	return c, nil
}

func newPart(segments []segment) part {
	p := part{segments: segments}
	for _, s := range segments {
		p.literal += len(s.literal)
	}
	return p
}

// Version is the template's version.
func (c *Compiled) Version() uint32 { return c.version }

// Locale is the locale that was found: the one asked for, its language, or
// empty for the default.
func (c *Compiled) Locale() string { return c.locale }

// Variables lists the variables that the template needs, in the order of their
// first use.
func (c *Compiled) Variables() []string { return slices.Clone(c.names) }

// Check reports what is wrong with the variables of a notification that is to
// be rendered for a channel: a variable that is needed and not there, a value
// that is no http or https link where one is needed. The name is empty when
// the template itself does not serve the channel. What passes renders, unless
// it comes out too long.
func (c *Compiled) Check(channel pipeline.Channel, variables []pipeline.Variable, report func(name, detail string)) {
	for _, name := range c.names {
		if _, ok := lookUp(variables, name); !ok {
			report(name, fmt.Sprintf("template %s needs this variable", c.id))
		}
	}
	if channel != pipeline.Email {
		return
	}
	if c.htmlErr != nil {
		report("", c.htmlErr.Error())
	}
	for _, s := range c.html.segments {
		if s.place != atLink {
			continue
		}
		if value, ok := lookUp(variables, c.names[s.variable]); ok && !isWebLink(value) {
			report(c.names[s.variable], "want an http:// or https:// link")
		}
	}
}

// lookUp finds a value by name; notifications have few variables.
func lookUp(variables []pipeline.Variable, name string) (string, bool) {
	for i := range variables {
		if variables[i].Name == name {
			return variables[i].Value, true
		}
	}
	return "", false
}

// isLineBreak says whether a header or a heading would break at r.
func isLineBreak(r rune) bool {
	switch r {
	case '\n', '\v', '\f', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}
