package gateway

import (
	"errors"
	"net/http"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

// maxLocale is the most bytes of a locale's tag.
const maxLocale = 35

// named reads which template a request is about: by path and query. Without a
// problem its texts are empty.
func named(r *http.Request) (pipeline.Template, *api.Problem) {
	digits := r.PathValue("version")
	version, ok := parseVersion([]byte(digits))
	if !ok || digits[0] == '0' { // a version has one address
		return pipeline.Template{}, problem(http.StatusNotFound, api.CodeNotFound, "no such template: a version is an integer from 1 to 4294967295")
	}
	q := newQuery(r, "locale")
	t := pipeline.Template{ID: r.PathValue("id"), Version: version, Locale: q.text("locale", maxLocale)}
	return t, q.problem()
}

// template answers GET /v1/templates/{id}/{version}.
func (g *Gateway) template(w http.ResponseWriter, r *http.Request) {
	t, p := named(r)
	if p != nil {
		writeProblem(w, p)
		return
	}
	found, err := g.cfg.Templates.Source(r.Context(), t.ID, t.Version, t.Locale)
	if errors.Is(err, pipeline.ErrNoTemplate) {
		writeProblem(w, problem(http.StatusNotFound, api.CodeNotFound, "no such version of a template in this locale"))
		return
	}
	if err != nil {
		g.failed(w, r, "read a template", err)
		return
	}
	writeJSON(w, http.StatusOK, templateOf(found))
}

func templateOf(t pipeline.Template) api.Template {
	return api.Template{ID: t.ID, Version: t.Version, Locale: t.Locale, Subject: t.Subject, Body: t.Body}
}

// putTemplate answers PUT /v1/templates/{id}/{version}.
func (g *Gateway) putTemplate(w http.ResponseWriter, r *http.Request) {
	t, p := named(r)
	if p != nil {
		writeProblem(w, p)
		return
	}
	done, ok := g.document(w, r, func(data []byte) ([]pipeline.Fault, error) { return decodeTemplate(data, &t) })
	if !ok {
		return
	}
	defer done()
	written, err := g.cfg.Templates.Put(r.Context(), t)
	var wrong *pipeline.TemplateError
	switch {
	case errors.As(err, &wrong):
		writeProblem(w, badTemplate(wrong))
	case errors.Is(err, pipeline.ErrTemplateExists):
		writeProblem(w, problem(http.StatusConflict, api.CodeExists, "this version was written before, with another text: a version never changes; write the next one"))
	case err != nil:
		g.failed(w, r, "write a template", err)
	case written:
		writeJSON(w, http.StatusCreated, templateOf(t))
	default:
		writeJSON(w, http.StatusOK, templateOf(t))
	}
}

// badTemplate points at what is wrong, where that stands in the body.
func badTemplate(wrong *pipeline.TemplateError) *api.Problem {
	switch wrong.Part {
	case "subject", "body":
		return faulty([]pipeline.Fault{{Entry: -1, Field: wrong.Part, Detail: wrong.Err.Error()}})
	}
	return problem(http.StatusUnprocessableEntity, api.CodeInvalid, wrong.Error())
}

// decodeTemplate reads the body of a PUT: the texts, and what the path says as
// well, where it is repeated. An error is a *malformedError.
func decodeTemplate(data []byte, t *pipeline.Template) ([]pipeline.Fault, error) {
	var d document
	same := func(field, value, want, detail string, err error) error {
		if detail == "" && value != want {
			detail = "is not that of the request's address"
		}
		d.fault(field, detail)
		return err
	}
	hasBody := false
	isObject, err := d.read(data, func(name string) error {
		switch name {
		case "id":
			value, detail, err := d.text()
			return same(name, value, t.ID, detail, err)
		case "locale":
			value, detail, err := d.text()
			return same(name, value, t.Locale, detail, err)
		case "version":
			faults, version := len(d.faults), uint32(0)
			err := d.integerInto(name, &version)
			if err == nil && len(d.faults) == faults && version != t.Version {
				d.fault(name, "is not that of the request's address")
			}
			return err
		case "subject":
			return d.textInto(name, &t.Subject)
		case "body":
			hasBody = true
			return d.proseInto(name, &t.Body)
		}
		return d.unknown(name)
	})
	if err != nil {
		return nil, err
	}
	if isObject && !hasBody {
		d.fault("body", "is required")
	}
	return d.faults, nil
}
