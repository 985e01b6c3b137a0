package load

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// maxMatcher bounds the text of a matcher.
const maxMatcher = 4 << 10

// Matcher says which answers mean that a target accepted a request. It is
// written as terms that must all hold:
//
//	status==202 && header.Content-Type~json && json.results.0.status==queued
//
//	status            ==, !=, <, <=, >, >= a number; == and != also a range, as in 200..299
//	header.NAME       alone: it is there; ==, != a text; ~ a regular expression
//	json.PATH         alone: it is there; ==, != a text, number, true, false or null;
//	                  <, <=, >, >= a number; ~ a regular expression. A path names keys,
//	                  and elements of lists by their index from 0
//	body              ~ a regular expression
//
// A text with spaces or && in it stands in double quotes, with Go's escapes, or
// in backquotes, without any. Regular expressions are RE2's, and match anywhere.
type Matcher struct {
	text  string
	terms []term
}

// term is one condition on an answer.
type term func(status int, header http.Header, body []byte) bool

// ParseMatcher reads a matcher. Its errors say at which character, from 1.
func ParseMatcher(text string) (*Matcher, error) {
	if len(text) > maxMatcher {
		return nil, fmt.Errorf("%d characters; accepted are %d", len(text), maxMatcher)
	}
	s := &matcherScanner{text: text}
	m := &Matcher{text: text}
	for {
		t, err := s.term()
		if err != nil {
			return nil, err
		}
		m.terms = append(m.terms, t)
		s.space()
		if s.rest() == "" {
			return m, nil
		}
		if !s.take("&&") {
			return nil, s.fault(s.at, "&& and another condition, or the end")
		}
	}
}

// String gives the matcher as it was written.
func (m *Matcher) String() string { return m.text }

// Match says whether an answer is one that accepts.
func (m *Matcher) Match(status int, header http.Header, body []byte) bool {
	for _, holds := range m.terms {
		if !holds(status, header, body) {
			return false
		}
	}
	return true
}

// matcherScanner reads the text of a matcher from front to back.
type matcherScanner struct {
	text string
	at   int // bytes read so far
}

func (s *matcherScanner) rest() string { return s.text[s.at:] }

func (s *matcherScanner) space() {
	s.at = len(s.text) - len(strings.TrimLeft(s.rest(), " \t\r\n"))
}

func (s *matcherScanner) take(token string) bool {
	if !strings.HasPrefix(s.rest(), token) {
		return false
	}
	s.at += len(token)
	return true
}

// fault says what was found at a place, and what is accepted there.
func (s *matcherScanner) fault(at int, accepted string) error {
	found := "the end"
	if rest := s.text[at:]; rest != "" {
		found = strconv.Quote(rest[:min(len(rest), 20)])
	}
	return fmt.Errorf("character %d: found %s; accepted is %s", at+1, found, accepted)
}

// term reads one condition.
func (s *matcherScanner) term() (term, error) {
	s.space()
	start := s.at
	subject := s.word()
	name, argument, _ := strings.Cut(subject, ".")
	switch name {
	case "status":
		if argument == "" {
			return s.statusTerm()
		}
	case "header":
		if argument != "" {
			return s.headerTerm(argument)
		}
	case "json":
		if argument != "" {
			return s.jsonTerm(start+len("json."), argument)
		}
	case "body":
		if argument == "" {
			return s.bodyTerm()
		}
	}
	return nil, s.fault(start, "status, header.NAME, json.PATH or body")
}

// word reads what comes before a comparison, a space or the end.
func (s *matcherScanner) word() string {
	start := s.at
	for s.at < len(s.text) && !strings.ContainsRune("=!<>~& \t\r\n", rune(s.text[s.at])) {
		s.at++
	}
	return s.text[start:s.at]
}

// op reads a comparison, one of those that are accepted here; it is empty when
// none comes.
func (s *matcherScanner) op(accepted ...string) (string, error) {
	s.space()
	if s.rest() == "" || strings.HasPrefix(s.rest(), "&&") {
		return "", nil
	}
	for _, op := range accepted { // the longer of those that begin alike come first
		if s.take(op) {
			return op, nil
		}
	}
	return "", s.fault(s.at, strings.Join(accepted, ", "))
}

// value reads a value, quoted or not, and where it begins.
func (s *matcherScanner) value() (text string, at int, err error) {
	s.space()
	at = s.at
	rest := s.rest()
	if rest != "" && (rest[0] == '"' || rest[0] == '`') {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return "", at, s.fault(at, "a quoted text with its end, in \" with Go's escapes or in ` without any")
		}
		s.at += len(quoted)
		text, err = strconv.Unquote(quoted)
		return text, at, err
	}
	end := strings.IndexAny(rest, " \t\r\n")
	if end < 0 {
		end = len(rest)
	}
	if both := strings.Index(rest[:end], "&&"); both >= 0 {
		end = both
	}
	if end == 0 {
		return "", at, s.fault(at, "a value")
	}
	s.at += end
	return rest[:end], at, nil
}

// comparisons lists the ways to compare, longer ones first.
func comparisons() []string { return []string{"==", "!=", "<=", ">=", "<", ">"} }

// compares says whether a comparison holds between numbers.
func compares(op string, a, b float64) bool {
	switch op {
	case "==":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case ">=":
		return a >= b
	}
	panic("BUG: unknown comparison " + op)
}

// statusTerm reads what follows status.
func (s *matcherScanner) statusTerm() (term, error) {
	op, err := s.op(comparisons()...)
	if err != nil {
		return nil, err
	}
	if op == "" {
		return nil, s.fault(s.at, strings.Join(comparisons(), ", "))
	}
	text, at, err := s.value()
	if err != nil {
		return nil, err
	}
	from, to, ranged := strings.Cut(text, "..")
	low, ok := parseStatus(from)
	high := low
	if ok && ranged {
		high, ok = parseStatus(to)
	}
	switch {
	case !ok || low > high:
		return nil, s.fault(at, "a status from 100 to 599, or a range as in 200..299")
	case ranged && op != "==" && op != "!=":
		return nil, s.fault(at, "one status; a range goes with == or !=")
	case ranged:
		return func(status int, _ http.Header, _ []byte) bool {
			return (status >= low && status <= high) == (op == "==")
		}, nil
	}
	return func(status int, _ http.Header, _ []byte) bool { return compares(op, float64(status), float64(low)) }, nil
}

func parseStatus(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && len(text) == 3 && n >= 100 && n <= 599
}

// headerTerm reads what follows a header's name. Of a header that is there more
// than once, one value must do.
func (s *matcherScanner) headerTerm(name string) (term, error) {
	name = http.CanonicalHeaderKey(name)
	op, err := s.op("==", "!=", "~")
	if err != nil {
		return nil, err
	}
	if op == "" {
		return func(_ int, header http.Header, _ []byte) bool { return len(header[name]) > 0 }, nil
	}
	equal, err := s.textTest(op)
	if err != nil {
		return nil, err
	}
	return func(_ int, header http.Header, _ []byte) bool {
		for _, value := range header[name] {
			if equal(value) {
				return op != "!="
			}
		}
		return op == "!="
	}, nil
}

// textTest reads the value of ==, != or ~ and gives what says whether a text is
// equal to it, or matches it.
func (s *matcherScanner) textTest(op string) (func(string) bool, error) {
	text, at, err := s.value()
	if err != nil {
		return nil, err
	}
	if op != "~" {
		return func(value string) bool { return value == text }, nil
	}
	expression, err := s.expression(text, at)
	if err != nil {
		return nil, err
	}
	return expression.MatchString, nil
}

func (s *matcherScanner) expression(text string, at int) (*regexp.Regexp, error) {
	expression, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", s.fault(at, "a regular expression as RE2 has them"), err)
	}
	return expression, nil
}

// bodyTerm reads what follows body.
func (s *matcherScanner) bodyTerm() (term, error) {
	op, err := s.op("~")
	if err != nil {
		return nil, err
	}
	if op == "" {
		return nil, s.fault(s.at, "~ and a regular expression")
	}
	text, at, err := s.value()
	if err != nil {
		return nil, err
	}
	expression, err := s.expression(text, at)
	if err != nil {
		return nil, err
	}
	return func(_ int, _ http.Header, body []byte) bool { return expression.Match(body) }, nil
}
