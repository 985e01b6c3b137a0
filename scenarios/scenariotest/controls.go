package scenariotest

import (
	"net/http"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// A Control is a system with one thing wrong with it, which the checks about it
// must find, and no other.
type Control struct {
	Name    string
	System  *System
	Metrics []string // that checks fail about; none for a sound system
}

// Controls are the negative controls of the checks, and a sound system. Each call
// makes new ones.
func Controls() []Control {
	return []Control{
		{"sound", sound(), nil},
		{"503 to 1 in 500", with(func(s *System) {
			s.Answer = func(n int) int {
				if n%500 == 0 {
					return http.StatusServiceUnavailable
				}
				return http.StatusAccepted
			}
		}), []string{"errors", "refused"}}, // which a scenario that may refuse nothing asks for beside errors
		{"p99 of 700 ms", with(func(s *System) {
			s.Latency = func(n int) time.Duration {
				if n%50 == 0 {
					return 700 * time.Millisecond
				}
				return time.Millisecond
			}
		}), []string{"latency.p99"}},
		{"leaks 1 MB/s", with(func(s *System) {
			s.Status = func(age time.Duration, status *api.Status) {
				describe(age, status)
				status.Resources.HeapBytes += int64(age.Seconds() * 1e6)
			}
		}), []string{"slope.heap"}},
		// That it takes too long and that it is not as the policy says are two
		// measurements of one promise.
		{"never scales", with(func(s *System) {
			s.Status = func(age time.Duration, status *api.Status) {
				describe(age, status)
				g := &status.Scaling.Groups[0]
				g.Running, g.Starting = 2, g.Desired-2
			}
		}), []string{"scaling.time", "scaling.deviation"}},
		{"loses 3", with(func(s *System) { s.Lose = 3 }), []string{"lost"}},
		{"sends 5 twice", with(func(s *System) { s.Twice = 5 }), []string{"duplicates"}},
	}
}

func sound() *System { return &System{Takes: 100 * time.Millisecond, Status: describe} }

// with is a system that is sound but for one thing.
func with(wrong func(*System)) *System {
	s := sound()
	wrong(s)
	return s
}

// describe adds to a status what a sound system says: its memory, goroutines and
// connections stay as they are, and its pool, which is two workers small at first,
// has the four that its policy wishes for after four seconds: of 50 notifications
// a second and workers that send 10 in 1.2 s, four is the most that it may have.
func describe(age time.Duration, status *api.Status) {
	rss := int64(200e6)
	status.Resources = api.Resources{HeapBytes: 50e6, RSSBytes: &rss, Goroutines: 100, CPUSeconds: age.Seconds() / 100}
	status.Providers[0].Connections = 4
	status.Providers[0].Latency = api.Histogram{{1_200_000, 1 + status.Account.Delivered/10}}
	group := api.ScaledGroup{Kind: "workers", Name: "push", Min: 2, Max: 4, Wished: 4, Desired: 4, Running: 4}
	switch {
	case age < time.Second:
		group.Wished, group.Desired, group.Running = 2, 2, 2
	case age < 4*time.Second:
		group.Running, group.Starting = 2, 2
	}
	status.Workers[0].Entries = status.Account.Delivered
	status.Scaling = api.Scaling{Policy: "arrivals", EveryMS: 1000, StartDelayMS: 2000, Groups: []api.ScaledGroup{group}}
}
