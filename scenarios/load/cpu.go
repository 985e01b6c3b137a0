package load

import (
	"fmt"
	"syscall"
	"time"
)

// CPU is what was used of the processor up to a moment.
type CPU struct {
	process time.Duration // user and system, of this process
	machine machineTime
}

// CPUUse is what was used of the processor between two moments.
type CPUUse struct {
	Process time.Duration // user and system, of this process
	machine machineTime
}

// machineTime is the time of all of a machine's processors, in any unit; zero
// where the system does not say.
type machineTime struct{ busy, total uint64 }

// ReadCPU reads what was used so far.
func ReadCPU() (CPU, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return CPU{}, fmt.Errorf("read the CPU time of this process: %w", err)
	}
	machine, err := readMachineTime()
	if err != nil {
		return CPU{}, fmt.Errorf("read the CPU time of this machine: %w", err)
	}
	return CPU{
		process: time.Duration(usage.Utime.Nano() + usage.Stime.Nano()),
		machine: machine,
	}, nil
}

// Since is what was used since an earlier reading.
func (c CPU) Since(earlier CPU) CPUUse {
	return CPUUse{
		Process: c.process - earlier.process,
		machine: machineTime{busy: c.machine.busy - earlier.machine.busy, total: c.machine.total - earlier.machine.total},
	}
}

// Plus is what was used in both of two times.
func (u CPUUse) Plus(other CPUUse) CPUUse {
	return CPUUse{
		Process: u.Process + other.Process,
		machine: machineTime{busy: u.machine.busy + other.machine.busy, total: u.machine.total + other.machine.total},
	}
}

// Machine is the share of the machine's processors that was in use, by any
// process, from 0 to 1; ok is false where the system does not say.
func (u CPUUse) Machine() (share float64, ok bool) {
	if u.machine.total == 0 {
		return 0, false
	}
	return float64(u.machine.busy) / float64(u.machine.total), true
}
