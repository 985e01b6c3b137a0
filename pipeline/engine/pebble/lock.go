package pebble

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Lock keeps other processes off a store that is not opened itself, until the
// lock is closed. There must be a store.
func Lock(dir string) (io.Closer, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no store in %s: give the directory of serve --data", dir)
	}
	lock, err := pebble.LockDirectory(dir, privateFS{vfs.Default})
	if err != nil {
		return nil, fmt.Errorf("lock the store in %s: %w", dir, explainLock(err))
	}
	return lock, nil
}
