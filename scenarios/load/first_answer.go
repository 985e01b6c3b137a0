package load

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
)

// Answer is the first answer of its kind that did not accept a request, so that
// whoever reads of errors sees one of them.
type Answer struct {
	Kind        Kind
	At          time.Duration // since the start
	Status      int           // 0 when none came
	ContentType string
	Text        string // the beginning of the body, or what went wrong; without secrets
}

const (
	// excerptBytes is how much of a body is looked at, and excerptRunes how much
	// of it is shown.
	excerptBytes = 1 << 10
	excerptRunes = 200
)

// firstAnswers keeps the first answer of each kind. It is safe for concurrent
// use; the zero value holds none.
type firstAnswers struct {
	secrets []string
	seen    [kinds]atomic.Bool

	mu      sync.Mutex
	answers []Answer
}

// wants says whether an answer of a kind is one to show.
func (f *firstAnswers) wants(kind Kind) bool {
	return kind != Accepted && kind != Cancelled && !f.seen[kind].Load()
}

// keep keeps an answer if it is the first of its kind.
func (f *firstAnswers) keep(kind Kind, at time.Duration, a Answer) {
	if !f.wants(kind) || f.seen[kind].Swap(true) {
		return
	}
	a.Kind, a.At = kind, at
	a.ContentType, a.Text = excerpt(a.ContentType, f.secrets), excerpt(a.Text, f.secrets)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = append(f.answers, a)
}

// list gives the answers, in the order they came.
func (f *firstAnswers) list() []Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.answers)
}

// excerpt makes a text fit to be shown in one line: no control characters, not
// long, and none of the secrets.
func excerpt(text string, secrets []string) string {
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "[secret]")
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > excerptRunes {
		return string(runes[:excerptRunes]) + "..."
	}
	return string(runes)
}
