package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/notifyctl/notifyctl/scenarios"
)

// ResultFile is the name of the file that every other report is a reading of.
const ResultFile = "result.json"

// WriteResult writes a result to result.json in a directory, which it makes if
// it must, and gives the file's path. The file is there whole or not at all.
func WriteResult(dir string, r *scenarios.Result) (path string, err error) {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode the result: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the directory for the result: %w", err)
	}
	path = filepath.Join(dir, ResultFile)
	if err := writeAtomically(path, append(text, '\n')); err != nil {
		return "", fmt.Errorf("write the result: %w", err)
	}
	return path, nil
}

// writeAtomically replaces a file by one that is synced before it takes the
// name.
func writeAtomically(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
