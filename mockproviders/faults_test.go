package mockproviders_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
)

func script(t testing.TB, text string) mockproviders.Script {
	t.Helper()
	s, err := mockproviders.ParseScript([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// outcomes sends n messages of one each, and gives the statuses.
func (m mock) outcomes(n int) []int {
	m.t.Helper()
	statuses := make([]int, n)
	for i := range statuses {
		statuses[i] = m.do(http.MethodPost, fcmPath, fmt.Sprintf(`{"message":{"token":"t%d","data":{"notification_ref":"ref_%d"}}}`, i, i)).Code
	}
	return statuses
}

// TestErrorRate: the rate is kept, and the same seed gives the same faults.
func TestErrorRate(t *testing.T) {
	for _, scope := range []string{"call", "entry"} {
		t.Run(scope, func(t *testing.T) {
			s := script(t, fmt.Sprintf(`{"faults":[{"fault":"status","status":503,"rate":0.3,"scope":%q}]}`, scope))
			const n = 20_000
			first := newMock(t, mockproviders.Options{Seed: 7, Faults: s}).outcomes(n)
			failed := 0
			for _, status := range first {
				if status == http.StatusServiceUnavailable {
					failed++
				}
			}
			// Five standard deviations of a binomial distribution.
			if bound := 5 * math.Sqrt(n*0.3*0.7); math.Abs(float64(failed)-0.3*n) > bound {
				t.Errorf("%d of %d failed, want 30 %%", failed, n)
			}
			if !slices.Equal(first, newMock(t, mockproviders.Options{Seed: 7, Faults: s}).outcomes(n)) {
				t.Error("the same seed gave other faults")
			}
			if slices.Equal(first, newMock(t, mockproviders.Options{Seed: 8, Faults: s}).outcomes(n)) {
				t.Error("another seed gave the same faults")
			}
		})
	}
}

// TestNoRate: 0 means never, 1 means always.
func TestNoRate(t *testing.T) {
	for rate, want := range map[int]int{0: 200, 1: 503} {
		for _, scope := range []string{"call", "entry"} {
			m := newMock(t, mockproviders.Options{Faults: script(t, fmt.Sprintf(`{"faults":[{"fault":"status","status":503,"rate":%d,"scope":%q}]}`, rate, scope))})
			for i, status := range m.outcomes(10_000) {
				if status != want {
					t.Fatalf("rate %d, scope %s: call %d was answered %d", rate, scope, i, status)
				}
			}
		}
	}
}

// TestARetryIsJudgedAnew: an error rate over notifications does not fail one of
// them for ever.
func TestARetryIsJudgedAnew(t *testing.T) {
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"status","status":503,"rate":0.5,"scope":"entry"}]}`)})
	const n = 400
	attempts := 0
	for i := range n {
		body := fmt.Sprintf(`{"message":{"token":"t","data":{"notification_id":"id%d"}}}`, i)
		for tries := 1; ; tries++ {
			attempts++
			if m.do(http.MethodPost, fcmPath, body).Code == 200 {
				break
			}
			if tries == 40 { // a chance of 2^-40
				t.Fatalf("id%d fails for ever", i)
			}
		}
	}
	// Geometric: 2 attempts each, with a standard deviation of 1.41 each.
	if math.Abs(float64(attempts)-2*n) > 5*math.Sqrt2*math.Sqrt(n) {
		t.Errorf("%d notifications took %d attempts, want about %d", n, attempts, 2*n)
	}
}

func TestFaultsByRecipient(t *testing.T) {
	for _, test := range []struct {
		pattern string
		hit     []string
	}{
		{"ada@x.example", []string{"ada@x.example"}},
		{"ada@*", []string{"ada@x.example", "ada@y.example"}},
		{"*@x.example", []string{"ada@x.example", "bob@x.example"}},
		{"*x*", []string{"ada@x.example", "ada@y.example", "bob@x.example"}},
		{"*", []string{"ada@x.example", "ada@y.example", "bob@x.example"}},
		{"nobody@*", nil},
	} {
		m := newMock(t, mockproviders.Options{Faults: script(t, fmt.Sprintf(`{"faults":[{"provider":"sendgrid","fault":"status","status":400,"to":%q}]}`, test.pattern))})
		var hit []string
		for _, address := range []string{"ada@x.example", "ada@y.example", "bob@x.example"} {
			if m.do(http.MethodPost, sendGridPath, mail(to(address))).Code == 400 {
				hit = append(hit, address)
			}
		}
		if !slices.Equal(hit, test.hit) {
			t.Errorf("%q hit %q, want %q", test.pattern, hit, test.hit)
		}
	}
}

// TestFirstAttempts: the first 2 of each notification fail, then it works.
func TestFirstAttempts(t *testing.T) {
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"status","status":429,"attempts":2}]}`)})
	for attempt, want := range []int{429, 429, 200, 200} {
		for _, status := range m.outcomes(3) {
			if status != want {
				t.Errorf("attempt %d was answered %d, want %d", attempt+1, status, want)
			}
		}
	}
}

func TestFaultsOfOneProvider(t *testing.T) {
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"provider":"sendgrid","fault":"outage"}]}`)})
	m.post(sendGridPath, mail(to("a@b.c")), 503, "")
	m.post(fcmPath, `{"message":{"token":"t"}}`, 200, "")
}

// TestTheFirstFaultDecides: faults stand in order.
func TestTheFirstFaultDecides(t *testing.T) {
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"status","status":500},{"fault":"outage"}]}`)})
	m.post(fcmPath, `{"message":{"token":"t"}}`, 500, "")
}

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

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{
			Latency: mockproviders.FixedLatency(time.Second),
			Faults:  script(t, `{"faults":[{"fault":"slow","delay":"3s","for":"10s"}]}`),
		})
		for _, want := range []time.Duration{4 * time.Second, 4 * time.Second, 4 * time.Second, time.Second} {
			began := time.Now()
			m.post(fcmPath, `{"message":{"token":"t"}}`, 200, "")
			if took := time.Since(began); took != want {
				t.Errorf("it took %v, want %v", took, want)
			}
		}
	})
}

func TestScriptsThatDoNotHold(t *testing.T) {
	for text, want := range map[string]string{
		`{"faults":[{"fault":"explode"}]}`:                                       `faults[0]: fault "explode" is not known; accepted are outage, status`,
		`{"faults":[{"fault":"outage"},{"provider":"pigeon","fault":"outage"}]}`: `faults[1]: provider "pigeon" is not served; accepted are sendgrid, fcm, twilio`,
		`{"faults":[{"fault":"status"}]}`:                                        "accepted is 400 to 599",
		`{"faults":[{"fault":"status","status":200}]}`:                           "accepted is 400 to 599",
		`{"faults":[{"fault":"outage","status":500}]}`:                           "status goes with",
		`{"faults":[{"fault":"slow"}]}`:                                          "needs a delay",
		`{"faults":[{"fault":"drip","delay":"-1s"}]}`:                            "needs a delay",
		`{"faults":[{"fault":"outage","rate":1.1}]}`:                             "accepted is 0 to 1",
		`{"faults":[{"fault":"outage","rate":-0.1}]}`:                            "accepted is 0 to 1",
		`{"faults":[{"fault":"outage","at":"soon"}]}`:                            `"soon" is no duration`,
		`{"faults":[{"fault":"outage","for":"-1s"}]}`:                            "cannot be negative",
		`{"faults":[{"fault":"outage","to":"a*b"}]}`:                             "a * stands at the start or the end",
		`{"faults":[{"fault":"outage","scope":"world"}]}`:                        "scope is",
		`{"faults":[{"fault":"outage","scope":"call","attempts":2}]}`:            "judge notifications",
		`{"faults":[{"fault":"outage","colour":"red"}]}`:                         "colour",
		`{"faults":[]} x`: "something follows",
		`faults`:          "reading the fault script",
		``:                "reading the fault script",
		`{"faults":[` + strings.Repeat(`{"fault":"outage"},`, 1000) + `{"fault":"outage"}]}`: "more than 1000",
		strings.Repeat(" ", 1<<20+1): "larger than",
	} {
		if _, err := mockproviders.ParseScript([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
	if _, err := mockproviders.New(mockproviders.Options{Faults: mockproviders.Script{Faults: []mockproviders.Fault{{}}}}); err == nil {
		t.Error("a server was made with a script that does not hold")
	}
}

func TestScriptRoundTrip(t *testing.T) {
	want := script(t, `{"faults":[{"provider":"fcm","at":"1m30s","for":"500ms","fault":"status","status":429,"code":"QUOTA_EXCEEDED","retry_after":"2s","rate":0,"to":"t*","attempts":3,"scope":"entry"}]}`)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := mockproviders.ParseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got)
	if err != nil || string(again) != string(text) {
		t.Errorf("%s became %s, %v", text, again, err)
	}
	if *got.Faults[0].Rate != 0 {
		t.Error("a rate of 0 was lost")
	}
}
