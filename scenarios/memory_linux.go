package scenarios

import "syscall"

// machineMemory is the memory of the machine, in bytes (sysinfo(2)).
func machineMemory() (bytes uint64, ok bool) {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0, false
	}
	return uint64(info.Totalram) * uint64(info.Unit), true
}
