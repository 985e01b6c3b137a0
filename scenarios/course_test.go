package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/planner"
)

// courseOf is the course of a run with a stage of calm and one of a spike, of ten
// seconds each.
func courseOf(t *testing.T, m *marks, checks ...Expectation) *course {
	t.Helper()
	list, err := expectedOf(checks, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	targets := scalingTargetsOf(planner.Reference(), nil, 10, 1)
	return newCourse([]Stage{{Name: "calm", For: 10 * time.Second}, {Name: "spike", For: 10 * time.Second}}, list, targets, 100, 1, m)
}

// ofSecond is the n-th second of a run, with requests all answered in so long.
func ofSecond(n int, requests uint64, took time.Duration) interval {
	return interval{
		from: time.Duration(n) * time.Second, to: time.Duration(n+1) * time.Second,
		clients: clientCounts{
			seconds: 1, offered: requests, sent: requests, accepted: requests,
			response: api.Histogram{{took.Microseconds(), int64(requests)}}, service: api.Histogram{{took.Microseconds(), int64(requests)}},
		},
	}
}

// answerOf is a system's answer n seconds after it started.
func answerOf(n int, change func(*api.Status)) *api.Status {
	s := &api.Status{
		Now:       time.Unix(int64(n), 0),
		Account:   api.Account{Accepted: int64(n) * 100, Delivered: int64(n) * 100},
		Providers: []api.Provider{{Name: "sendgrid", Breaker: "closed", Connections: 40, Entries: int64(n) * 110}},
		Workers:   []api.Workers{{Channel: "push", Running: 10, Busy: 5}, {Channel: "sms", Running: 4, Busy: 3}},
		Resources: api.Resources{CPUSeconds: float64(n) * 0.01},
	}
	if change != nil {
		change(s)
	}
	return s
}

func judgedIn(t *testing.T, c *course, e *evidence) map[string]Check {
	t.Helper()
	e.course, e.batch = c, c.batch
	out := map[string]Check{}
	for _, w := range c.windows {
		out[w.check.Name] = e.judge(w.check)
	}
	return out
}

// measuredIn is what a metric is in a part of a run.
func measuredIn(t *testing.T, c *course, e *evidence, name, during string) reading {
	t.Helper()
	m, err := findMetric(name)
	if err != nil {
		t.Fatal(err)
	}
	e.course, e.batch = c, c.batch
	if e.load == nil {
		e.load = reportOf(20 * time.Second)
	}
	return m.measure(e.view(during))
}

// TestTheWorstWindowIsFound: what is bad for five seconds of an hour is not
// averaged away, and it is said when it was.
func TestTheWorstWindowIsFound(t *testing.T) {
	var m marks
	c := courseOf(t, &m,
		Expectation{Name: "slow", Metric: "latency.p99", Op: "<", Limit: 500, Over: 5 * time.Second},
		Expectation{Name: "slow in calm", Metric: "latency.p99", Op: "<", Limit: 500, Over: 5 * time.Second, During: "calm"},
		Expectation{Name: "sent", Metric: "achieved", Op: ">=", Limit: 99, Over: 5 * time.Second},
		Expectation{Name: "long", Metric: "latency.p99", Op: "<", Limit: 500, Over: 15 * time.Second, During: "spike"})
	for n := range 20 {
		took := 20 * time.Millisecond
		if n == 13 {
			took = 700 * time.Millisecond
		}
		i := ofSecond(n, 100, took)
		if n == 16 {
			i.clients.offered = 150
			i.clients.dropped, i.clients.droppedHeld = 50, 50
		}
		c.add(i, nil)
	}
	checks := judgedIn(t, c, &evidence{})
	if slow := checks["slow"]; slow.Verdict != Fail || *slow.Measured != 700 || *slow.At != 14 || slow.Over != 5 {
		t.Errorf("slow: %+v", slow)
	}
	if calm := checks["slow in calm"]; calm.Verdict != Pass || *calm.Measured != 20 || *calm.At > 10 {
		t.Errorf("slow in calm: %+v", calm)
	}
	if sent := checks["sent"]; sent.Verdict != Fail || *sent.Measured < 90.9 || *sent.Measured > 91 || *sent.At != 17 {
		t.Errorf("sent: %+v", sent)
	}
	// The spike is shorter than the window: all of it is one.
	if long := checks["long"]; long.Verdict != Fail || *long.At != 20 {
		t.Errorf("long: %+v", long)
	}
}

// TestSpansAreApart: each stage has what was seen in it, and the drain what came
// after.
func TestSpansAreApart(t *testing.T) {
	var m marks
	c := courseOf(t, &m)
	c.begin(answerOf(0, nil))
	for n := range 25 {
		i := ofSecond(n, 10, 20*time.Millisecond)
		if n >= 20 {
			i.clients = clientCounts{}
		}
		c.add(i, answerOf(n+1, func(s *api.Status) {
			if n >= 10 && n < 20 {
				s.Queues = []api.Queue{{Waiting: int64(n) * 100, OldestAgeMS: 300}}
			}
			if n >= 20 && n < 23 { // what was accepted at 19.7 s still waits at 22.9 s
				s.Queues = []api.Queue{{Waiting: 5, OldestAgeMS: int64(n+1)*1000 - 19_700}}
				s.Account.InFlight = 5
			}
		}))
	}
	e := &evidence{over: true, marks: &m}
	for _, test := range []struct {
		metric, during string
		want           float64
	}{
		{"queue.depth", "", 1900},
		{"queue.depth", "calm", 0},
		{"queue.depth", "spike", 1900},
		{"queue.depth", Drain, 5},
		{"queue.lag", "calm", 0},
		{"queue.lag", "spike", 300},
		{"queue.lag", Drain, 3300},
		{"queue.final", "spike", 1900},
		{"queue.final", "", 0},
		{"drain.time", "", 4000},
		{"drain.time", Drain, 4000},
		{"drain.time", "calm", 1000},
		{"drain.time", "spike", 4000},
		{"attempts", "spike", 1.1},
		{"connections.share", "", 40},
		{"workers.busy", "calm", 75},
		{"cpu", "spike", 100},
		{"breaker.opened", "", 0},
	} {
		r := measuredIn(t, c, e, test.metric, test.during)
		if r.missing != "" || r.open != "" || r.value < test.want-0.001 || r.value > test.want+0.001 {
			t.Errorf("%s during %q: %+v, want %g", test.metric, test.during, r, test.want)
		}
	}
	if r := measuredIn(t, c, e, "end_to_end.p99", ""); r.missing == "" {
		t.Errorf("end to end of nothing delivered: %+v", r)
	}
}

// TestWhatDoesNotDrainIsALowerBound, which cannot pass below a limit.
func TestWhatDoesNotDrainIsALowerBound(t *testing.T) {
	var m marks
	c := courseOf(t, &m)
	for n := range 30 {
		c.add(ofSecond(n, 10, time.Millisecond), answerOf(n, func(s *api.Status) {
			s.Account.InFlight = 1
			s.Queues = []api.Queue{{Waiting: 1, OldestAgeMS: int64(n) * 1000}}
		}))
	}
	e := &evidence{over: true, marks: &m, load: reportOf(20 * time.Second), course: c, batch: 10}
	for limit, want := range map[float64]Verdict{5000: Fail, 60_000: Inconclusive} {
		for _, during := range []string{"", "spike"} {
			check := judgeAll(t, []Expectation{{Name: "drained", Metric: "drain.time", Op: "<", Limit: limit, During: during}}, e)[0]
			if check.Verdict != want || check.Bound != AtLeast || *check.Measured != 10_000 {
				t.Errorf("during %q, limit %g: %+v", during, limit, check)
			}
		}
	}
}

// TestBreakersRecoverAfterTheFault, not before its end.
func TestBreakersRecoverAfterTheFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m marks
		m.start(time.Now())
		c := courseOf(t, &m)
		e := &evidence{marks: &m}
		if r := measuredIn(t, c, e, "breaker.recovery", ""); r.missing == "" {
			t.Errorf("of a system that says nothing: %+v", r)
		}
		end := m.lasting(FaultMark, "sendgrid: outage")
		state := "closed"
		for n := range 20 {
			switch n {
			case 3:
				state = "open"
			case 8:
				end()
			case 12:
				state = "closed"
			}
			time.Sleep(time.Second)
			c.add(ofSecond(n, 10, time.Millisecond), answerOf(n, func(s *api.Status) { s.Providers[0].Breaker = state }))
			r := measuredIn(t, c, e, "breaker.recovery", "")
			switch {
			case n < 8:
				if r.open == "" {
					t.Errorf("at %d s: %+v", n, r)
				}
			case n < 12:
				if !r.atLeast {
					t.Errorf("at %d s: %+v", n, r)
				}
			case r.value != 5000 || r.atLeast: // it is seen at the end of the 13th second
				t.Errorf("at %d s: %+v", n, r)
			}
		}
		var breakers []string
		for _, mark := range c.allMarks() {
			if mark.Kind == BreakerMark {
				breakers = append(breakers, fmt.Sprintf("%g %s", mark.At, mark.Text))
			}
		}
		if got := strings.Join(breakers, ", "); got != "4 sendgrid: breaker open, 13 sendgrid: breaker closed" {
			t.Errorf("marks: %s", got)
		}
		for name, want := range map[string]float64{"breaker.opened": 1, "breaker.sendgrid.closed": 1, "breaker.ses.opened": 0} {
			if r := measuredIn(t, c, e, name, ""); r.value != want {
				t.Errorf("%s: %+v", name, r)
			}
		}
	})
}

// TestMarksSayWhatHappened: stages, scaling, a system that is away, and a generator
// that is behind.
func TestMarksSayWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m marks
		c := courseOf(t, &m)
		began := time.Now()
		m.start(began)
		c.begin(&api.Status{Now: began, Scaling: api.Scaling{Events: []api.ScalingEvent{{At: began.Add(-time.Hour), Text: "long ago"}}}})
		for n := range 22 {
			time.Sleep(time.Second)
			i := ofSecond(n, 100, time.Millisecond)
			if n == 5 || n == 6 {
				i.clients.late = 50
			}
			if n == 8 {
				i.clients.late, i.clients.lateHeld = 50, 50 // which is the system's fault
			}
			var failed error
			status := answerOf(n, nil)
			if n == 15 || n == 16 {
				failed, status = errors.New("no answer"), nil
			} else {
				// Its clock is an hour ahead.
				status.Now = time.Now().Add(time.Hour)
				for e := range min(n/4, 3) {
					status.Scaling.Events = append(status.Scaling.Events, api.ScalingEvent{
						At: began.Add(time.Hour + time.Duration(4*e+3)*time.Second), Text: fmt.Sprintf("event %d", e),
					})
				}
			}
			c.answers(failed)
			c.add(i, status)
		}
		var got []string
		for _, mark := range c.allMarks() {
			until := ""
			if mark.Until != nil {
				until = fmt.Sprintf("-%g", *mark.Until)
			}
			got = append(got, fmt.Sprintf("%g%s %s %s", mark.At, until, mark.Kind, mark.Text))
		}
		want := []string{
			"0-10 stage calm", "3 scaling event 0", "6-8 generator the generator is behind its schedule", "7 scaling event 1",
			"10-20 stage spike", "11 scaling event 2", "16-18 system the system does not answer GET /v1/status", "20 stage drain",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("marks:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// TestMarksAreBounded: a pool that swings all day does not fill the result.
func TestMarksAreBounded(t *testing.T) {
	var m marks
	m.start(time.Now())
	m.moment(BreakerMark, "one")
	for n := range mostMarks + 50 {
		m.moment(ScalingMark, fmt.Sprint(n))
	}
	all := m.all()
	more := 0
	for _, mark := range all {
		if mark.Kind == ScalingMark && mark.Text == "and 50 more" {
			more++
		}
	}
	if len(all) != mostMarks+2 || more != 1 {
		t.Errorf("%d marks, %d say how many more there were", len(all), more)
	}
}
