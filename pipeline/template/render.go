package template

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Limits of what a template renders to.
const (
	// MaxSMS is the longest text that providers take, in characters.
	MaxSMS = 1600
	// MaxPush bounds subject and body in bytes: a push payload may have 4096,
	// of which ids, keys and quotes get 512.
	MaxPush = 4096 - 512
	// MaxSubject bounds an e-mail's subject in bytes: RFC 5322 bounds a header
	// line at 998 characters, its name included.
	MaxSubject = 900
	// MaxEmail bounds an e-mail's body in bytes. Mail clients cut at about 100
	// KB, and a batch holds a thousand.
	MaxEmail = 256 << 10
	// maxRendered is where rendering stops, whatever the channel: a long value
	// that a template repeats must not fill the memory before it is measured.
	maxRendered = MaxSubject + MaxEmail
)

// Errors of rendering, for which a notification is dead: no retry helps.
var (
	// ErrVariable: a variable is missing, or is no link where one is needed.
	ErrVariable = errors.New("a variable does not fit the template")
	// ErrTooLong: the text is longer than its channel takes. It is never cut,
	// since half a message may say something else.
	ErrTooLong = errors.New("the rendered text is too long")
	// ErrNoHTML: the body is no HTML that a value can be put into safely.
	ErrNoHTML = errors.New("the template does not serve e-mail")
)

// Renderer renders notifications into a buffer that it keeps. The zero value is
// ready; it serves one goroutine.
type Renderer struct{ buf []byte }

// Render gives subject and body of a notification on a channel. Errors:
// ErrVariable, ErrTooLong, ErrNoHTML.
func (r *Renderer) Render(c *Compiled, channel pipeline.Channel, variables []pipeline.Variable) (subject, body string, err error) {
	buf, err := c.appendPart(r.buf[:0], &c.subject, variables, appendLine)
	cut := len(buf)
	switch {
	case err != nil:
	case channel != pipeline.Email:
		buf, err = c.appendPart(buf, &c.text, variables, appendAsIs)
	case c.htmlErr != nil:
		err = fmt.Errorf("%w: %w", ErrNoHTML, c.htmlErr)
	default:
		buf, err = c.appendPart(buf, &c.html, variables, appendHTML)
	}
	r.buf = buf // grown, perhaps
	if err == nil {
		err = checkSize(channel, buf[:cut], buf[cut:])
	}
	if err != nil {
		return "", "", fmt.Errorf("template %s version %d: %w", c.id, c.version, err)
	}
	text := string(buf) // one allocation for both
	return text[:cut], text[cut:], nil
}

func checkSize(channel pipeline.Channel, subject, body []byte) error {
	switch channel {
	case pipeline.SMS:
		if len(body) > MaxSMS && utf8.RuneCount(body) > MaxSMS {
			return fmt.Errorf("%w: %d characters, an SMS has at most %d", ErrTooLong, utf8.RuneCount(body), MaxSMS)
		}
	case pipeline.Push:
		if len(subject)+len(body) > MaxPush {
			return fmt.Errorf("%w: %d bytes, a push message has at most %d", ErrTooLong, len(subject)+len(body), MaxPush)
		}
	case pipeline.Email:
		if len(subject) > MaxSubject {
			return fmt.Errorf("%w: %d bytes of subject, at most %d", ErrTooLong, len(subject), MaxSubject)
		}
		if len(body) > MaxEmail {
			return fmt.Errorf("%w: %d bytes, an e-mail has at most %d", ErrTooLong, len(body), MaxEmail)
		}
	}
	return nil
}

// appendPart appends a subject or a body, with every value as write puts it
// where it stands.
func (c *Compiled) appendPart(b []byte, p *part, variables []pipeline.Variable, write func(b []byte, value string, at place) []byte) ([]byte, error) {
	for i := range p.segments {
		s := &p.segments[i]
		if s.variable < 0 {
			b = append(b, s.literal...)
			continue
		}
		value, ok := lookUp(variables, c.names[s.variable])
		if !ok {
			return b, fmt.Errorf("%w: %s is missing", ErrVariable, c.names[s.variable])
		}
		if s.place == atLink && !isWebLink(value) {
			return b, fmt.Errorf("%w: %s is no http or https link", ErrVariable, c.names[s.variable])
		}
		b = write(b, value, s.place)
		if len(b) > maxRendered {
			return b, ErrTooLong
		}
	}
	return b, nil
}

func appendAsIs(b []byte, value string, _ place) []byte { return append(b, value...) }

// appendHTML appends a value so that it is text, or a part of an attribute.
func appendHTML(b []byte, value string, at place) []byte {
	if at == inLink {
		return appendPercent(b, value)
	}
	return appendEscaped(b, value)
}

// appendLine appends a value with its line breaks and control characters as
// spaces, so that it cannot add a header.
func appendLine(b []byte, value string, _ place) []byte {
	for i := range len(value) {
		if value[i] < 0x20 || value[i] >= 0x7f {
			return appendLineSlow(append(b, value[:i]...), value[i:])
		}
	}
	return append(b, value...)
}

func appendLineSlow(b []byte, value string) []byte {
	for _, r := range value {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || isLineBreak(r) {
			r = ' '
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

// appendEscaped appends a value escaped for HTML text and quoted attributes.
func appendEscaped(b []byte, value string) []byte {
	from := 0
	for i := range len(value) {
		entity := ""
		switch value[i] {
		case '&':
			entity = "&amp;"
		case '<':
			entity = "&lt;"
		case '>':
			entity = "&gt;"
		case '"':
			entity = "&#34;"
		case '\'':
			entity = "&#39;"
		default:
			continue
		}
		b = append(append(b, value[from:i]...), entity...)
		from = i + 1
	}
	return append(b, value[from:]...)
}

// appendPercent appends a value as a part of a link: everything but the
// unreserved characters of RFC 3986 is percent-encoded, so that it adds neither
// a path segment nor a parameter.
func appendPercent(b []byte, value string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(value) {
		switch c := value[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// isWebLink says whether a value is an absolute http or https link: the
// scheme, a host, and nothing that ends an address.
func isWebLink(value string) bool {
	if !hasWebScheme(value) {
		return false
	}
	rest := value[strings.Index(value, "//")+2:]
	return rest != "" && rest[0] != '/' && !strings.ContainsFunc(value, func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r < 0xa0 || isLineBreak(r)
	})
}
