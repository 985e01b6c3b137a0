package scenarios

import (
	"os"
	"strings"
)

// processor names the model of the machine's processor, by which runs on
// machines of another class are told apart; empty where the kernel does not say,
// as on most of ARM (proc_cpuinfo(5)).
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return ""
}
