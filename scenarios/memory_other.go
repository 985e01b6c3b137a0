//go:build !linux

package scenarios

// machineMemory: only Linux says it without cgo.
func machineMemory() (bytes uint64, ok bool) { return 0, false }
