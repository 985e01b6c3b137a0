package region_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline/region"
)

// After any number of requests every region is within a few of its share.
func TestRegionsGetTheirSharesByWeight(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64Range(0.01, 10), 1, 8).Draw(rt, "weights")
		n := rapid.IntRange(0, 3000).Draw(rt, "requests")
		b, total := newBackend(), 0.0
		regions := equal(len(weights), 1)
		for i, w := range weights {
			regions[i].Weight = w
			total += w
		}
		g := balancer(t, b, regions, nil)
		for range n {
			do(g, request(1, ""))
		}
		counts := b.counts()
		for i, w := range weights {
			got, want := counts[fmt.Sprintf("region-%d/gateway-1", i+1)], w/total*float64(n)
			// The discrepancy of the golden ratio's multiples grows as the
			// logarithm of their number; 2 ends of an arc each add some.
			if math.Abs(float64(got)-want) > 3+math.Log2(float64(n+1)) {
				rt.Fatalf("region %d of weight %v got %d of %d, want %.1f", i+1, w, got, n, want)
			}
		}
	})
}

// Of two gateways drawn the one with fewer requests in flight is chosen, so of
// two in all it always is.
func TestTheLessBusyGatewayIsChosen(t *testing.T) {
	b := newBackend()
	held, release := make(chan string), make(chan struct{})
	b.serve = func(gateway string, w http.ResponseWriter, r *http.Request) {
		if submitted(w, r) == "2" {
			held <- gateway
			<-release
		}
		w.WriteHeader(http.StatusAccepted)
	}
	g := balancer(t, b, equal(1, 2), nil)
	answered := make(chan struct{})
	go func() { defer close(answered); do(g, request(2, "")) }()
	slow := <-held
	before := b.counts()[slow]
	for range 100 {
		do(g, request(1, ""))
	}
	if after := b.counts()[slow]; after != before {
		t.Errorf("%d more requests went to the busy gateway", after-before)
	}
	close(release)
	<-answered
}

// Among gateways that are idle the draw is even.
func TestIdleGatewaysAreChosenEvenly(t *testing.T) {
	b := newBackend()
	g := balancer(t, b, equal(1, 5), nil)
	const n = 20_000
	for range n {
		do(g, request(1, ""))
	}
	counts := b.counts()
	// 4000 each; a standard deviation is sqrt(20000 x 0.2 x 0.8) = 57.
	for name, got := range counts {
		if math.Abs(float64(got)-n/5) > 6*57 {
			t.Errorf("%s got %d of %d", name, got, n)
		}
	}
	if len(counts) != 5 {
		t.Errorf("%d of 5 gateways were asked", len(counts))
	}
}

func TestNewRefusesWhatIsNoRegion(t *testing.T) {
	for name, regions := range map[string][]region.Region{
		"at least one":         nil,
		"weight above 0":       {{Name: "a", Gateways: 1}},
		"1 gateway or more":    {{Name: "a", Weight: 1}},
		"two regions called a": {{Name: "a", Weight: 1, Gateways: 1}, {Name: "a", Weight: 1, Gateways: 1}},
	} {
		_, err := region.New(region.Config{Regions: regions, Handler: newBackend().handler, Refuse: refuse})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
}

// nobody is a response that is not kept.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header       { return n.header }
func (nobody) WriteHeader(int)             {}
func (nobody) Write(p []byte) (int, error) { return len(p), nil }

// Balancing costs no memory.
func TestBalancingAllocatesNothing(t *testing.T) {
	g := balancer(t, newBackend(), equal(4, 8), func(c *region.Config) {
		c.Handler = func(string) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.(*region.Answer).Submitted(100)
				w.WriteHeader(http.StatusAccepted)
			})
		}
		c.Rate = 1e12
	})
	w, r := nobody{http.Header{}}, httptest.NewRequest(http.MethodPost, submitPath, strings.NewReader("1"))
	r.Header.Set("Idempotency-Key", "k")
	if n := testing.AllocsPerRun(1000, func() { g.ServeHTTP(w, r) }); n > 0 {
		t.Errorf("a request costs %v allocations", n)
	}
}

func BenchmarkBalance(b *testing.B) {
	for _, rate := range []float64{0, 1e12} {
		b.Run(fmt.Sprintf("rate=%g", rate), func(b *testing.B) {
			g := balancer(b, newBackend(), equal(4, 8), func(c *region.Config) {
				c.Handler = func(string) http.Handler { return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}) }
				c.Rate = rate
			})
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				w, r := nobody{http.Header{}}, httptest.NewRequest(http.MethodPost, submitPath, strings.NewReader("1"))
				for p.Next() {
					g.ServeHTTP(w, r)
				}
			})
		})
	}
}
