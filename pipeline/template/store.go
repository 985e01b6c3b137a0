package template

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline"
)

// maxFile bounds a template's file: its source as JSON may take six bytes for
// one.
const maxFile = 6*MaxSource + 4096

//go:embed shipped
var shipped embed.FS

// Files is a [pipeline.TemplateStore] over files:
//
//	{id}/v{version}.json            in the default locale
//	{id}/v{version}.{locale}.json   in another
//
// each {"subject": "...", "body": "..."}. A file never changes once written; a
// change is a new version. It writes nothing; a [Folder] does.
type Files struct{ fsys fs.FS }

// Shipped gives the templates that come with the program: welcome, otp, receipt
// and campaign.
func Shipped() *Files {
	sub, err := fs.Sub(shipped, "shipped")
	if err != nil {
		panic("BUG: the shipped templates: " + err.Error())
	}
	return &Files{sub}
}

// ValidID says whether a template can have that id: 1 to 64 letters, digits, _
// and -.
func ValidID(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// ValidLocale says whether a template can have that locale: language tags of
// RFC 5646, as in de or de-AT, of at most 35 characters.
func ValidLocale(locale string) bool {
	if len(locale) < 2 || len(locale) > 35 {
		return false
	}
	for subtag := range strings.SplitSeq(locale, "-") {
		if subtag == "" || len(subtag) > 8 || strings.Contains(subtag, "_") || !ValidID(subtag) {
			return false
		}
	}
	return true
}

// IDs lists the folders that can be templates.
func (f *Files) IDs(context.Context) ([]string, error) {
	entries, err := fs.ReadDir(f.fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("list the templates: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && ValidID(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// Newest is the highest version of a template in the default locale. Errors:
// [pipeline.ErrNoTemplate].
func (f *Files) Newest(_ context.Context, id string) (uint32, error) {
	if !ValidID(id) {
		return 0, fmt.Errorf("template %.64q: %w", id, pipeline.ErrNoTemplate)
	}
	entries, err := fs.ReadDir(f.fsys, id)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("list the versions of template %s: %w", id, err)
	}
	newest := uint32(0)
	for _, e := range entries {
		newest = max(newest, version(e.Name()))
	}
	if newest == 0 {
		return 0, fmt.Errorf("template %s: %w", id, pipeline.ErrNoTemplate)
	}
	return newest, nil
}

// version reads the version from the name of a file in the default locale, and
// gives 0 for any other name.
func version(name string) uint32 {
	digits, ok := strings.CutPrefix(name, "v")
	digits, isJSON := strings.CutSuffix(digits, ".json")
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || !isJSON || err != nil || strconv.FormatUint(n, 10) != digits {
		return 0
	}
	return uint32(n)
}

// Get reads one version in a locale. Errors: [pipeline.ErrNoTemplate], a
// *[FileError].
func (f *Files) Get(_ context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	none := fmt.Errorf("template %.64q version %d locale %.35q: %w", id, version, locale, pipeline.ErrNoTemplate)
	if !ValidID(id) || version == 0 || locale != "" && !ValidLocale(locale) {
		return pipeline.Template{}, none
	}
	name := fileName(id, version, locale)
	data, err := readFile(f.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return pipeline.Template{}, none
	}
	if err != nil {
		return pipeline.Template{}, fmt.Errorf("read template %s: %w", name, err)
	}
	t, err := decodeFile(name, data)
	t.ID, t.Version, t.Locale = id, version, locale
	return t, err
}

// fileName is where a version in a locale lies.
func fileName(id string, version uint32, locale string) string {
	name := id + "/v" + strconv.FormatUint(uint64(version), 10)
	if locale != "" {
		name += "." + locale
	}
	return name + ".json"
}

// Put refuses: these files come with the program.
func (f *Files) Put(context.Context, pipeline.Template) (bool, error) { return false, errReadOnly }

var errReadOnly = errors.New("templates that come with the program cannot be added to")

func readFile(fsys fs.FS, name string) (data []byte, err error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	data, err = io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("over %d bytes", maxFile)
	}
	return data, err
}

// FileError says what is wrong with a template's file, and where.
type FileError struct {
	File string
	Line int
	Err  error // of JSON, or a *[SyntaxError]
}

// Error gives the fault as file:line.
func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap gives the fault.
func (e *FileError) Unwrap() error { return e.Err }

// decodeFile reads {"subject": "...", "body": "..."} and makes sure that it
// compiles, while it is known on which line each part stands.
func decodeFile(name string, data []byte) (pipeline.Template, error) {
	fail := func(offset int64, err error) (pipeline.Template, error) {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			offset, err = int64(len(data)), errors.New("the file ends within the template's object")
		}
		line := 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
		return pipeline.Template{}, &FileError{name, line, err}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return fail(0, cmp.Or(err, errors.New(`want {"subject": "...", "body": "..."}`)))
	}
	var t pipeline.Template
	ends := map[string]int64{} // part -> offset of its end; a JSON string has no line break
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return fail(decoder.InputOffset(), err)
		}
		key, into := token.(string), &t.Body
		switch key {
		case "body":
		case "subject":
			into = &t.Subject
		default:
			return fail(decoder.InputOffset(), fmt.Errorf("unknown key %q: want subject and body", key))
		}
		if _, twice := ends[key]; twice {
			return fail(decoder.InputOffset(), fmt.Errorf("%s stands twice", key))
		}
		if err := decoder.Decode(into); err != nil {
			return fail(decoder.InputOffset(), fmt.Errorf("%s: %w", key, err))
		}
		ends[key] = decoder.InputOffset()
	}
	if _, err := decoder.Token(); err != nil {
		return fail(decoder.InputOffset(), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fail(decoder.InputOffset(), errors.New("something follows the template's object"))
	}
	if _, err := Compile(t); err != nil {
		end := ends["body"]
		if syntax, ok := errors.AsType[*SyntaxError](err); ok && syntax.Part == "subject" {
			end = ends["subject"]
		}
		return fail(end, err)
	}
	return t, nil
}
