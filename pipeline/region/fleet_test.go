package region_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline/region"
)

// checked runs a balancer's health checks in a bubble; the returned function
// ends them.
func checked(g *region.Global) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { g.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// states lists the gateways' states.
func states(g *region.Global) string {
	var out []string
	for _, r := range g.Stats() {
		for _, gw := range r.Gateways {
			out = append(out, string(gw.State))
		}
	}
	return strings.Join(out, " ")
}

// A lost region's share goes to the others, and back after it was restored.
func TestALostRegionIsServedByTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		g := balancer(t, b, equal(2, 2), nil)
		defer checked(g)()
		if err := g.Lose("region-1"); err != nil {
			t.Fatal(err)
		}
		if got := states(g); got != "serving serving serving serving" {
			t.Errorf("the balancer knows of the loss before it could: %s", got)
		}
		for range 100 {
			if answer := do(g, request(1, "")); answer.Code != http.StatusAccepted {
				t.Fatalf("answered %d", answer.Code)
			}
		}
		if counts := b.counts(); counts["region-2/gateway-1"]+counts["region-2/gateway-2"] != 100 {
			t.Errorf("asked were %v", counts)
		}
		if got := states(g); got != "lost lost serving serving" {
			t.Errorf("after requests it knows %s", got)
		}
		if err := g.Restore("region-1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond)
		for range 100 {
			do(g, request(1, ""))
		}
		counts := b.counts()
		if back := counts["region-1/gateway-1"] + counts["region-1/gateway-2"]; back < 45 || back > 55 {
			t.Errorf("after its return the region got %d of 100 requests", back)
		}
		if !g.Stats()[1].Lost && g.Stats()[0].Lost {
			t.Error("the region is still called lost")
		}
	})
}

// Without a request the health checks find it.
func TestHealthChecksFindALostGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := balancer(t, newBackend(), equal(1, 2), nil)
		defer checked(g)()
		if err := g.Lose("region-1/gateway-2"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond)
		if got := states(g); got != "serving lost" {
			t.Errorf("the gateways are %s", got)
		}
	})
}

func TestWithoutAnyGatewayTheBalancerRefuses(t *testing.T) {
	b := newBackend()
	g := balancer(t, b, equal(2, 1), nil)
	for _, name := range []string{"region-1", "region-2"} {
		if err := g.Lose(name); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // as it finds out, and once it knows
		if answer := do(g, request(1, "")); refusal(answer) != region.Unavailable {
			t.Errorf("answered %d for %d", answer.Code, refusal(answer))
		}
	}
	if len(b.counts()) != 0 {
		t.Errorf("lost gateways were asked: %v", b.counts())
	}
}

func TestLoseNamesWhatThereIs(t *testing.T) {
	g := balancer(t, newBackend(), equal(2, 1), nil)
	for _, name := range []string{"region-3", "region-1/gateway-9", ""} {
		if err := g.Lose(name); err == nil || !strings.Contains(err.Error(), "region-1, region-2") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := g.Resize("region-1", 0); err == nil {
		t.Error("a region without gateways was made")
	}
}

// Gateways whose common ground fails are unready, and asked all the same: the
// answer says what is wrong.
func TestUnreadyGatewaysAreTheLastResort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		var failing atomic.Bool
		g := balancer(t, b, equal(1, 2), func(c *region.Config) {
			c.Ready = func(context.Context) error {
				if failing.Load() {
					return errors.New("no store")
				}
				return nil
			}
		})
		defer checked(g)()
		failing.Store(true)
		time.Sleep(1500 * time.Millisecond)
		if got := states(g); got != "serving serving" {
			t.Errorf("after one failed check they are %s", got)
		}
		time.Sleep(time.Second)
		if got := states(g); got != "unready unready" {
			t.Errorf("after two they are %s", got)
		}
		if answer := do(g, request(1, "")); answer.Code != http.StatusAccepted {
			t.Errorf("answered %d", answer.Code)
		}
		failing.Store(false)
		time.Sleep(time.Second)
		if got := states(g); got != "serving serving" {
			t.Errorf("they are %s again", got)
		}
	})
}

// A gateway that fails where others do not is left alone for 30 s, the second
// time for 60; when all fail, half of them go on.
func TestOutliersAreEjected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		bad := map[string]bool{"region-1/gateway-1": true}
		b.serve = func(gateway string, w http.ResponseWriter, r *http.Request) {
			submitted(w, r)
			if bad[gateway] {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			w.WriteHeader(http.StatusAccepted)
		}
		g := balancer(t, b, equal(1, 2), nil)
		defer checked(g)()
		for _, away := range []time.Duration{30 * time.Second, 60 * time.Second} {
			for range 100 {
				do(g, request(1, ""))
			}
			if got := states(g); got != "ejected serving" {
				t.Fatalf("the gateways are %s", got)
			}
			time.Sleep(away - 2*time.Second)
			if got := states(g); got != "ejected serving" {
				t.Fatalf("before %v they are %s", away, got)
			}
			time.Sleep(4 * time.Second)
		}
		bad["region-1/gateway-2"] = true
		for range 200 {
			do(g, request(1, ""))
		}
		if got := states(g); strings.Count(got, "ejected") != 1 {
			t.Errorf("with all failing they are %s", got)
		}
	})
}

// A handler that panics is a failure, and its request leaves nothing behind.
func TestAPanicIsAFailure(t *testing.T) {
	b := newBackend()
	b.serve = func(string, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	g := balancer(t, b, equal(1, 1), nil)
	func() {
		defer func() {
			if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // what a handler panics with
				t.Errorf("the panic became %v", cause)
			}
		}()
		do(g, request(1, ""))
	}()
	if gw := g.Stats()[0].Gateways[0]; gw.Failed != 1 || gw.InFlight != 0 {
		t.Errorf("it left %+v", gw)
	}
}

// A gateway that leaves is given nothing more, and goes when it has answered.
func TestResizeDrains(t *testing.T) {
	b := newBackend()
	held, release := make(chan string), make(chan struct{})
	b.serve = func(gateway string, w http.ResponseWriter, r *http.Request) {
		if submitted(w, r) == "2" {
			held <- gateway
			<-release
		}
		w.WriteHeader(http.StatusAccepted)
	}
	g := balancer(t, b, equal(1, 1), nil)
	answered := make(chan int)
	go func() { answered <- do(g, request(2, "")).Code }()
	first := <-held
	if err := g.Resize("region-1", 2); err != nil {
		t.Fatal(err)
	}
	go func() { answered <- do(g, request(2, "")).Code }()
	second := <-held
	if first == second {
		t.Errorf("both requests went to %s", first)
	}
	if err := g.Resize("region-1", 1); err != nil {
		t.Fatal(err)
	}
	if got := states(g); got != "serving draining" {
		t.Errorf("the gateways are %s", got)
	}
	for range 20 {
		do(g, request(1, ""))
	}
	if n := b.counts()[second]; n != 1 {
		t.Errorf("the draining gateway was asked %d times", n)
	}
	close(release)
	for range 2 {
		if code := <-answered; code != http.StatusAccepted {
			t.Errorf("answered %d", code)
		}
	}
	if got := states(g); got != "serving" {
		t.Errorf("at the end the gateways are %s", got)
	}
	if s := g.Stats()[0]; s.Notifications != 2+2+20 {
		t.Errorf("%d notifications were counted, want 24", s.Notifications)
	}
}

// Twice what the gateways take is offered: what they take is accepted, to a
// burst and what one request owes, whatever the requests' sizes.
func TestGatewaysTakeTheirRate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.Float64Range(50, 5000).Draw(rt, "rate")
		size := rapid.IntRange(1, 1000).Draw(rt, "notifications a request")
		gateways := rapid.IntRange(1, 4).Draw(rt, "gateways")
		now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
		g := balancer(t, newBackend(), equal(2, gateways), func(c *region.Config) {
			c.Rate, c.Now = rate, func() time.Time { return now }
		})
		all := rate * float64(2*gateways)
		const requests = 1000
		every := time.Duration(float64(size) / (2 * all) * float64(time.Second))
		accepted, seconds := 0.0, (every * requests).Seconds()
		for range requests {
			now = now.Add(every)
			switch answer := do(g, request(size, "")); {
			case answer.Code == http.StatusAccepted:
				accepted += float64(size)
			case refusal(answer) != region.Overloaded:
				rt.Fatalf("answered %d for %d", answer.Code, refusal(answer))
			}
		}
		most := all*(seconds+1) + float64(size*2*gateways)
		least := math.Min(all*seconds-float64(size*2*gateways), float64(requests*size))
		if accepted > most || accepted < least {
			rt.Fatalf("%v were accepted in %v s at %v/s, want %v to %v", accepted, seconds, all, least, most)
		}
		refused := int64(0)
		for _, s := range g.Stats() {
			refused += s.Refused
		}
		if refused != requests-int64(accepted)/int64(size) {
			rt.Fatalf("%d refusals of %d requests were counted, %v were accepted", refused, requests, accepted)
		}
	})
}

// A read costs nothing of the rate.
func TestReadsAreNotMetered(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	b := newBackend()
	g := balancer(t, b, equal(1, 1), func(c *region.Config) { c.Rate, c.Now = 1, func() time.Time { return now } })
	do(g, request(100, ""))
	if answer := do(g, request(1, "")); refusal(answer) != region.Overloaded {
		t.Fatalf("a gateway in debt answered %d", answer.Code)
	}
	r := request(1, "")
	r.Method = http.MethodGet
	if answer := do(g, r); answer.Code != http.StatusAccepted {
		t.Errorf("a read was answered %d", answer.Code)
	}
	now = now.Add(98 * time.Second)
	if answer := do(g, request(1, "")); refusal(answer) != region.Overloaded {
		t.Error("the debt of 99 was paid in 98 s")
	}
	now = now.Add(1001 * time.Millisecond)
	if answer := do(g, request(1, "")); answer.Code != http.StatusAccepted {
		t.Errorf("once it has paid, a gateway answered %d", answer.Code)
	}
}

func ExampleGlobal_Lose() {
	g, err := region.New(region.Config{
		Regions: []region.Region{{Name: "region-1", Weight: 1, Gateways: 2}},
		Handler: func(string) http.Handler { return http.NotFoundHandler() },
		Refuse:  refuse,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(g.Lose("region-9"))
	// Output: nothing is called region-9; the regions are region-1, and their gateways REGION/gateway-N
}
