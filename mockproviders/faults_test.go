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

// TestFaultsAtTheirTime: at and for count from when the script was set.
func TestFaultsAtTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{})
		time.Sleep(time.Hour)
		if err := m.SetFaults(script(t, `{"faults":[{"fault":"outage","at":"10s","for":"30s"},{"fault":"status","status":500,"at":"1m","for":"2562047h"}]}`)); err != nil {
			t.Fatal(err)
		}
		set := time.Now()
		for _, at := range []struct {
			after  time.Duration
			status int
		}{{0, 200}, {9999 * time.Millisecond, 200}, {10 * time.Second, 503}, {39999 * time.Millisecond, 503}, {40 * time.Second, 200}, {time.Minute, 500}, {24 * time.Hour, 500}} {
			time.Sleep(at.after - time.Since(set))
			m.post(fcmPath, `{"message":{"token":"t"}}`, at.status, "")
		}
	})
}

// TestSomeOfABatch: where the provider answers by entry, the neighbours of an
// entry that fails are accepted.
func TestSomeOfABatch(t *testing.T) {
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"status","status":404,"to":"t2"},{"fault":"status","status":429,"retry_after":"3s","to":"*0002"}]}`)})
	one := func(i int) string { return fmt.Sprintf(`{"message":{"token":"t%d"}}`, i) }
	w := m.post(fcmBatchPath, fcmBatch(one(1), one(2), one(3), one(10002)), 200, "UNREGISTERED", header("Content-Type", "multipart/mixed; boundary=__END__"))
	if got := strings.Count(w.Body.String(), "HTTP/1.1 200 OK"); got != 2 || m.sends() != 2 {
		t.Errorf("%d parts were answered 200, and the ledger counts %d", got, m.sends())
	}
	m.post(twilioBatchPath, `{"MessagingServiceSid":"MG","Messages":[{"To":"+15005550001","Body":"b"},{"To":"+15005550002","Body":"b"}]}`,
		200, `"status":429,"retry_after":3}}]}`)
	if !strings.Contains(w.Body.String(), "Retry-After: 3\r\n") {
		t.Errorf("the part that was throttled does not say how long: %s", w.Body)
	}
	if m.sends() != 3 {
		t.Errorf("the ledger counts %d, want 3", m.sends())
	}
}

// TestPartialBatch: of every call that carries several, the share fails, and
// never all or none; calls of one are left alone.
func TestPartialBatch(t *testing.T) {
	batch := header("Content-Type", "multipart/mixed; boundary=__END__")
	one := func(i int) string { return fmt.Sprintf(`{"message":{"token":"t%d"}}`, i) }
	for _, test := range []struct {
		fault   string
		entries int
		refused int
		want    string
	}{
		{`"share":0.3`, 10, 3, "HTTP/1.1 500"},
		{`"status":429`, 10, 5, "HTTP/1.1 429"},
		{`"share":0.01`, 10, 1, ""},
		{`"share":0.99`, 10, 9, ""},
		{`"share":0.5`, 1, 0, ""},
		{`"rate":0`, 10, 0, ""},
	} {
		m := newMock(t, mockproviders.Options{Seed: 3, Faults: script(t, `{"faults":[{"fault":"partial_batch",`+test.fault+`}]}`)})
		places := map[string]bool{}
		for range 20 {
			w := m.post(fcmBatchPath, fcmBatch(many(test.entries, one)...), 200, test.want, batch)
			var place strings.Builder
			refused := 0
			for _, part := range strings.Split(w.Body.String(), "HTTP/1.1 ")[1:] {
				place.WriteString(part[:3])
				if part[:3] != "200" {
					refused++
				}
			}
			places[place.String()] = true
			if refused != test.refused {
				t.Fatalf("%s: %d of %d were refused, want %d", test.fault, refused, test.entries, test.refused)
			}
		}
		if test.refused > 0 && len(places) < 2 {
			t.Errorf("%s: every call failed at the same places", test.fault)
		}
		if want := uint64(20 * (test.entries - test.refused)); m.sends() != want {
			t.Errorf("%s: the ledger counts %d, want %d", test.fault, m.sends(), want)
		}
	}
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"partial_batch"}]}`)})
	m.post(sesBulkPath, sesBulk(sesEntry("a@b.c", "", ""), sesEntry("b@b.c", "", "")), 200, "TRANSIENT_FAILURE")
	m.post(twilioBatchPath, `{"MessagingServiceSid":"MG","Messages":[{"To":"+15005550001","Body":"b"},{"To":"+15005550002","Body":"b"}]}`, 200, `"status":500`)
	m.post(sendGridPath, mail(to("a@b.c"), to("b@b.c")), 500, "") // which answers by call alone
	if m.sends() != 2 {
		t.Errorf("the ledger counts %d, want 2", m.sends())
	}
}

// TestFaultsByTemplate: a notification's template is the provider's own, or the
// one that is named beside our id.
func TestFaultsByTemplate(t *testing.T) {
	m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":[{"fault":"status","status":500,"template":"order-*"}]}`)})
	named := `"notification_template":"order-shipped"`
	for name, test := range map[string]struct{ path, body string }{
		"SendGrid's own":         {sendGridPath, `{"personalizations":[` + to("a@b.c") + `],"from":{"email":"u@b.c"},"template_id":"order-shipped"}`},
		"SendGrid's arguments":   {sendGridPath, mail(`{"to":[{"email":"a@b.c"}],"custom_args":{` + named + `}}`)},
		"SES's own":              {sesPath, strings.Replace(sesMail(`"a":1`, "a@b.c"), `"Simple":{"Subject"`, `"Template":{"TemplateName":"order-shipped","Subject"`, 1)},
		"SES's tags":             {sesPath, sesMail(`"EmailTags":[{"Name":"notification_template","Value":"order-shipped"}]`, "a@b.c")},
		"FCM's data":             {fcmPath, `{"message":{"token":"t","data":{` + named + `}}}`},
		"APNs' payload":          {apnsPath, `{"aps":{},` + named + `}`},
		"Twilio's own":           {twilioPath, "To=%2B15005550006&From=%2B1&ContentSid=order-shipped"},
		"Twilio's callback":      {twilioPath, "To=%2B15005550006&From=%2B1&Body=b&StatusCallback=https%3A%2F%2Fx%2F%3Fnotification_template%3Dorder-shipped"},
		"Vonage's own parameter": {vonagePath, "api_key=k&api_secret=s&to=15005550006&from=Us&text=b&notification_template=order-shipped"},
	} {
		other := strings.ReplaceAll(test.body, "order-shipped", "welcome")
		if w := m.do(http.MethodPost, test.path, other); w.Code >= 400 {
			t.Errorf("%s: another template was answered %d %s", name, w.Code, w.Body)
		}
		before := m.sends()
		if w := m.do(http.MethodPost, test.path, test.body); w.Code < 500 && !strings.Contains(w.Body.String(), `"status":"5"`) || m.sends() != before {
			t.Errorf("%s: answered %d %s", name, w.Code, w.Body)
		}
	}
}

// TestSendGridRefusesAsAWhole: an entry's fault is the request's, and the answer
// names the entries only where the fault is in them.
func TestSendGridRefusesAsAWhole(t *testing.T) {
	for faults, want := range map[string]string{
		`[{"fault":"status","status":429,"to":"b*"}]`:                                           `{"errors":[{"message":"too many requests","field":null,"help":null}]}`,
		`[{"fault":"status","status":400,"to":"b*"}]`:                                           `{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.1.to","help":null},{"message":"Does not contain a valid address.","field":"personalizations.2.to","help":null}]}`,
		`[{"fault":"status","status":400,"to":"a*"},{"fault":"status","status":503,"to":"b*"}]`: `{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to","help":null}]}`,
	} {
		m := newMock(t, mockproviders.Options{Faults: script(t, `{"faults":`+faults+`}`)})
		w := m.do(http.MethodPost, sendGridPath, mail(to("a@x.y"), to("b@x.y"), to("b2@x.y")))
		if got := w.Body.String(); got != want || m.sends() != 0 {
			t.Errorf("%s: answered %d %s, want %s; the ledger counts %d", faults, w.Code, got, want, m.sends())
		}
	}
}

func TestScriptsThatDoNotHold(t *testing.T) {
	for text, want := range map[string]string{
		`{"faults":[{"fault":"explode"}]}`:                                       `faults[0]: fault "explode" is not known; accepted are outage, status`,
		`{"faults":[{"fault":"outage"},{"provider":"pigeon","fault":"outage"}]}`: `faults[1]: provider "pigeon" is not served; accepted are sendgrid, ses, fcm, apns, twilio, vonage`,
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
		`{"faults":[{"fault":"outage","delay":"1s"}]}`:                           "delay goes with",
		`{"faults":[{"fault":"hang","code":"x"}]}`:                               "code goes with",
		`{"faults":[{"fault":"outage","provider":"vonage","code":"x"}]}`:         "Vonage's are numbers",
		`{"faults":[{"fault":"outage","share":0.5}]}`:                            "share goes with",
		`{"faults":[{"fault":"partial_batch","share":1}]}`:                       "share is 1",
		`{"faults":[{"fault":"partial_batch","status":200}]}`:                    "accepted is 400 to 599",
		`{"faults":[{"fault":"partial_batch","to":"a*"}]}`:                       "chooses the notifications itself",
		`{"faults":[{"fault":"outage","template":"a*b"}]}`:                       "template is",
		`{"faults":[{"fault":"outage","scope":"call","template":"a"}]}`:          "judge notifications",
		`{"faults":[{"fault":"outage","provider":"twilio","code":"x"}]}`:         "Twilio's are numbers",
		"{\"faults\":[]}\n x":                                                    "line 2: something follows",
		"{\n\"faults\": [}":                                                      "line 2: invalid character",
		"{\"faults\":[{\n\"fault\":\"outage\",\n\"rate\":\"x\"}]}":               "line 3: json: cannot unmarshal string",
		`faults`: "reading the fault script: line 1",
		``:       "reading the fault script",
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
