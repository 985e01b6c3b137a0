package region_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline/region"
)

func TestARequestIsRepeatedOnlyWhenThatIsSafe(t *testing.T) {
	refusing := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	reading := func(w http.ResponseWriter, r *http.Request) {
		submitted(w, r)
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	failing := func(w http.ResponseWriter, r *http.Request) {
		submitted(w, r)
		w.WriteHeader(http.StatusInternalServerError)
	}
	for _, tt := range []struct {
		name  string
		first http.HandlerFunc // answers in the gateway that is asked first
		loses bool             // and it is lost while it does
		key   string
		asked int
		code  int
		why   region.Refusal
	}{
		{name: "refused before the body was read", first: refusing, asked: 2, code: 202},
		{name: "refused after it was read", first: reading, asked: 1, code: 503},
		{name: "the same with a key", first: reading, key: "k", asked: 1, code: 503},
		{name: "failed", first: failing, key: "k", asked: 1, code: 500},
		{name: "lost before the body was read", first: refusing, loses: true, asked: 2, code: 202},
		{name: "lost after it was read", first: reading, loses: true, asked: 1, code: 503, why: region.Ambiguous},
		{name: "the same with a key again", first: reading, loses: true, key: "k", asked: 2, code: 202},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBackend()
			g := balancer(t, b, equal(1, 2), nil)
			asked := 0
			b.serve = func(gateway string, w http.ResponseWriter, r *http.Request) {
				if asked++; asked > 1 {
					w.Header().Set("Body", submitted(w, r))
					w.WriteHeader(http.StatusAccepted)
					return
				}
				w.Header().Set("Leftover", "of the first")
				if tt.loses {
					if err := g.Lose(gateway); err != nil {
						t.Error(err)
					}
				}
				tt.first(w, r)
			}
			answer := do(g, request(7, tt.key))
			if asked != tt.asked || answer.Code != tt.code || refusal(answer) != tt.why {
				t.Errorf("%d gateways were asked, answer %d, refused %d; want %d, %d, %d",
					asked, answer.Code, refusal(answer), tt.asked, tt.code, tt.why)
			}
			if asked == 2 && (answer.Header().Get("Body") != "7" || answer.Header().Get("Leftover") != "") {
				t.Errorf("the second attempt gave %v", answer.Header())
			}
			if repeated := g.Repeated(); repeated != int64(asked-1) {
				t.Errorf("%d were counted as repeated", repeated)
			}
		})
	}
}

// Of a body only part of which was read, the second gateway gets all.
func TestABodyIsRepeatedFromItsBeginning(t *testing.T) {
	b := newBackend()
	g := balancer(t, b, equal(2, 1), nil)
	long := strings.Repeat("0123456789", 10_000)
	var got string
	first := true
	b.serve = func(gateway string, w http.ResponseWriter, r *http.Request) {
		if first {
			first = false
			_, _ = r.Body.Read(make([]byte, 15))
			if err := g.Lose(gateway); err != nil {
				t.Error(err)
			}
			return
		}
		got = submitted(w, r)
	}
	r := httptest.NewRequest(http.MethodPost, submitPath, strings.NewReader(long))
	r.Header.Set("Idempotency-Key", "k")
	if answer := do(g, r); answer.Code != http.StatusOK || got != long {
		t.Errorf("answered %d, and the second gateway got %d bytes of %d", answer.Code, len(got), len(long))
	}
}

// A body that is too long to be kept is not asked for twice.
func TestALongBodyIsNotRepeated(t *testing.T) {
	b := newBackend()
	g := balancer(t, b, equal(1, 2), nil)
	b.serve = func(gateway string, w http.ResponseWriter, r *http.Request) {
		submitted(w, r)
		if err := g.Lose(gateway); err != nil {
			t.Error(err)
		}
	}
	r := httptest.NewRequest(http.MethodPost, submitPath, strings.NewReader(strings.Repeat("x", 2<<20)))
	r.Header.Set("Idempotency-Key", "k")
	if answer := do(g, r); refusal(answer) != region.Ambiguous || g.Repeated() != 0 {
		t.Errorf("answered %d for %d, repeated %d", answer.Code, refusal(answer), g.Repeated())
	}
}

// What only reads ends when its gateway is lost, and is asked of another.
func TestAReadEndsWithItsGateway(t *testing.T) {
	b := newBackend()
	g := balancer(t, b, equal(1, 2), nil)
	first := true
	b.serve = func(gateway string, w http.ResponseWriter, r *http.Request) {
		if first {
			first = false
			if err := g.Lose(gateway); err != nil {
				t.Error(err)
			}
			<-r.Context().Done()
			return
		}
		w.WriteHeader(http.StatusOK)
	}
	if answer := do(g, httptest.NewRequest(http.MethodGet, "/v1/x", nil)); answer.Code != http.StatusOK || g.Repeated() != 1 {
		t.Errorf("answered %d, repeated %d", answer.Code, g.Repeated())
	}
}

// ledger is a backend that does what it is asked once for each key, as intake
// does, and every time without one.
type ledger struct {
	mu   sync.Mutex
	done map[string]int // by the request's name
}

func (l *ledger) do(r *http.Request) {
	name := r.Header.Get("Name")
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Header.Get("Idempotency-Key") != "" {
		l.done[name] = 1
		return
	}
	l.done[name]++
}

// Whatever is lost, restored, added and taken away meanwhile: each request has
// one answer; what was answered 202 was done once, what was refused was not done,
// and only what may have been done is called so.
func TestNothingIsLostOrDoneTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b, l := newBackend(), &ledger{done: map[string]int{}}
		regions := rapid.IntRange(1, 3).Draw(rt, "regions")
		g := balancer(t, b, equal(regions, rapid.IntRange(1, 3).Draw(rt, "gateways")), nil)
		steps := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 60).Draw(rt, "steps")
		step := 0
		disturb := func(gateway string) {
			what := steps[step%len(steps)]
			step++
			name := fmt.Sprintf("region-%d", 1+step%regions)
			var err error
			switch what {
			case 0:
				err = g.Lose(gateway)
			case 1:
				err = g.Lose(name)
			case 2:
				err = g.Restore(name)
			case 3:
				err = g.Resize(name, 1+step%4)
			case 4:
				err = g.Restore(gateway)
			}
			if err != nil && what != 0 && what != 4 { // the gateway may have left
				rt.Fatal(err)
			}
		}
		b.serve = func(gateway string, w http.ResponseWriter, r *http.Request) {
			disturb(gateway)
			submitted(w, r)
			disturb(gateway)
			l.do(r)
			disturb(gateway)
			w.WriteHeader(http.StatusAccepted)
			disturb(gateway)
		}
		for i := range 30 {
			key := ""
			if rapid.Bool().Draw(rt, "keyed") {
				key = "k"
			}
			r := request(1, key)
			r.Header.Set("Name", fmt.Sprint(i))
			answer, done := do(g, r), 0
			done = l.done[fmt.Sprint(i)]
			switch why := refusal(answer); {
			case answer.Code == http.StatusAccepted && done != 1:
				rt.Fatalf("request %d was answered 202 and done %d times", i, done)
			case why == region.Unavailable && done != 0:
				rt.Fatalf("request %d was refused and done", i)
			case why == region.Ambiguous && done > 1:
				rt.Fatalf("request %d was done %d times", i, done)
			case answer.Code != http.StatusAccepted && why == 0:
				rt.Fatalf("request %d was answered %d", i, answer.Code)
			}
		}
	})
}

// The same with many clients at once, while regions come and go.
func TestNothingIsLostOrDoneTwiceUnderLoad(t *testing.T) {
	b, l := newBackend(), &ledger{done: map[string]int{}}
	b.serve = func(_ string, w http.ResponseWriter, r *http.Request) {
		submitted(w, r)
		l.do(r)
		w.WriteHeader(http.StatusAccepted)
	}
	g := balancer(t, b, equal(3, 3), func(c *region.Config) { c.Rate = 1e9 })
	var clients, chaos sync.WaitGroup
	over := make(chan struct{})
	chaos.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-over:
				return
			default:
			}
			name := fmt.Sprintf("region-%d", 1+i%3)
			for _, err := range []error{g.Lose(name), g.Resize(name, 1+i%5), g.Restore(name), g.Resize(name, 3)} {
				if err != nil {
					t.Error(err)
				}
			}
			g.Stats()
		}
	})
	const each = 2000
	for client := range 8 {
		clients.Go(func() {
			for i := range each {
				name, key := fmt.Sprintf("%d-%d", client, i), ""
				if i%2 == 0 {
					key = name
				}
				r := request(1, key)
				r.Header.Set("Name", name)
				answer := do(g, r)
				l.mu.Lock()
				done := l.done[name]
				l.mu.Unlock()
				if answer.Code == http.StatusAccepted && done != 1 || refusal(answer) == region.Unavailable && done != 0 || done > 1 {
					t.Errorf("%s was answered %d (%d) and done %d times", name, answer.Code, refusal(answer), done)
				}
			}
		})
	}
	clients.Wait()
	close(over)
	chaos.Wait()
	for _, r := range g.Stats() {
		for _, gw := range r.Gateways {
			if gw.InFlight != 0 || gw.State == region.Draining {
				t.Errorf("at rest %s is %s with %d requests", gw.Name, gw.State, gw.InFlight)
			}
		}
	}
}
