package memory_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/memory"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

func TestLimitsConform(t *testing.T) {
	pipelinetest.RateLimits(t, func(*testing.T) pipeline.Limits { return memory.NewLimits(1 << 20) })
}

// Users for whom there is no room pass: the bound is on memory, and those that
// are counted stay limited.
func TestLimitsAreBoundedInBytes(t *testing.T) {
	const limit = 4 << 20
	l := memory.NewLimits(limit)
	at := time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC)
	take := func(user string) bool {
		granted := make([]bool, 1)
		if err := l.TakeDaily(t.Context(), at, email(user), pipeline.DailyLimits{Email: 1}, granted); err != nil {
			t.Fatal(err)
		}
		return granted[0]
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	take("first")
	for i := range 300_000 {
		take(fmt.Sprint("user", i))
	}
	used := heap() - before
	if take("first") {
		t.Error("who is counted got more than the limit")
	}
	if !take("user299999") {
		t.Error("who is not counted did not pass")
	}
	if n := l.Users(); n < limit/50 || used > limit {
		t.Errorf("%d users take %d bytes with a limit of %d", n, used, limit)
	}
	t.Logf("%d users take %d bytes", l.Users(), used)
	at = at.Add(24 * time.Hour)
	take("first")
	if n := l.Users(); n > limit/40 {
		t.Errorf("%d users are counted on a new day", n)
	}
}
