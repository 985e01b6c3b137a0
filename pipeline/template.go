package pipeline

import (
	"context"
	"errors"
	"fmt"
)

// Errors of a [TemplateStore].
var (
	// ErrNoTemplate: a template, or a version of it, does not exist.
	ErrNoTemplate = errors.New("no such template")
	// ErrTemplateExists: the version was written before, with another text.
	ErrTemplateExists = errors.New("this version of the template was written before, with another text")
)

// TemplateError says what is wrong with a template that was to be written.
type TemplateError struct {
	Part string // "id", "version", "locale", "subject" or "body"
	Err  error
}

// Error names the part.
func (e *TemplateError) Error() string { return fmt.Sprintf("%s: %v", e.Part, e.Err) }

// Unwrap gives the fault.
func (e *TemplateError) Unwrap() error { return e.Err }

// Template is one version of a template in one locale. It never changes once
// written.
type Template struct {
	ID      string
	Version uint32
	Locale  string // empty: the default
	Subject string
	Body    string
}

// TemplateStore keeps templates. It is safe for concurrent use. One beyond the
// network gives ErrUnavailable, within seconds, while it does not answer.
type TemplateStore interface {
	// IDs lists the templates, in any order.
	IDs(ctx context.Context) ([]string, error)
	// Newest is the highest version of a template. Errors: ErrNoTemplate.
	Newest(ctx context.Context, id string) (uint32, error)
	// Get reads one version in a locale. Errors: ErrNoTemplate.
	Get(ctx context.Context, id string, version uint32, locale string) (Template, error)
	// Put writes one version in a locale, once: it returns when the text is
	// durable, and of several at a time one is the first. written is false when
	// it was there before, word for word, so that it may be repeated. Errors:
	// ErrTemplateExists.
	Put(ctx context.Context, t Template) (written bool, err error)
}
