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
		name  string
		many  bool
		first *change
		later []arrival
		want  int
		after time.Duration
	}{
		{"an urgent one goes alone, at once", false, urgent, []arrival{{time.Millisecond, urgent}}, 1, 0},
		{"an urgent one takes along what waits", false, urgent, []arrival{{0, patient}, {0, urgent}}, 3, 0},
		{"an urgent one of many waits for others", true, urgent, []arrival{{shareLinger / 4, urgent}, {shareLinger / 4, patient}, {shareLinger, urgent}}, 3, shareLinger},
		{"patient ones wait for an urgent one", false, patient, []arrival{{time.Millisecond, patient}, {time.Millisecond, urgent}, {time.Millisecond, urgent}}, 3, 2 * time.Millisecond},
		{"and where many come for others", true, patient, []arrival{{2 * time.Millisecond, urgent}, {shareLinger / 2, urgent}, {shareLinger, urgent}}, 3, 2*time.Millisecond + shareLinger},
		{"patient ones alone wait no longer than maxLinger", true, patient, []arrival{{3 * time.Millisecond, patient}, {3 * time.Millisecond, patient}}, 2, maxLinger},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWriter(nil, 1)
				w.many = c.many
				arrive := func() {
					for _, a := range c.later {
						time.Sleep(a.after)
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

// Many are those that come faster than manyRate, over rateEvery at least; what
// nobody waits for is not counted.
func TestManyClientsAreNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriter(nil, 1)
		patient, urgent := &change{patient: true}, &change{}
		for _, c := range []struct {
			commit []*change
			every  time.Duration
			want   bool
		}{
			{[]*change{urgent}, 2 * time.Millisecond, false},
			{[]*change{urgent, urgent, urgent}, time.Millisecond, true},
			{[]*change{patient, patient, patient, urgent}, time.Millisecond, false},
		} {
			for range 3 * rateEvery / c.every {
				time.Sleep(c.every)
				w.countClients(c.commit)
			}
			if w.many != c.want {
				t.Errorf("%d changes each %v: many is %v, want %v", len(c.commit), c.every, w.many, c.want)
			}
		}
	})
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
