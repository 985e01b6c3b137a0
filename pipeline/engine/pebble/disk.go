package pebble

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// privateFS makes files that their owner alone may read: they hold addresses.
type privateFS struct{ vfs.FS }

const privateMode = 0o600

// Create makes a file.
func (f privateFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	if err != nil {
		return nil, err
	}
	return file, os.Chmod(name, privateMode)
}

// Lock makes the file that one process holds.
func (f privateFS) Lock(name string) (io.Closer, error) {
	lock, err := f.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	return lock, os.Chmod(name, privateMode)
}

// disk knows how much room is left, as of a second ago at most.
type disk struct {
	fs     vfs.FS
	dir    string
	mu     sync.Mutex
	looked time.Time
	room   uint64
}

const diskLookEvery = time.Second

// free is the room left in bytes; a file system that does not say is taken as
// endless. It is asked for before something is accepted, so that a full disk
// shows, and goes away, without a write.
func (d *disk) free(now time.Time) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.looked) < diskLookEvery {
		return d.room
	}
	d.looked, d.room = now, 1<<62
	if usage, err := d.fs.GetDiskUsage(d.dir); err == nil {
		d.room = usage.AvailBytes
	}
	return d.room
}
