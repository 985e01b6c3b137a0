package region_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/gateway"
	"github.com/notifyctl/notifyctl/pipeline/region"
)

var _ gateway.Meter = (*region.Answer)(nil)

// submitPath is where notifications are submitted.
const submitPath = "/v1/notifications"

// backend is what gateways stand on: it counts who was asked, and does what a
// test makes of it.
type backend struct {
	mu    sync.Mutex
	asked map[string]int // by gateway
	// serve answers, when it is set; else it is 202.
	serve func(gateway string, w http.ResponseWriter, r *http.Request)
}

func newBackend() *backend { return &backend{asked: map[string]int{}} }

func (b *backend) handler(gateway string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.asked[gateway]++
		serve := b.serve
		b.mu.Unlock()
		if serve != nil {
			serve(gateway, w, r)
			return
		}
		submitted(w, r)
		w.WriteHeader(http.StatusAccepted)
	})
}

// counts is how often each gateway was asked.
func (b *backend) counts() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]int{}
	for name, n := range b.asked {
		out[name] = n
	}
	return out
}

// submitted reads a body, which is the number of notifications, as a gateway
// does.
func submitted(w http.ResponseWriter, r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	if n, err := strconv.Atoi(string(body)); err == nil {
		w.(gateway.Meter).Submitted(n)
	}
	return string(body)
}

// refuse answers for the balancer.
func refuse(w http.ResponseWriter, _ *http.Request, why region.Refusal) {
	w.Header().Set("Refusal", strconv.Itoa(int(why)))
	w.WriteHeader(http.StatusServiceUnavailable)
}

// refusal is why the balancer refused, 0 when it did not.
func refusal(r *httptest.ResponseRecorder) region.Refusal {
	why, _ := strconv.Atoi(r.Header().Get("Refusal"))
	return region.Refusal(why)
}

// balancer makes one over a backend, with changes.
func balancer(t testing.TB, b *backend, regions []region.Region, change func(*region.Config)) *region.Global {
	t.Helper()
	c := region.Config{
		Regions: regions, Handler: b.handler, Refuse: refuse,
		Metered: func(r *http.Request) bool { return r.Method == http.MethodPost },
	}
	if change != nil {
		change(&c)
	}
	g, err := region.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// equal makes regions of one weight, with so many gateways each.
func equal(regions, gateways int) []region.Region {
	out := make([]region.Region, regions)
	for i := range out {
		out[i] = region.Region{Name: "region-" + strconv.Itoa(i+1), Weight: 1, Gateways: gateways}
	}
	return out
}

// request is a submission of so many notifications, with a key unless it is
// empty.
func request(notifications int, key string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, submitPath, strings.NewReader(strconv.Itoa(notifications)))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return r
}

// do gives a balancer a request.
func do(g http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}
