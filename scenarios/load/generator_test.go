package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections never leave the process, so that a
// server runs in a bubble of synthetic time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// bench is a generator against a handler, in synthetic time.
type bench struct {
	t         *testing.T
	generator *Generator
	close     func()
}

func newBench(t *testing.T, c Config, handler http.HandlerFunc) *bench {
	t.Helper()
	listener := newPipes()
	var serving sync.WaitGroup
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving.Add(1)
		defer serving.Done()
		handler(w, r)
	})}
	serving.Go(func() { _ = server.Serve(listener) })
	c.Target = &Endpoint{URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/their/call", RawQuery: "a=b"}, Dial: listener.dial}
	c.Path = "/v1/notifications"
	generator, err := NewGenerator(c)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, generator: generator, close: func() {
		_ = server.Close()
		serving.Wait()
	}}
}

// run runs it and checks what holds of every run.
func (b *bench) run(ctx context.Context) *Report {
	b.t.Helper()
	defer b.close()
	b.generator.Run(ctx)
	report := b.generator.Report()
	var sum Counts
	for _, s := range report.Stages {
		sum.add(s.Counts)
	}
	if sum != report.Total {
		b.t.Errorf("the stages add up to %+v, the total is %+v", sum, report.Total)
	}
	if c := report.Total; c.Offered != c.Sent+c.Dropped+c.Unsent || c.Sent != c.Accepted()+c.Refused()+c.Errors() {
		b.t.Errorf("the counts do not add up: %+v", c)
	}
	if l := report.Response; l.P50 > l.P90 || l.P90 > l.P95 || l.P95 > l.P99 || l.P99 > l.Max {
		b.t.Errorf("percentiles out of order: %+v", l)
	}
	return report
}

func accept(w http.ResponseWriter, entries int) {
	w.WriteHeader(http.StatusAccepted)
	results := strings.Repeat(`,{"id":"x","status":"accepted"}`, entries)
	_, _ = io.WriteString(w, `{"results":[`+results[1:]+`]}`)
}

func mustSchedule(t *testing.T, stages ...Stage) *Schedule {
	t.Helper()
	s, err := NewSchedule(stages)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGeneratorSendsTheScheduleOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		keys := map[string]int{}
		b := newBench(t, Config{
			Schedule: mustSchedule(t,
				Stage{Name: "ramp", From: 0, To: 100, For: 10 * time.Second},
				Stage{Name: "hold", From: 100, To: 100, For: 10 * time.Second}),
			Traffic: newTestTraffic(t, testTraffic(5, KeyPerRequest)),
		}, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			keys[r.Header.Get("Idempotency-Key")]++
			mu.Unlock()
			if r.Header.Get("X-Vegeta-Seq") != "" || r.Header.Get("Content-Type") != "application/json" || r.URL.Path != "/v1/notifications" {
				t.Errorf("unexpected request: %s %v", r.URL, r.Header)
			}
			time.Sleep(20 * time.Millisecond)
			accept(w, 5)
		})
		report := b.run(t.Context())
		if report.Total.Sent != 1500 || report.Total.Accepted() != 1500 || report.Stages[0].Sent != 500 {
			t.Errorf("sent %d (%d in the ramp), accepted %d", report.Total.Sent, report.Stages[0].Sent, report.Total.Accepted())
		}
		if len(keys) != 1500 {
			t.Errorf("%d different keys", len(keys))
		}
		if got := b.generator.Accepted(); got.GetCardinality() != 7500 || got.Maximum() != 7499 {
			t.Errorf("%d sequences accepted, up to %d", got.GetCardinality(), got.Maximum())
		}
		if l := report.Response; l.P50 < 20*time.Millisecond || l.Max > 21*time.Millisecond || report.Late != 0 || report.Elapsed != 20*time.Second {
			t.Errorf("latency %+v, %d late, after %v", l, report.Late, report.Elapsed)
		}
		if seconds := b.generator.Seconds(); len(seconds) < 19 || seconds[15].Offered < 99 || seconds[15].Offered > 101 || seconds[15].Sent != seconds[15].Offered {
			t.Errorf("%d seconds: %+v", len(seconds), seconds)
		}
	})
}

// TestCoordinatedOmission stalls the server for a second of every ten. Of the
// requests that should have been sent, a tenth meet the stall and wait between
// 0 and 1 s: their p99 is 0.9 s. The few that were under way hide it from the
// latencies that are counted from the send.
func TestCoordinatedOmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		b := newBench(t, Config{
			Schedule:    mustSchedule(t, Stage{From: 100, To: 100, For: time.Minute}),
			Traffic:     newTestTraffic(t, testTraffic(1, NoKeys)),
			Connections: 4,
			MaxLag:      5 * time.Second,
		}, func(w http.ResponseWriter, _ *http.Request) {
			if at := time.Since(began) % (10 * time.Second); at >= 9*time.Second {
				time.Sleep(10*time.Second - at)
			}
			time.Sleep(time.Millisecond)
			accept(w, 1)
		})
		report := b.run(t.Context())
		const truth = 900 * time.Millisecond
		if p99 := report.Response.P99; (p99 - truth).Abs() > truth/10 {
			t.Errorf("p99 from the schedule is %v, in truth it is %v", p99, truth)
		}
		if p99 := report.Service.P99; p99 > 10*time.Millisecond {
			t.Errorf("p99 from the send is %v: the test does not show what it is for", p99)
		}
		if report.Late == 0 || report.Late != report.LateHeld {
			t.Errorf("%d late, %d of them because of the target", report.Late, report.LateHeld)
		}
	})
}

func TestGeneratorShedsForATargetThatCannotKeepUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Config{
			Schedule:    mustSchedule(t, Stage{From: 100, To: 100, For: 20 * time.Second}),
			Traffic:     newTestTraffic(t, testTraffic(1, NoKeys)),
			Connections: 5, // at 100 ms an answer: 50 a second
		}, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(100 * time.Millisecond)
			accept(w, 1)
		})
		report := b.run(t.Context())
		c := report.Total
		if c.Offered != 2000 || c.Unsent != 0 || c.Sent < 1000 || c.Sent > 1060 || c.Dropped != 2000-c.Sent {
			t.Errorf("counts %+v", c)
		}
		if report.DroppedHeld != c.Dropped {
			t.Errorf("%d of %d dropped because of the target", report.DroppedHeld, c.Dropped)
		}
		if max := report.Response.Max; max < time.Second || max > 1200*time.Millisecond {
			t.Errorf("the slowest took %v, sheds begin at 1 s", max)
		}
		if achieved := report.Achieved(); achieved > 0.53 {
			t.Errorf("achieved %.2f", achieved)
		}
	})
}

func TestGeneratorEndsBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
		defer cancel()
		began := time.Now()
		b := newBench(t, Config{
			Schedule:    mustSchedule(t, Stage{Name: "one", From: 10, To: 10, For: 4 * time.Second}, Stage{Name: "two", From: 10, To: 10, For: time.Hour}, Stage{Name: "three", From: 1, To: 1, For: time.Hour}),
			Traffic:     newTestTraffic(t, testTraffic(10, NoKeys)),
			Connections: 3,
		}, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			if time.Since(began) > 5*time.Second {
				<-r.Context().Done() // hangs
				return
			}
			accept(w, 10)
		})
		report := b.run(ctx)
		if took := time.Since(began); took != 7500*time.Millisecond {
			t.Errorf("ended after %v, not after the 2 s of grace", took)
		}
		if report.Elapsed != 5500*time.Millisecond || len(report.Stages) != 2 {
			t.Errorf("ended after %v in stage %d", report.Elapsed, len(report.Stages))
		}
		c := report.Total
		if c.Offered != 55 || c.Kinds[Cancelled] != 3 || c.Accepted() != 51 || c.Unsent != 1 {
			t.Errorf("counts %+v", c)
		}
	})
}

func TestGeneratorTellsErrorsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		b := newBench(t, Config{
			Schedule: mustSchedule(t, Stage{From: 10, To: 10, For: time.Second}),
			Traffic:  newTestTraffic(t, testTraffic(1, NoKeys)),
			Timeout:  300 * time.Millisecond,
		}, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			switch n.Add(1) {
			case 1:
				time.Sleep(time.Second)
			case 2:
				panic(http.ErrAbortHandler)
			case 3:
				http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
			case 4:
				w.WriteHeader(http.StatusInternalServerError)
			case 5:
				w.WriteHeader(http.StatusServiceUnavailable)
			case 6:
				w.WriteHeader(http.StatusUnprocessableEntity)
			case 7:
				_, _ = fmt.Fprint(w, "<html>It works!</html>")
			case 8: // the headers come, the rest does not
				w.WriteHeader(http.StatusAccepted)
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			case 9: // an answer without end
				w.WriteHeader(http.StatusAccepted)
				for r.Context().Err() == nil {
					if _, err := w.Write(make([]byte, 64<<10)); err != nil {
						return
					}
				}
			default:
				accept(w, 1)
			}
		})
		got := b.run(t.Context()).Total.Kinds
		want := [kinds]uint64{Accepted: 1, Refused: 1, ClientError: 1, ServerError: 1, Redirect: 1, Malformed: 2, Timeout: 2, Reset: 1}
		if got != want {
			t.Errorf("kinds %v, want %v", got, want)
		}
	})
}

func TestGeneratorMeetsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Config{
			Schedule: mustSchedule(t, Stage{From: 10, To: 10, For: time.Second}),
			Traffic:  newTestTraffic(t, testTraffic(1, NoKeys)),
		}, nil)
		b.close()
		if c := b.run(t.Context()).Total; c.Kinds[Unreachable] != 10 {
			t.Errorf("counts %+v", c)
		}
	})
}

func TestGeneratorRefusesMoreThanItCanAccountFor(t *testing.T) {
	_, err := NewGenerator(Config{
		Schedule: mustSchedule(t, Stage{From: 1000, To: 1000, For: 24 * time.Hour}),
		Traffic:  newTestTraffic(t, testTraffic(100, NoKeys)),
		Target:   &Endpoint{URL: &url.URL{Scheme: "http", Host: "127.0.0.1"}},
	})
	if err == nil {
		t.Error("8.64e9 notifications were taken")
	}
}
