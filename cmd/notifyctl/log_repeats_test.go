package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRepeatsAreLeftOutAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(limitRepeats(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		lines := func(of string) (n int) {
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, of) {
					n++
				}
			}
			return n
		}
		for i := range 100 {
			log.With("part", i).Warn("away")
			log.Error("away")
			log.Debug("detail")
		}
		log.Info("something else")
		if w, e, d, i := lines("level=WARN"), lines("level=ERROR"), lines("level=DEBUG"), lines("something else"); w != 10 || e != 10 || d != 100 || i != 1 {
			t.Errorf("%d warnings, %d errors, %d of debugging and %d others passed, want 10, 10, 100 and 1", w, e, d, i)
		}
		out.Reset()
		time.Sleep(repeatsEvery)
		log.WithGroup("g").Warn("away", "part", "x")
		if got := out.String(); !strings.Contains(got, "left_out=90") {
			t.Errorf("the next says %q, want how many were left out", got)
		}
		out.Reset()
		time.Sleep(repeatsEvery)
		log.Warn("away")
		if got := out.String(); strings.Contains(got, "left_out") {
			t.Errorf("nothing was left out, and it says %q", got)
		}
	})
}
