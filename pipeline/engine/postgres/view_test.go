package postgres

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestConclude(t *testing.T) {
	away, replica := sight{err: errors.New("refused")}, sight{replica: true}
	on := func(timeline int32) sight { return sight{timeline: timeline} }
	for name, c := range map[string]struct {
		before   int32
		sights   []sight
		primary  int // index, or -1
		replicas int
		why      string
	}{
		"one alone":                          {0, []sight{on(1)}, 0, 0, ""},
		"a primary among replicas":           {1, []sight{replica, on(1), replica}, 1, 2, ""},
		"a primary away":                     {1, []sight{away, replica}, -1, 1, "a: refused, b is a replica"},
		"a promoted replica":                 {1, []sight{away, on(2)}, 1, 0, ""},
		"the old primary beside the new":     {1, []sight{on(1), on(2)}, 1, 0, ""},
		"the old primary alone again":        {2, []sight{on(1), away}, -1, 0, "from before the failover to 2"},
		"two on one timeline":                {1, []sight{on(2), on(2)}, -1, 0, "a and b both take writes, on timeline 2"},
		"two on the new, and the old one":    {2, []sight{on(3), on(1), on(3)}, -1, 0, "a and c both take writes"},
		"the highest of three":               {1, []sight{on(3), on(1), on(4)}, 2, 0, ""},
		"replicas alone, before any primary": {0, []sight{replica}, -1, 1, "a is a replica"},
	} {
		t.Run(name, func(t *testing.T) {
			hosts := []*host{{name: "a"}, {name: "b"}, {name: "c"}}[:len(c.sights)]
			v := conclude(hosts, c.sights, lineage{timeline: c.before})
			if c.primary < 0 {
				if v.primary != nil || v.why == nil || !strings.Contains(v.why.Error(), c.why) || v.lineage.timeline != c.before {
					t.Errorf("got %+v", v)
				}
			} else if v.primary != hosts[c.primary] || v.why != nil || v.lineage.timeline != c.sights[c.primary].timeline {
				t.Errorf("got %+v", v)
			}
			if len(v.replicas) != c.replicas {
				t.Errorf("%d replicas, want %d", len(v.replicas), c.replicas)
			}
		})
	}
}

// Who comes while a run is under way gets the result of the next, which all
// share that came meanwhile.
func TestRoundsBeginAfterTheirCallersCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		r := rounds[int64]{run: func() int64 {
			n := runs.Add(1)
			time.Sleep(time.Second) // virtual, as all below
			return n
		}}
		results := make(chan int64, 10)
		join := func() {
			go func() {
				n, err := r.join(t.Context())
				if err != nil {
					t.Error(err)
				}
				results <- n
			}()
			synctest.Wait()
		}
		join()
		for range 3 {
			join()
		}
		time.Sleep(1500 * time.Millisecond)
		join()
		if n := <-results; n != 1 {
			t.Errorf("the first got run %d", n)
		}
		for range 3 {
			if n := <-results; n != 2 {
				t.Errorf("one that came during the first run got run %d", n)
			}
		}
		if n := <-results; n != 3 {
			t.Errorf("one that came during the second run got run %d", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := r.join(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		r.wg.Wait()
	})
}
