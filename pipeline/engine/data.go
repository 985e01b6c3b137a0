package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline"
)

// dataDir is the directory that keeps a system's state.
type dataDir struct {
	path      string
	temporary bool
}

// openData opens the data directory, if something is embedded that lies there.
func (s *System) openData() (err error) {
	embeds := !s.cfg.Engines.externalStore() || !s.cfg.Engines.externalPreferences() || s.cfg.Templates.At == ""
	if !embeds {
		if s.cfg.DataDir != "" {
			s.cfg.Log.Info("the data directory is not used: everything is kept by engines beyond the network", slog.String("data", s.cfg.DataDir))
		}
		return nil
	}
	if s.data, err = openDataDir(s.cfg.DataDir); err != nil {
		return err
	}
	s.onClose(s.data.remove)
	return nil
}

// idKey is the secret that ids are checked under.
func (s *System) idKey(ctx context.Context) (pipeline.IDKey, error) {
	if s.postgres == nil {
		return s.data.idKey(s.cfg.IDKey)
	}
	if s.cfg.IDKey == "" {
		return s.postgres.IDKey(ctx, nil)
	}
	given, err := givenIDKey(s.cfg.IDKey)
	if err != nil {
		return given, err
	}
	return s.postgres.IDKey(ctx, &given)
}

// openDataDir makes the directory if it is not there, or a temporary one when
// none is named.
func openDataDir(path string) (dataDir, error) {
	if path == "" {
		path, err := os.MkdirTemp("", "notifyctl-")
		if err != nil {
			return dataDir{}, fmt.Errorf("make a temporary data directory: %w", err)
		}
		return dataDir{path: path, temporary: true}, nil
	}
	if err := makeDir(path); err != nil {
		return dataDir{}, fmt.Errorf("make the data directory: %w", err)
	}
	return dataDir{path: path}, nil
}

// makeDir makes a directory and what is missing above it, and sees to it that a
// power cut takes none of them out of its parent again.
func makeDir(path string) error {
	var parents []string // of what is missing
	for at := filepath.Clean(path); at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		parents = append(parents, filepath.Dir(at))
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for _, parent := range parents {
		if err := syncDir(parent); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (d dataDir) store() string       { return filepath.Join(d.path, "store") }
func (d dataDir) preferences() string { return filepath.Join(d.path, "preferences") }
func (d dataDir) templates() string   { return filepath.Join(d.path, "templates") }

// remove removes a temporary directory and leaves any other alone.
func (d dataDir) remove() error {
	if !d.temporary {
		return nil
	}
	if err := os.RemoveAll(d.path); err != nil {
		return fmt.Errorf("remove the temporary data directory: %w", err)
	}
	return nil
}

// idKey is the secret that ids are checked under: the one given, else the one
// that the directory keeps, made when it is new. Without the same key a restart
// would not know its own ids.
func (d dataDir) idKey(given string) (pipeline.IDKey, error) {
	if given != "" {
		return givenIDKey(given)
	}
	path := filepath.Join(d.path, "id.key")
	text, err := os.ReadFile(path)
	if err == nil {
		key, err := parseIDKey(strings.TrimSpace(string(text)))
		if err != nil {
			return key, fmt.Errorf("%s: %w; restore it from a copy: without it no id that was given out is known again", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return pipeline.IDKey{}, fmt.Errorf("read the key of the ids: %w", err)
	}
	if _, err := os.Stat(d.store()); err == nil {
		return pipeline.IDKey{}, fmt.Errorf("%s is missing, and the store beside it has ids made under it: restore it from a copy, or give it by NOTIFYCTL_ID_KEY", path)
	}
	var key pipeline.IDKey
	_, _ = rand.Read(key[:]) // never fails
	if err := writeSynced(path, hex.EncodeToString(key[:])+"\n"); err != nil {
		return key, fmt.Errorf("keep the key of the ids: %w", err)
	}
	return key, nil
}

func givenIDKey(text string) (pipeline.IDKey, error) {
	key, err := parseIDKey(text)
	if err != nil {
		return key, fmt.Errorf("NOTIFYCTL_ID_KEY: %w", err)
	}
	return key, nil
}

func parseIDKey(text string) (pipeline.IDKey, error) {
	var key pipeline.IDKey
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(key) {
		return key, fmt.Errorf("want %d hexadecimal digits", 2*len(key))
	}
	return pipeline.IDKey(b), nil
}

// writeSynced writes a file that is whole on the disk when it returns: under
// another name first, so that a crash leaves none or all of it.
func writeSynced(path, text string) error {
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
