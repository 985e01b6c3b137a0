package load

import (
	"runtime"
	"testing"
)

func TestCPUCountsWhatIsUsed(t *testing.T) {
	before, err := ReadCPU()
	if err != nil {
		t.Fatal(err)
	}
	var use CPUUse
	for x := 0; use.Process < 20_000_000; x++ { // until 20 ms were burnt
		if x%100_000 != 0 {
			continue
		}
		now, err := ReadCPU()
		if err != nil {
			t.Fatal(err)
		}
		use = now.Since(before)
	}
	share, ok := use.Machine()
	if ok != (runtime.GOOS == "linux" && use.machine.total > 0) || share < 0 || share > 1 {
		t.Errorf("share of the machine %v, %v", share, ok)
	}
}
