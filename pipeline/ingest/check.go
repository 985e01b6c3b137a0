package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// maxRef is the most bytes of a client's own name for a notification.
const maxRef = 64

// maxFaults is how many faults a client is told of at once, give or take those
// of one notification.
const maxFaults = 100

// checker gathers the faults of a submission.
type checker struct {
	submission *pipeline.Submission
	faults     []pipeline.Fault
	// templates holds what was found last for the slice, which mostly names few;
	// the next takes the place of templates[found%len(templates)].
	templates [keptTemplates]namedTemplate
	found     int
	// versions are those that the notifications' templates are pinned to.
	versions []uint32
}

// keptTemplates is how many templates a checker remembers. So few are found by
// comparing sooner than by hashing.
const keptTemplates = 8

// namedTemplate is a template and how notifications name it.
type namedTemplate struct {
	id       string
	version  uint32
	locale   string
	compiled *template.Compiled
}

func newChecker(s *pipeline.Submission, versions []uint32) checker {
	return checker{submission: s, faults: slices.Clone(s.Faults), versions: versions}
}

// full says that more faults would help nobody.
func (c *checker) full() bool { return len(c.faults) >= maxFaults }

// invalid is the error of the faults that were found, ordered by notification,
// or nil.
func (c *checker) invalid() error {
	if len(c.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(c.faults, func(a, b pipeline.Fault) int { return cmp.Compare(a.Entry, b.Entry) })
	return &pipeline.InvalidError{Faults: c.faults}
}

// checkFields gathers what is wrong with a submission by itself.
func (c *checker) checkFields() {
	c.keys()
	for i := range c.submission.Notifications {
		if c.full() {
			return
		}
		c.fields(i)
	}
}

// checkTemplates gathers what is wrong with the templates of some of the
// notifications, and pins the versions of the others. Its error is of the
// template store.
func (g *Ingest) checkTemplates(ctx context.Context, c *checker, entries []int) error {
	for _, i := range entries {
		if c.full() {
			return nil
		}
		var err error
		if c.versions[i], err = g.checkTemplate(ctx, c, i); err != nil {
			return err
		}
	}
	return nil
}

// fault adds a fault, unless the field has one from decoding: that one says
// what came, this one only that nothing usable did.
func (c *checker) fault(entry int, field, detail string) {
	for i := range c.submission.Faults {
		if f := &c.submission.Faults[i]; f.Entry == entry && within(field, f.Field) {
			return
		}
	}
	c.faults = append(c.faults, pipeline.Fault{Entry: entry, Field: field, Detail: detail})
}

// within says whether a field is another or lies below it; everything lies
// below the entry itself.
func within(field, other string) bool {
	rest, below := strings.CutPrefix(field, other)
	return below && (other == "" || rest == "" || rest[0] == '/')
}

// keys refuses an idempotency key that stands twice in one request.
func (c *checker) keys() {
	if len(c.submission.Keys) == 0 {
		return
	}
	first := make(map[string]int, len(c.submission.Keys))
	for i, key := range c.submission.Keys {
		if key == "" {
			continue
		}
		if c.full() {
			return
		}
		if at, twice := first[key]; twice {
			c.fault(i, "idempotency_key", fmt.Sprintf("stands on notification %d already", at))
			continue
		}
		first[key] = i
	}
}

// fields checks one notification's own fields.
func (c *checker) fields(i int) {
	n := &c.submission.Notifications[i]
	switch {
	case n.UserID == "":
		c.fault(i, "user_id", "is required")
	case len(n.UserID) > pipeline.MaxUserID:
		c.fault(i, "user_id", fmt.Sprintf("has %d bytes, at most %d are taken", len(n.UserID), pipeline.MaxUserID))
	}
	if n.Channel == 0 {
		c.fault(i, "channel", "is required: push, email or sms")
	}
	if n.Ref != "" && !validRef(n.Ref) {
		c.fault(i, "ref", fmt.Sprintf("want 1 to %d of A-Z, a-z, 0-9, _ and -", maxRef))
	}
	if n.Locale != "" && !template.ValidLocale(n.Locale) {
		c.fault(i, "locale", "want a language tag, as in de or de-AT")
	}
	if n.To != "" && n.Channel != 0 {
		if err := pipeline.CheckAddress(n.Channel, n.To); err != nil {
			c.fault(i, "to", err.Error())
		}
	}
}

func validRef(ref string) bool {
	for i := range len(ref) {
		switch b := ref[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '_', b == '-':
		default:
			return false
		}
	}
	return len(ref) <= maxRef
}

// checkTemplate checks that the template exists and gets its variables, and
// gives its version.
func (g *Ingest) checkTemplate(ctx context.Context, c *checker, i int) (uint32, error) {
	n := &c.submission.Notifications[i]
	if n.TemplateID == "" {
		c.fault(i, "template_id", "is required")
		return 0, nil
	}
	if !template.ValidID(n.TemplateID) {
		c.fault(i, "template_id", "want 1 to 64 letters, digits, _ and -")
		return 0, nil
	}
	if n.Channel == 0 || n.Locale != "" && !template.ValidLocale(n.Locale) {
		return 0, nil // reported already, and it takes both to find the text
	}
	compiled, err := g.compiled(ctx, c, n)
	if err != nil {
		return 0, c.withoutTemplate(i, err)
	}
	compiled.Check(n.Channel, n.Variables, func(name, detail string) {
		field := "variables"
		if name == "" {
			field = "template_id"
		} else {
			field += "/" + name
		}
		c.fault(i, field, detail)
	})
	return compiled.Version(), nil
}

// withoutTemplate notes the fault of a notification whose template is not there
// or cannot be used; an error of the template store is no fault of it.
func (c *checker) withoutTemplate(i int, err error) error {
	n := &c.submission.Notifications[i]
	if errors.Is(err, pipeline.ErrNoTemplate) {
		field, detail := "template_id", fmt.Sprintf("no template %q", n.TemplateID)
		if n.TemplateVersion != 0 {
			field, detail = "template_version", fmt.Sprintf("no version %d of template %q", n.TemplateVersion, n.TemplateID)
		}
		c.fault(i, field, detail)
		return nil
	}
	_, badSyntax := errors.AsType[*template.SyntaxError](err)
	_, badFile := errors.AsType[*template.FileError](err)
	if badSyntax || badFile {
		c.fault(i, "template_id", fmt.Sprintf("template %q has a fault: %v", n.TemplateID, err))
		return nil
	}
	return fmt.Errorf("%w: %w", pipeline.ErrUnavailable, err)
}

// compiled finds a notification's template, mostly once for all of the slice
// that use the same.
func (g *Ingest) compiled(ctx context.Context, c *checker, n *pipeline.Notification) (*template.Compiled, error) {
	for i := range c.templates {
		if t := &c.templates[i]; t.compiled != nil && t.id == n.TemplateID && t.version == n.TemplateVersion && t.locale == n.Locale {
			return t.compiled, nil
		}
	}
	version := n.TemplateVersion
	if version == 0 {
		newest, err := g.cfg.Templates.Newest(ctx, n.TemplateID)
		if err != nil {
			return nil, err
		}
		version = newest
	}
	compiled, err := g.cfg.Templates.Get(ctx, n.TemplateID, version, n.Locale)
	if err == nil {
		c.templates[c.found%keptTemplates] = namedTemplate{n.TemplateID, n.TemplateVersion, n.Locale, compiled}
		c.found++
	}
	return compiled, err
}
