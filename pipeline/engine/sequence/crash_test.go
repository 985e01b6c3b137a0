package sequence

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

func to(user string) pipeline.Notification {
	return pipeline.Notification{
		Ref: user + "-1", UserID: user, Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional,
	}
}

// answers are by the user: what the provider answers first, then it accepts.
func answers(ref string, nth int) reply {
	script := map[string][]reply{
		"busy-1": {{pipeline.Transient, false}, {pipeline.Transient, false}},
		"open-1": {{pipeline.Ambiguous, true}},
		"shut-1": {{pipeline.Ambiguous, false}},
	}[ref]
	if ref == "wrong-1" {
		return reply{pipeline.Permanent, false}
	}
	if nth <= len(script) {
		return script[nth-1]
	}
	return reply{pipeline.Sent, true}
}

// wayThroughAll is a way on which every step of both commits is taken.
func wayThroughAll(tr *trial) {
	tr.answer = answers
	w := &worker{trial: tr}
	tr.submit(&request{key: 1, notifications: []pipeline.Notification{to("ada"), to("opted out"), to("busy"), to("open"), to("shut")}})
	tr.log.append(logRecord{undecodable: []byte("?"), queue: pipeline.Queue{Channel: pipeline.Email, Priority: pipeline.High}})
	tr.submit(&request{key: 2, notifications: []pipeline.Notification{to("wrong")}})
	tr.work(w)
	wrong := tr.requests[1].ids[0]
	tr.submit(&request{key: 3, notifications: []pipeline.Notification{to("wrong")}, replayOf: wrong})
	tr.submit(&request{notifications: []pipeline.Notification{to("eve")}})
	tr.work(w)
	tr.check()
}

// At every boundary between two steps a process dies, or a store is away for
// once: nothing is lost, and nothing counts twice.
func TestEveryBoundary(t *testing.T) {
	seen := map[string]int{}
	for at := 0; ; at++ {
		passed := 0
		for _, f := range []fault{crash, away} {
			passed = 0
			name := ""
			if err := inTrial(t, func(tr *trial) {
				tr.boundary = func(boundary string) fault {
					passed++
					if passed-1 != at {
						return nothing
					}
					name = boundary
					return f
				}
				wayThroughAll(tr)
			}); err != nil {
				t.Errorf("with fault %d %s, boundary %d: %v", f, name, at, err)
			}
			seen[name]++
		}
		if passed <= at {
			break
		}
	}
	for _, step := range []string{
		"reserve", "append", "done", "note replays", "acquire", "commit a frontier", "record", "put aside", "queue a retry", "commit", "send", "close",
	} {
		if seen["before "+step] == 0 || seen["after "+step] == 0 {
			t.Errorf("no fault was met around %q", step)
		}
	}
}

// A second fault meets what makes up for the first.
func TestTwoFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gaps := rapid.SliceOfN(rapid.IntRange(0, 40), 2, 6).Draw(rt, "gaps")
		kinds := rapid.SliceOfN(rapid.SampledFrom([]fault{crash, crash, away}), len(gaps), len(gaps)).Draw(rt, "faults")
		var met []string
		err := inTrial(t, func(tr *trial) {
			next, left := gaps, gaps[0]
			tr.boundary = func(boundary string) fault {
				if len(next) == 0 {
					return nothing
				}
				if left > 0 {
					left--
					return nothing
				}
				f := kinds[len(gaps)-len(next)]
				met = append(met, fmt.Sprint(f, " ", boundary))
				if next = next[1:]; len(next) > 0 {
					left = next[0]
				}
				return f
			}
			wayThroughAll(tr)
		})
		if err != nil {
			rt.Fatalf("after %q: %v", met, err)
		}
	})
}

// step is one of a schedule of gateways and workers.
type step struct {
	kind   string
	worker int
	count  int
}

// Several workers take a channel from each other in any order, without knowing,
// while processes die and stores are away: each goes on with what it had in
// hand. But none dies between queueing a retry and its commit: when a former
// owner has a retry of the same delivery recorded meanwhile, due at another
// time, one of two copies cannot be told for what it is. With one owner at a
// time that boundary is safe, as the tests above show.
func TestSchedules(t *testing.T) {
	users := []string{"ada", "busy", "open", "shut", "wrong", "opted out", "eve"}
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{
				kind:   rapid.SampledFrom([]string{"submit", "fetch", "fetch", "send", "settle", "settle", "lose", "kill", "wait"}).Draw(rt, "kind"),
				worker: rapid.IntRange(0, 1).Draw(rt, "worker"), count: rapid.IntRange(1, 4).Draw(rt, "count"),
			}
		}), 5, 40).Draw(rt, "steps")
		faults := rapid.MapOfN(rapid.IntRange(0, 200), rapid.SampledFrom([]fault{crash, away}), 0, 4).Draw(rt, "faults")
		err := inTrial(t, func(tr *trial) {
			tr.answer = answers
			passed := 0
			tr.boundary = func(name string) fault {
				passed++
				if name == "after queue a retry" || name == "before commit" {
					return nothing
				}
				return faults[passed-1]
			}
			tr.workers = []*worker{{trial: tr}, {trial: tr}}
			for i, s := range steps {
				tr.take(s, i, users)
			}
			for _, w := range tr.workers { // what they have in hand comes late
				w.send()
				w.settle()
			}
			tr.work(tr.workers[0])
			tr.check()
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func (tr *trial) take(s step, number int, users []string) {
	w := tr.workers[s.worker]
	switch s.kind {
	case "submit":
		r := &request{notifications: make([]pipeline.Notification, s.count)}
		for i := range r.notifications {
			r.notifications[i] = to(users[(number+i)%len(users)])
		}
		if s.worker == 0 {
			r.key = byte(number + 1)
		}
		tr.submit(r)
	case "fetch":
		w.fetch(s.count)
	case "send":
		w.send()
	case "settle":
		w.settle()
	case "lose":
		w.lose()
	case "kill":
		if w.process != nil {
			w.kill()
		}
	case "wait":
		time.Sleep(time.Duration(s.count) * time.Second)
	}
}
