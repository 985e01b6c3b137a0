package pebble

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What nobody outside waits for shares the commit of what somebody does, or of
// all that comes within maxLinger.
func TestPatientChangesShareCommits(t *testing.T) {
	urgent, patient := &change{}, &change{patient: true}
	type arrival struct {
		after time.Duration
		*change
	}
	for _, c := range []struct {
		name     string
		arriving int64
		first    *change
		later    []arrival
		want     int
		after    time.Duration
	}{
		{"an urgent one goes alone, at once", 0, urgent, []arrival{{time.Millisecond, urgent}}, 1, 0},
		{"an urgent one takes along what waits", 1, urgent, []arrival{{0, patient}, {0, urgent}}, 3, 0},
		{"an urgent one waits for those on the way", 2, urgent, []arrival{{shareLinger / 4, urgent}, {shareLinger / 4, urgent}, {shareLinger / 4, urgent}}, 3, shareLinger / 2},
		{"but no longer than shareLinger", 3, urgent, []arrival{{shareLinger / 2, urgent}, {shareLinger, urgent}}, 2, shareLinger},
		{"patient ones wait for an urgent one", 1, patient, []arrival{{time.Millisecond, patient}, {time.Millisecond, urgent}, {time.Millisecond, urgent}}, 3, 2 * time.Millisecond},
		{"and then for those on the way", 2, patient, []arrival{{time.Millisecond, urgent}, {shareLinger / 2, urgent}, {time.Millisecond, urgent}}, 3, time.Millisecond + shareLinger/2},
		{"patient ones alone wait no longer than maxLinger", 1, patient, []arrival{{3 * time.Millisecond, patient}, {3 * time.Millisecond, patient}}, 2, maxLinger},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWriter(nil, 1)
				w.arriving.Store(c.arriving)
				arrive := func() {
					for _, a := range c.later {
						time.Sleep(a.after)
						if !a.patient {
							w.arriving.Add(-1)
						}
						w.changes <- a.change
					}
				}
				var arriving sync.WaitGroup
				defer arriving.Wait()
				if c.later[0].after > 0 {
					arriving.Go(arrive)
				} else {
					arrive()
				}
				linger := time.NewTimer(time.Hour)
				defer linger.Stop()
				began := time.Now()
				if got := len(w.gather([]*change{c.first}, linger)); got != c.want {
					t.Errorf("%d changes share the commit, want %d", got, c.want)
				}
				if took := time.Since(began); took != c.after {
					t.Errorf("it began after %v, want %v", took, c.after)
				}
			})
		})
	}
}

// A writer that is to stop waits for nobody.
func TestStoppingWriterDoesNotLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriter(nil, 1)
		close(w.changes)
		linger := time.NewTimer(time.Hour)
		defer linger.Stop()
		began := time.Now()
		if got := len(w.gather([]*change{{patient: true}}, linger)); got != 1 || time.Since(began) != 0 {
			t.Errorf("it committed %d changes after %v, want 1 at once", got, time.Since(began))
		}
	})
}
