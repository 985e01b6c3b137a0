package load

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
)

func testTraffic(batch int, keys Keys) TrafficConfig {
	return TrafficConfig{
		Run: "run1", Seed: 7, Batch: batch, Users: 1000, Keys: keys,
		Mix: Mix{
			Channels:   map[pipeline.Channel]float64{pipeline.Push: 0.6, pipeline.Email: 0.3, pipeline.SMS: 0.1},
			Priorities: map[pipeline.Priority]float64{pipeline.High: 0.2, pipeline.Normal: 0.6, pipeline.Low: 0.2},
			Categories: map[pipeline.Category]float64{pipeline.Transactional: 0.8, pipeline.Promotional: 0.2},
		},
	}
}

func newTestTraffic(t testing.TB, c TrafficConfig) *Traffic {
	t.Helper()
	traffic, err := NewTraffic(c)
	if err != nil {
		t.Fatal(err)
	}
	return traffic
}

func TestTrafficIsWhatTheAPIReads(t *testing.T) {
	for _, keys := range []Keys{KeyPerRequest, KeyPerEntry, NoKeys} {
		traffic := newTestTraffic(t, testTraffic(50, keys))
		decoder := json.NewDecoder(bytes.NewReader(traffic.AppendBody(nil, 3)))
		decoder.DisallowUnknownFields()
		var body api.Submission
		if err := decoder.Decode(&body); err != nil {
			t.Fatal(err)
		}
		if len(body.Notifications) != 50 {
			t.Fatalf("%d notifications", len(body.Notifications))
		}
		for i, n := range body.Notifications {
			want := "run1-" + strconv.Itoa(150+i)
			if n.Ref != want {
				t.Errorf("ref %q, want %q", n.Ref, want)
			}
			if hasKey := n.IdempotencyKey == want; hasKey != (keys == KeyPerEntry) {
				t.Errorf("keys %s: entry has the key %q", keys, n.IdempotencyKey)
			}
			checkAddress(t, n)
			checkVariables(t, n)
		}
		if key := string(traffic.AppendKey(nil, 3)); (key == "run1-3") != (keys == KeyPerRequest) {
			t.Errorf("keys %s: the request has the key %q", keys, key)
		}
	}
}

func checkAddress(t *testing.T, n api.Notification) {
	t.Helper()
	user := strings.TrimPrefix(n.UserID, "u")
	ok := false
	switch n.Channel {
	case "email":
		ok = n.To == "u"+user+"@example.com"
	case "sms":
		ok = strings.HasPrefix(n.To, "+1555") && len(n.To) == 12
	case "push":
		ok = len(n.To) == 64
	}
	if !ok {
		t.Errorf("%s to %q for user %s", n.Channel, n.To, n.UserID)
	}
}

func checkVariables(t *testing.T, n api.Notification) {
	t.Helper()
	want := map[string][]string{"welcome": {"name"}, "campaign": {"name"}, "otp": {"code"}, "receipt": {"name", "amount"}}[n.TemplateID]
	if len(want) == 0 || len(n.Variables) != len(want) {
		t.Errorf("template %q with %v", n.TemplateID, n.Variables)
	}
	for _, name := range want {
		if n.Variables[name] == "" {
			t.Errorf("template %q without %s", n.TemplateID, name)
		}
	}
	if (n.TemplateID == "campaign") != (n.Category == "promotional") {
		t.Errorf("template %q is %s", n.TemplateID, n.Category)
	}
}

func TestTrafficFollowsFromTheSeed(t *testing.T) {
	first, again := newTestTraffic(t, testTraffic(10, NoKeys)), newTestTraffic(t, testTraffic(10, NoKeys))
	if !bytes.Equal(first.AppendBody(nil, 5), again.AppendBody([]byte{}, 5)) {
		t.Error("the same request of the same seed differs")
	}
	if bytes.Equal(first.AppendBody(nil, 5), first.AppendBody(nil, 6)) {
		t.Error("two requests are alike")
	}
	other := testTraffic(10, NoKeys)
	other.Seed++
	if bytes.Equal(first.AppendBody(nil, 5), newTestTraffic(t, other).AppendBody(nil, 5)) {
		t.Error("two seeds are alike")
	}
}

func TestTrafficKeepsTheMix(t *testing.T) {
	traffic := newTestTraffic(t, testTraffic(1000, NoKeys))
	counts := map[string]float64{}
	const requests = 100
	for request := range uint64(requests) {
		var body api.Submission
		if err := json.Unmarshal(traffic.AppendBody(nil, request), &body); err != nil {
			t.Fatal(err)
		}
		for _, n := range body.Notifications {
			counts[n.Channel]++
			counts[n.Priority]++
			counts[n.Category]++
		}
	}
	for name, share := range map[string]float64{"push": 0.6, "email": 0.3, "sms": 0.1, "high": 0.2, "normal": 0.6, "low": 0.2, "promotional": 0.2} {
		if got := counts[name] / (requests * 1000); math.Abs(got-share) > 0.01 {
			t.Errorf("%s is %.3f of the traffic, want %.3f", name, got, share)
		}
	}
}

func TestTrafficRefuses(t *testing.T) {
	for name, change := range map[string]func(*TrafficConfig){
		"run":       func(c *TrafficConfig) { c.Run = "Run 1" },
		"batch":     func(c *TrafficConfig) { c.Batch = 1001 },
		"users":     func(c *TrafficConfig) { c.Users = 0 },
		"keys":      func(c *TrafficConfig) { c.Keys = "some" },
		"addresses": func(c *TrafficConfig) { c.Addresses = "some" },
		"skew":      func(c *TrafficConfig) { c.Mix.UserSkew = math.NaN() },
		"shares":    func(c *TrafficConfig) { c.Mix.Channels = nil },
		"weight":    func(c *TrafficConfig) { c.Mix.Channels = map[pipeline.Channel]float64{pipeline.Push: -1} },
	} {
		c := testTraffic(1, NoKeys)
		change(&c)
		if _, err := NewTraffic(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTrafficAllocatesNothingAnEntry(t *testing.T) {
	traffic := newTestTraffic(t, testTraffic(1000, KeyPerEntry))
	buffer := make([]byte, 0, 1<<20)
	if n := testing.AllocsPerRun(10, func() { buffer = traffic.AppendBody(buffer[:0], 1) }); n > 2 {
		t.Errorf("%v allocations a request of 1000", n)
	}
}

// TestZipfFollowsItsLaw compares with the exact probabilities.
func TestZipfFollowsItsLaw(t *testing.T) {
	for _, s := range []float64{0.3, 0.99, 1, 1.2, 3} {
		const n, draws = 50, 400_000
		random := rand.New(rand.NewPCG(1, 2))
		z := newZipf(n, s)
		var counts [n + 1]float64
		for range draws {
			counts[z.draw(random)]++
		}
		var norm float64
		for k := 1; k <= n; k++ {
			norm += math.Pow(float64(k), -s)
		}
		var chi2 float64
		for k := 1; k <= n; k++ {
			want := draws * math.Pow(float64(k), -s) / norm
			chi2 += (counts[k] - want) * (counts[k] - want) / want
		}
		if chi2 > 100 { // 49 degrees of freedom: one in fifty thousand is above
			t.Errorf("s = %g: chi squared %.1f", s, chi2)
		}
	}
}

func TestAliasKeepsTheWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64Range(0, 10), 1, 12).Draw(t, "weights")
		var sum float64
		for _, w := range weights {
			sum += w
		}
		if sum == 0 {
			return
		}
		a, err := newAlias(weights)
		if err != nil {
			t.Fatal(err)
		}
		// The exact probability of each value follows from the columns.
		got := make([]float64, len(weights))
		for i := range weights {
			got[i] += a.keep[i] / float64(len(weights))
			got[a.other[i]] += (1 - a.keep[i]) / float64(len(weights))
		}
		for i, w := range weights {
			if math.Abs(got[i]-w/sum) > 1e-9 {
				t.Fatalf("value %d has %g, want %g", i, got[i], w/sum)
			}
		}
	})
}

func BenchmarkTraffic(b *testing.B) {
	traffic := newTestTraffic(b, testTraffic(100, KeyPerRequest))
	var buffer []byte
	b.ReportAllocs()
	for i := range b.N {
		buffer = traffic.AppendBody(buffer[:0], uint64(i))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/notification")
}
