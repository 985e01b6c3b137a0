package template

import (
	"cmp"
	"slices"
	"strings"
)

// place is where in a body a variable stands, which decides how its value is
// written there.
type place uint8

const (
	inText      place = iota
	inAttribute       // within a quoted value
	atLink            // the value is the link, from its start
	inLink            // behind a literal beginning of a link
)

// markup follows HTML just as far as it takes to know where a variable stands.
// It is stricter than a browser: what a browser would have to guess at is
// refused, and so are variables anywhere but in text and quoted attribute
// values.
type markup struct {
	state     markupState
	element   string // of the tag being read
	closing   bool   // it is an end tag
	attribute string
	quote     byte
	value     int  // bytes of the attribute's value so far
	variable  bool // a variable stands in the value
	prefix    string
	raw       string // the element whose content is no text: script, style and the like
}

type markupState uint8

const (
	markupText markupState = iota
	markupTagOpen
	markupTagName
	markupTag // between attributes
	markupAttributeName
	markupAfterName
	markupBeforeValue
	markupValue
	markupUnquoted
	markupComment
	markupDeclaration
	markupRaw
)

// placeHTML finds the place of every variable of a body as HTML.
func placeHTML(s source, segments []segment) ([]segment, error) {
	placed := slices.Clone(segments)
	var m markup
	for i := range placed {
		seg := &placed[i]
		if seg.variable < 0 {
			for j := range len(seg.literal) {
				if detail := m.next(seg.literal, j); detail != "" {
					return nil, s.fault(seg.offset+j, "%s", detail)
				}
			}
			continue
		}
		p, detail := m.place()
		if detail != "" {
			return nil, s.fault(seg.offset, "%s", detail)
		}
		seg.place = p
	}
	if m.state != markupText && m.state != markupTagOpen {
		return nil, s.fault(len(s.text), "the HTML ends within a tag, a comment or a <%s>", cmp.Or(m.raw, "tag"))
	}
	return placed, nil
}

// place says where a variable at this point stands, or why none may.
func (m *markup) place() (place, string) {
	switch m.state {
	case markupText:
		return inText, ""
	case markupValue:
	case markupTagOpen, markupTagName, markupTag, markupAttributeName, markupAfterName:
		return 0, "a variable cannot be part of a tag's or an attribute's name"
	case markupBeforeValue, markupUnquoted:
		return 0, `a variable in an attribute must stand in quotes: href="{{link}}"`
	case markupComment, markupDeclaration:
		return 0, "a variable cannot stand in a comment or a declaration"
	case markupRaw:
		return 0, "a variable cannot stand within <" + m.raw + ">"
	}
	if strings.HasPrefix(m.attribute, "on") || m.attribute == "style" || m.attribute == "srcdoc" || m.attribute == "srcset" {
		return 0, "a variable cannot stand in the attribute " + m.attribute
	}
	first := m.value == 0
	m.value++
	if !isLink(m.attribute) {
		return inAttribute, ""
	}
	if first {
		m.variable = true
		return atLink, ""
	}
	// Behind a variable the link has its scheme from that variable's value.
	if !m.variable && !hasWebScheme(m.prefix) && !strings.HasPrefix(m.prefix, "/") && !strings.HasPrefix(m.prefix, "#") {
		return 0, "a link with a variable must begin with http:// or https://"
	}
	return inLink, ""
}

// isLink says whether a browser follows or loads what the attribute holds.
func isLink(attribute string) bool {
	switch attribute {
	case "href", "src", "action", "formaction", "background", "cite", "data", "longdesc", "manifest", "ping", "poster", "xlink:href":
		return true
	}
	return false
}

// hasWebScheme says whether a link is absolute and goes to the web.
func hasWebScheme(link string) bool {
	for _, scheme := range [...]string{"https://", "http://"} {
		if len(link) >= len(scheme) && strings.EqualFold(link[:len(scheme)], scheme) {
			return true
		}
	}
	return false
}

// rawElement says whether an element's content is not read as markup and text.
func rawElement(name string) bool {
	switch name {
	case "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext", "template":
		return true
	}
	return false
}

// next moves over byte i of a literal and says what is wrong with it, if
// anything is.
func (m *markup) next(literal string, i int) string {
	c := literal[i]
	switch m.state {
	case markupText:
		if c == '<' {
			m.state = markupTagOpen
		}
	case markupTagOpen:
		m.tagOpen(literal, i)
	case markupComment:
		if c == '>' && strings.HasSuffix(literal[:i], "--") {
			m.state = markupText
		}
	case markupDeclaration:
		if c == '>' {
			m.state = markupText
		}
	case markupRaw:
		if c == '>' && m.endsRaw(literal[:i]) {
			m.state, m.raw = markupText, ""
		}
	case markupValue:
		if c == m.quote {
			m.state = markupTag
			return ""
		}
		m.value++
		if len(m.prefix) < len("https://") && !m.variable {
			m.prefix += string(rune(c))
		}
	default:
		return m.inTag(c)
	}
	return ""
}

// tagOpen reads the byte behind a <.
func (m *markup) tagOpen(literal string, i int) {
	c := lower(literal[i])
	switch {
	case c >= 'a' && c <= 'z':
		m.state, m.element, m.closing = markupTagName, string(rune(c)), false
	case c == '/' && i > 0 && literal[i-1] == '<':
		m.element, m.closing = "", true
		m.state = markupTagName
	case c == '!' && strings.HasPrefix(literal[i:], "!--"):
		m.state = markupComment
	case c == '!' || c == '?':
		m.state = markupDeclaration
	case c != '<': // a < in text, as in 1 < 2
		m.state = markupText
	}
}

// endsRaw says whether a raw element's end tag stands at the end of text.
func (m *markup) endsRaw(text string) bool {
	end := "</" + m.raw
	text = strings.TrimRight(text, " \t\n")
	return len(text) >= len(end) && strings.EqualFold(text[len(text)-len(end):], end)
}

// inTag reads a byte between a tag's < and its >, outside quotes.
func (m *markup) inTag(c byte) string {
	space := c == ' ' || c == '\t' || c == '\n'
	switch {
	case c == '>':
		return m.tagEnd()
	case c == '<' || c == '`':
		return "the HTML has a stray " + string(rune(c)) + " within a tag"
	case m.state == markupTagName:
		if space || c == '/' && m.element != "" {
			m.state = markupTag
		} else {
			m.element = extend(m.element, c)
		}
	case m.state == markupTag:
		if !space && c != '/' {
			m.state, m.attribute = markupAttributeName, string(rune(lower(c)))
		}
	case m.state == markupAttributeName && !space && c != '=' && c != '/':
		m.attribute = extend(m.attribute, c)
	case m.state == markupAttributeName && space:
		m.state = markupAfterName
	case c == '=' && (m.state == markupAttributeName || m.state == markupAfterName):
		m.state = markupBeforeValue
	case m.state == markupAfterName && !space:
		m.state, m.attribute = markupAttributeName, string(rune(lower(c)))
	case m.state == markupBeforeValue && !space:
		if c == '"' || c == '\'' {
			m.state, m.quote, m.value, m.variable, m.prefix = markupValue, c, 0, false, ""
		} else {
			m.state = markupUnquoted
		}
	case m.state == markupUnquoted && space:
		m.state = markupTag
	}
	return ""
}

// tagEnd reads the > of a tag.
func (m *markup) tagEnd() string {
	m.state = markupText
	if !m.closing && rawElement(m.element) {
		m.state, m.raw = markupRaw, m.element
	}
	return ""
}

// extend adds a byte to a name, up to a length that no known name has: longer
// ones would cost time that grows with their square.
func extend(name string, c byte) string {
	if len(name) == 32 {
		return name
	}
	return name + string(rune(lower(c)))
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
