package scenarios

import "runtime"

// here describes the machine and the program.
func here(version string) Environment {
	e := Environment{
		CPUs: runtime.GOMAXPROCS(0), CPU: processor(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Version: version,
	}
	if memory, ok := machineMemory(); ok {
		e.Memory = &memory
	}
	return e
}
