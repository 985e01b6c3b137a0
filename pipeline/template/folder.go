package template

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Folder is a [Files] in a directory. Nothing outside the directory can be
// read or written through it, whatever links it holds.
type Folder struct {
	Files
	root *os.Root
}

// OpenFolder opens a directory of templates.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the templates folder: %w", err)
	}
	return &Folder{Files{root.FS()}, root}, nil
}

// Close lets go of the directory.
func (f *Folder) Close() error { return f.root.Close() }

// Put writes a version's file, once. The text is written and synced under
// another name first, then linked to its own, which fails where one is: a reader
// and a crash find all of it or none, and of several writers one is the first.
func (f *Folder) Put(ctx context.Context, t pipeline.Template) (written bool, err error) {
	if !ValidID(t.ID) || t.Version == 0 || t.Locale != "" && !ValidLocale(t.Locale) {
		return false, fmt.Errorf("template %.64q version %d locale %.35q: no such file can be", t.ID, t.Version, t.Locale)
	}
	name := fileName(t.ID, t.Version, t.Locale)
	if written, err = f.write(name, t); err != nil {
		return false, fmt.Errorf("write template %s: %w", name, err)
	}
	if written {
		return true, nil
	}
	old, err := f.Get(ctx, t.ID, t.Version, t.Locale)
	if err != nil {
		return false, err
	}
	return false, same(old, t)
}

// write says whether it is this call that wrote the file.
func (f *Folder) write(name string, t pipeline.Template) (written bool, err error) {
	if err := f.root.MkdirAll(t.ID, 0o700); err != nil {
		return false, err
	}
	// Not a name of a version, so that nobody takes it for one.
	draft := t.ID + "/" + rand.Text() + ".tmp"
	if err := f.writeSynced(draft, encodeFile(t)); err != nil {
		return false, errors.Join(err, f.discard(draft))
	}
	err = f.root.Link(draft, name)
	taken := errors.Is(err, fs.ErrExist)
	if taken {
		err = nil
	}
	err = errors.Join(err, f.discard(draft))
	// Also when it was there: who wrote it may not have come this far.
	for _, dir := range []string{t.ID, "."} {
		err = errors.Join(err, f.sync(dir))
	}
	return !taken, err
}

func (f *Folder) discard(draft string) error {
	if err := f.root.Remove(draft); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *Folder) writeSynced(name string, data []byte) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// sync makes the names in a directory durable.
func (f *Folder) sync(dir string) error {
	opened, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

// encodeFile is the inverse of decodeFile.
func encodeFile(t pipeline.Template) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // it is read by people, too
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(struct {
		Subject string `json:"subject,omitempty"`
		Body    string `json:"body"`
	}{t.Subject, t.Body}); err != nil {
		panic("BUG: a template that is no JSON: " + err.Error())
	}
	return b.Bytes()
}
