package blob

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/notifyctl/notifyctl/pipeline"
)

// maxObject bounds an object that is read. Compiling refuses far smaller ones.
const maxObject = 1 << 20

// content is an object's.
type content struct {
	Subject string `json:"subject,omitempty"`
	Body    string `json:"body"`
}

// isName says whether an id or a locale can be a part of an object's name.
func isName(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// objectName is where a version in a locale lies, if there can be such.
func objectName(id string, version uint32, locale string) (name string, ok bool) {
	if !isName(id) || version == 0 || locale != "" && !isName(locale) {
		return "", false
	}
	name = id + "/v" + strconv.FormatUint(uint64(version), 10)
	if locale != "" {
		name += "." + locale
	}
	return name + ".json", true
}

// versionOf reads the version from the name of an object in the default locale,
// and gives 0 for any other name.
func versionOf(name string) uint32 {
	_, file, _ := strings.Cut(name, "/v")
	digits, isJSON := strings.CutSuffix(file, ".json")
	n, err := strconv.ParseUint(digits, 10, 32)
	if !isJSON || err != nil || strconv.FormatUint(n, 10) != digits {
		return 0
	}
	return uint32(n)
}

// IDs lists the templates.
func (s *Store) IDs(ctx context.Context) (ids []string, err error) {
	err = s.each(ctx, "", func(o *blob.ListObject) {
		if id := strings.TrimSuffix(o.Key, "/"); o.IsDir && isName(id) {
			ids = append(ids, id)
		}
	})
	if err != nil {
		return nil, s.unavailable("list the templates", err)
	}
	return ids, nil
}

// Newest is the highest version of a template in the default locale. Errors:
// [pipeline.ErrNoTemplate].
func (s *Store) Newest(ctx context.Context, id string) (newest uint32, err error) {
	if !isName(id) {
		return 0, fmt.Errorf("template %.64q: %w", id, pipeline.ErrNoTemplate)
	}
	err = s.each(ctx, id+"/", func(o *blob.ListObject) {
		if !o.IsDir {
			newest = max(newest, versionOf(o.Key))
		}
	})
	if err != nil {
		return 0, s.unavailable("list the versions of template "+id, err)
	}
	if newest == 0 {
		return 0, fmt.Errorf("template %s: %w", id, pipeline.ErrNoTemplate)
	}
	return newest, nil
}

// each visits what lies directly under a prefix.
func (s *Store) each(ctx context.Context, prefix string, visit func(*blob.ListObject)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	list := s.bucket.List(&blob.ListOptions{Prefix: prefix, Delimiter: "/"})
	for {
		o, err := list.Next(ctx)
		if err == io.EOF { //nolint:errorlint // wrapped, it is a connection that broke
			return nil
		}
		if err != nil {
			return err
		}
		visit(o)
	}
}

// Get reads one version in a locale. Errors: [pipeline.ErrNoTemplate].
func (s *Store) Get(ctx context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	none := fmt.Errorf("template %.64q version %d locale %.35q: %w", id, version, locale, pipeline.ErrNoTemplate)
	name, ok := objectName(id, version, locale)
	if !ok {
		return pipeline.Template{}, none
	}
	data, err := s.read(ctx, name)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return pipeline.Template{}, none
	}
	if err != nil {
		return pipeline.Template{}, s.unavailable("read template "+name, err)
	}
	c, err := decode(data)
	if err != nil {
		return pipeline.Template{}, fmt.Errorf("template %s in %s: %w", name, s.address, err)
	}
	return pipeline.Template{ID: id, Version: version, Locale: locale, Subject: c.Subject, Body: c.Body}, nil
}

func (s *Store) read(ctx context.Context, name string) (data []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := s.bucket.NewReader(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(io.LimitReader(r, maxObject+1))
}

// decode reads an object's content, and nothing else.
func decode(data []byte) (c content, err error) {
	if len(data) > maxObject {
		return c, fmt.Errorf("over %d bytes", maxObject)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err = decoder.Decode(&c); err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return c, fmt.Errorf(`want {"subject": "...", "body": "..."}: %w`, err)
	}
	return c, nil
}

// encode is the inverse of decode.
func encode(t pipeline.Template) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // it is read by people, too
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(content{t.Subject, t.Body}); err != nil {
		panic("BUG: a template that is no JSON: " + err.Error())
	}
	return b.Bytes()
}

// writeAttempts is how often a write is begun that another write met: S3 then
// says neither that the object is there nor that it is not.
const writeAttempts = 5

// Put writes a version's object, once. Errors: [pipeline.ErrTemplateExists].
func (s *Store) Put(ctx context.Context, t pipeline.Template) (written bool, err error) {
	name, ok := objectName(t.ID, t.Version, t.Locale)
	if !ok {
		return false, fmt.Errorf("template %.64q version %d locale %.35q: no such object can be", t.ID, t.Version, t.Locale)
	}
	for range writeAttempts {
		if err = s.write(ctx, name, encode(t)); !isConflict(err) {
			break
		}
	}
	if err == nil {
		return true, nil
	}
	if code := gcerrors.Code(err); code != gcerrors.FailedPrecondition && code != gcerrors.AlreadyExists {
		return false, s.unavailable("write template "+name, err)
	}
	old, err := s.Get(ctx, t.ID, t.Version, t.Locale)
	if err != nil {
		return false, err
	}
	if old != t {
		return false, pipeline.ErrTemplateExists
	}
	return false, nil
}

func (s *Store) write(ctx context.Context, name string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.bucket.WriteAll(ctx, name, data, &blob.WriterOptions{ContentType: "application/json", IfNotExist: true})
}

// isConflict says whether a write met another of the same object.
func isConflict(err error) bool {
	said, ok := errors.AsType[smithy.APIError](err)
	return ok && (said.ErrorCode() == "ConditionalRequestConflict" || said.ErrorCode() == "OperationAborted")
}

// unavailable says what was being done. The end of the caller's context stays
// one; all else is the store not being available.
func (s *Store) unavailable(doing string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s: %s: %w: %s", doing, s.address, pipeline.ErrUnavailable, reason(err))
}
