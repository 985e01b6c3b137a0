package pipeline

import (
	"context"
	"errors"
)

// ErrNoTemplate says that a template, or a version of it, does not exist.
var ErrNoTemplate = errors.New("no such template")

// Template is one version of a template in one locale. It never changes once
// written.
type Template struct {
	ID      string
	Version uint32
	Locale  string // empty: the default
	Subject string
	Body    string
}

// TemplateStore keeps templates. It is safe for concurrent use.
type TemplateStore interface {
	// Newest is the highest version of a template. Errors: ErrNoTemplate.
	Newest(ctx context.Context, id string) (uint32, error)
	// Get reads one version in a locale. Errors: ErrNoTemplate.
	Get(ctx context.Context, id string, version uint32, locale string) (Template, error)
}
