package load

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// readMachineTime reads the first line of /proc/stat (proc_stat(5)): clock
// ticks in user, nice, system, idle, iowait, irq, softirq, steal.
func readMachineTime() (t machineTime, err error) {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return machineTime{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		return machineTime{}, err
	}
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return machineTime{}, fmt.Errorf("/proc/stat begins with %q", line)
	}
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return machineTime{}, err
		}
		t.total += ticks
		if idle := i == 3 || i == 4; !idle {
			t.busy += ticks
		}
	}
	return t, nil
}
