package pebble

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// acknowledgedName is the file that holds the number of the last commit whose
// callers may have been answered. It stands beside Pebble's log and not in it,
// so that a log that was cut off shows.
//
// The file is two slots, written in turn, each in a page of its own: a power
// cut may leave one of them torn, never both. A slot is the number, 8 bytes
// big-endian, and the CRC-32C of these.
const (
	acknowledgedName = "acknowledged"
	slotSize         = 12
	slotDistance     = 4096
)

// acknowledged is the open file. Its owner is the writer.
type acknowledged struct {
	file vfs.File
	next int64 // the slot that is older, or torn
	slot [slotSize]byte
}

// openAcknowledged opens the file, makes it if there is none, and returns what
// it says. It writes nothing to a file that is there.
func openAcknowledged(files vfs.FS, dir string) (*acknowledged, uint64, error) {
	path := files.PathJoin(dir, acknowledgedName)
	if _, err := files.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := makeAcknowledged(files, dir); err != nil {
			return nil, 0, err
		}
	} else if err != nil {
		return nil, 0, err
	}
	file, err := files.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, 0, err
	}
	a := &acknowledged{file: file}
	commit, err := a.read()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return a, commit, nil
}

// makeAcknowledged makes the file for a store without a commit. It is whole on
// the disk, or not there.
func makeAcknowledged(files vfs.FS, dir string) error {
	path := files.PathJoin(dir, acknowledgedName)
	file, err := files.Create(path+unfinished, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	content := make([]byte, slotDistance+slotSize)
	fillSlot(content[:slotSize], 0)
	fillSlot(content[slotDistance:], 0)
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := files.Rename(path+unfinished, path); err != nil {
		return err
	}
	return syncDir(files, dir)
}

// unfinished ends the name of a file that is being made.
const unfinished = ".tmp"

func syncDir(files vfs.FS, dir string) error {
	d, err := files.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func fillSlot(slot []byte, commit uint64) {
	binary.BigEndian.PutUint64(slot, commit)
	binary.BigEndian.PutUint32(slot[8:], slotSum(slot))
}

func slotSum(slot []byte) uint32 {
	return crc32.Checksum(slot[:8], crc32.MakeTable(crc32.Castagnoli))
}

// read finds the newer slot, and the one to be written next.
func (a *acknowledged) read() (commit uint64, err error) {
	whole := 0
	for slot := range int64(2) {
		_, err := a.file.ReadAt(a.slot[:], slot*slotDistance)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if err != nil || slotSum(a.slot[:]) != binary.BigEndian.Uint32(a.slot[8:]) {
			continue
		}
		if n := binary.BigEndian.Uint64(a.slot[:]); whole == 0 || n > commit {
			commit, a.next = n, 1-slot
		}
		whole++
	}
	if whole == 0 {
		return 0, damagef("neither half of the file %s can be read, which says how many commits were acknowledged", acknowledgedName)
	}
	return commit, nil
}

// write says that a commit, which is synced, may be acknowledged. It is not
// synced itself: what a process wrote outlives its death, and after a power cut
// the file says less than was acknowledged, never more.
func (a *acknowledged) write(commit uint64) error {
	fillSlot(a.slot[:], commit)
	_, err := a.file.WriteAt(a.slot[:], a.next*slotDistance)
	a.next = 1 - a.next
	return err
}

// close syncs the file and closes it.
func (a *acknowledged) close() error { return errors.Join(a.file.Sync(), a.file.Close()) }
