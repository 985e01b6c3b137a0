package memory_test

import (
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

func TestBusConforms(t *testing.T) {
	pipelinetest.Bus(t, func(_ *testing.T, ends int) []pipeline.Bus {
		bus := memory.NewBus()
		all := make([]pipeline.Bus, ends)
		for i := range all {
			all[i] = bus
		}
		return all
	}, nil)
}
