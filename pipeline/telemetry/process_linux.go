package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// readResidentBytes reads the resident set from /proc/self/statm, whose second
// field counts it in pages (proc(5)).
func readResidentBytes() (*int64, error) {
	const path = "/proc/self/statm"
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fields := bytes.Fields(content)
	if len(fields) < 2 {
		return nil, fmt.Errorf("%s has %d fields, not at least 2", path, len(fields))
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	resident := pages * int64(os.Getpagesize())
	return &resident, nil
}

// countOpenFiles counts the entries of /proc/self/fd, without the descriptor
// that reads them (proc(5)).
func countOpenFiles() (*int64, error) {
	directory, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	names, err := directory.Readdirnames(-1)
	if err := errors.Join(err, directory.Close()); err != nil {
		return nil, err
	}
	open := int64(len(names) - 1)
	return &open, nil
}
