package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// BenchmarkTakeDaily takes tokens of users who have taken some before.
func BenchmarkTakeDaily(b *testing.B) {
	const users = 100_000
	limits := memory.NewLimits(64 << 20)
	at, daily := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), pipeline.DailyLimits{Push: 1 << 40, Email: 1 << 40, SMS: 1 << 40}
	slices := make([][]pipeline.PreferenceKey, users/pipelinetest.BenchSlice)
	granted := make([]bool, pipelinetest.BenchSlice)
	for i := range slices {
		for j := range pipelinetest.BenchSlice {
			slices[i] = append(slices[i], pipeline.PreferenceKey{UserID: fmt.Sprintf("u%d", i*pipelinetest.BenchSlice+j), Channel: pipeline.SMS})
		}
	}
	take := func(i int) {
		if err := limits.TakeDaily(b.Context(), at, slices[i%len(slices)], daily, granted); err != nil {
			b.Fatal(err)
		}
	}
	for i := range slices {
		take(i)
	}
	i := 0
	report := pipelinetest.PerNotification(b, pipelinetest.BenchSlice)
	for b.Loop() {
		take(i)
		i++
	}
	report()
}
