//go:build !linux

package load

// readMachineTime: only Linux says it without cgo.
func readMachineTime() (machineTime, error) { return machineTime{}, nil }
