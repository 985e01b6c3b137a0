package sequence

import "log/slog"

// disks is what outlives processes.
type disks struct {
	keys *keyDisk
	log  *logDisk
	rows *rowDisk
}

func newDisks() *disks { return &disks{newKeyDisk(), newLogDisk(), newRowDisk()} }

// open makes a process's store.
func (d *disks) open(p *process) *Store {
	return New(&memoryKeys{p, d.keys}, &memoryLog{p, d.log}, &memoryRows{p, d.rows}, Options{Log: slog.New(slog.DiscardHandler)})
}
