package mockproviders_test

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
)

func TestLatencies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{Latency: mockproviders.ReferenceLatency(), Seed: 3})
		for _, test := range []struct {
			body string
			want time.Duration
		}{
			{mail(to("a@b.c")), 100 * time.Millisecond},
			{mail(to("a@b.c"), to("b@b.c")), 200 * time.Millisecond},
		} {
			var took []time.Duration
			for range 400 {
				began := time.Now()
				m.post(sendGridPath, test.body, 202, "")
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			if median := took[len(took)/2]; median < test.want*95/100 || median > test.want*105/100 {
				t.Errorf("the median is %v, want about %v", median, test.want)
			}
			if p99 := took[len(took)*99/100]; p99 < test.want*110/100 || p99 > test.want*150/100 {
				t.Errorf("the 99th percentile is %v, want about 125 %% of %v", p99, test.want)
			}
		}
		fixed := newMock(t, mockproviders.Options{Latency: mockproviders.FixedLatency(time.Second)})
		began := time.Now()
		fixed.post(sendGridPath, mail(to("a@b.c")), 202, "")
		if took := time.Since(began); took != time.Second {
			t.Errorf("a fixed latency took %v", took)
		}
	})
}

// TestMeasuredLatencies: calls take what a histogram says, and those of other
// providers do not.
func TestMeasuredLatencies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		measured, err := mockproviders.ParseLatencies([]byte(`{"one": {"median": "1s"}, "batch": {"median": "2s"}, "providers": {
			"sendgrid": {"one": {"histogram": [{"up_to": "10ms", "count": 0}, {"up_to": "20ms", "count": 700}, {"up_to": "100ms", "count": 300}]}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		m := newMock(t, mockproviders.Options{Latency: measured.Latency, ProviderLatency: measured.Providers, Seed: 5})
		const n = 2000
		var took []time.Duration
		for range n {
			began := time.Now()
			m.post(sendGridPath, mail(to("a@b.c")), 202, "")
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		if took[0] < 10*time.Millisecond || took[n-1] > 100*time.Millisecond {
			t.Errorf("they took %v to %v, want 10 ms to 100 ms", took[0], took[n-1])
		}
		short, _ := slices.BinarySearch(took, 20*time.Millisecond)
		// Five standard deviations of a binomial distribution.
		if bound := 5 * math.Sqrt(n*0.7*0.3); math.Abs(float64(short)-0.7*n) > bound {
			t.Errorf("%d of %d took up to 20 ms, want 70 %%", short, n)
		}
		for _, other := range []struct {
			path, body string
			want       time.Duration
		}{
			{sendGridPath, mail(to("a@b.c"), to("b@b.c")), 2 * time.Second}, // as for all
			{apnsPath, `{"aps":{}}`, time.Second},
		} {
			began := time.Now()
			m.do(http.MethodPost, other.path, other.body)
			if took := time.Since(began); took != other.want {
				t.Errorf("%s took %v, want %v", other.path, took, other.want)
			}
		}
	})
}

func TestLatenciesThatDoNotHold(t *testing.T) {
	for text, want := range map[string]string{
		`{"one":{"median":"-1s"}}`:    "one: median and p99 are -1s",
		`{"one":{"median":"25h"}}`:    "accepted is 0s to 24h",
		`{"batch":{"p99":"1s"}}`:      "batch: p99 needs a median",
		`{"providers":{"pigeon":{}}}`: `provider "pigeon" is not served`,
		`{"providers":{"ses":{"one":{"median":"1s","histogram":[{"up_to":"1s"}]}}}}`:                   "latencies of ses: one: a histogram stands in place",
		`{"one":{"histogram":[{"up_to":"1s","count":1},{"up_to":"1s","count":1}]}}`:                    "histogram[1]: up_to is 1s; accepted is a time above the 1s before it",
		`{"one":{"histogram":[{"up_to":"0s","count":1}]}}`:                                             "histogram[0]",
		`{"one":{"histogram":[{"up_to":"1s","count":0}]}}`:                                             "counts no calls",
		`{"one":{"histogram":[{"up_to":"1s","count":18446744073709551615},{"up_to":"2s","count":1}]}}`: "64 bits",
		`{"two":{}}`: "two",
		`{"one":`:    "reading the latencies",
	} {
		if _, err := mockproviders.ParseLatencies([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := mockproviders.New(mockproviders.Options{Latency: mockproviders.FixedLatency(-time.Second)}); err == nil {
		t.Error("a server was made with a negative latency")
	}
}
