package mockproviders_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
)

func limits(t testing.TB, text string) mockproviders.Limits {
	t.Helper()
	l, err := mockproviders.ParseLimits([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// offer sends a request at an even rate over a time, n of each, and gives the
// status of each.
func (m mock) offer(perSecond int, over time.Duration, send func(i int) int) (accepted int) {
	for i := range perSecond * int(over/time.Second) {
		if send(i) < 400 {
			accepted++
		}
		time.Sleep(time.Second / time.Duration(perSecond))
	}
	return accepted
}

// TestTwiceTheLimit: what is accepted of twice the limit is the limit, beside
// what may come at once after a pause.
func TestTwiceTheLimit(t *testing.T) {
	const over = 100 * time.Second
	for _, test := range []struct {
		name   string
		limits string
		send   func(m mock, i int) int
		rate   int // a second
		burst  int
	}{
		{"SES", `{"ses":{"messages":{"limit":14}}}`, func(m mock, i int) int {
			return m.do(http.MethodPost, sesPath, sesMail(`"a":1`, fmt.Sprintf("u%d@example.com", i))).Code
		}, 14, 14},
		{"FCM", `{"fcm":{"messages":{"limit":600,"per":"1m","window":true}}}`, func(m mock, i int) int {
			return m.do(http.MethodPost, fcmPath, fmt.Sprintf(`{"message":{"token":"t%d"}}`, i)).Code
		}, 10, 600 - 400}, // the second window is not over
		{"SendGrid", `{"sendgrid":{"calls":{"limit":10}}}`, func(m mock, _ int) int {
			return m.do(http.MethodPost, sendGridPath, mail(to("a@b.c"), to("b@b.c"))).Code
		}, 10, 10},
		{"APNs, one device", `{"apns":{"device":{"limit":3,"burst":1}}}`, func(m mock, _ int) int {
			return m.do(http.MethodPost, apnsPath, `{"aps":{}}`).Code
		}, 3, 1},
		{"Twilio, with a queue", `{"twilio":{"messages":{"limit":1,"burst":60}}}`, func(m mock, _ int) int {
			return m.do(http.MethodPost, twilioPath, "To=%2B15005550006&From=%2B15005550001&Body=b").Code
		}, 1, 60},
		{"Vonage", `{"vonage":{"calls":{"limit":30}}}`, func(m mock, _ int) int {
			w := m.do(http.MethodPost, vonagePath, "api_key=k&api_secret=s&to=15005550006&from=Us&text=b")
			if strings.Contains(w.Body.String(), `"status":"1"`) {
				return http.StatusTooManyRequests
			}
			return w.Code
		}, 30, 30},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMock(t, mockproviders.Options{Limits: limits(t, test.limits)})
				got := m.offer(2*test.rate, over, func(i int) int { return test.send(m, i) })
				want := test.rate*int(over/time.Second) + test.burst
				if got < want-1 || got > want+1 {
					t.Errorf("%d were accepted, want %d", got, want)
				}
				time.Sleep(2 * time.Minute)
				if status := test.send(m, 0); status >= 400 {
					t.Errorf("after a pause it is refused: %d", status)
				}
			})
		})
	}
}

// TestLimitsAreAnAccounts: one account's limit is nothing to another.
func TestLimitsAreAnAccounts(t *testing.T) {
	for name, test := range map[string]struct {
		limits string
		send   func(m mock, account string) int
	}{
		"SendGrid's key": {`{"sendgrid":{"calls":{"limit":1}}}`, func(m mock, account string) int {
			return m.do(http.MethodPost, sendGridPath, mail(to("a@b.c")), header("Authorization", "Bearer "+account)).Code
		}},
		"SES's key": {`{"ses":{"messages":{"limit":1}}}`, func(m mock, account string) int {
			return m.do(http.MethodPost, sesPath, sesMail(`"a":1`, "a@b.c"), header("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20261126, Signature=00")).Code
		}},
		"FCM's project": {`{"fcm":{"messages":{"limit":1}}}`, func(m mock, account string) int {
			return m.do(http.MethodPost, "/fcm/v1/projects/"+account+"/messages:send", `{"message":{"token":"t"}}`).Code
		}},
		"a device": {`{"fcm":{"device":{"limit":1}}}`, func(m mock, account string) int {
			return m.do(http.MethodPost, fcmPath, `{"message":{"token":"`+account+`"}}`).Code
		}},
		"Twilio's number": {`{"twilio":{"messages":{"limit":1}}}`, func(m mock, account string) int {
			return m.do(http.MethodPost, twilioPath, url.Values{"To": {"+15005550006"}, "From": {account}, "Body": {"b"}}.Encode()).Code
		}},
		"Twilio's service": {`{"twilio":{"messages":{"limit":1}}}`, func(m mock, account string) int {
			return m.do(http.MethodPost, twilioPath, url.Values{"To": {"+15005550006"}, "MessagingServiceSid": {account}, "Body": {"b"}}.Encode()).Code
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{Limits: limits(t, test.limits)})
			for i, want := range []struct {
				account  string
				accepted bool
			}{{"one", true}, {"one", false}, {"two", true}, {"two", false}} {
				if got := test.send(m, want.account) < 400; got != want.accepted {
					t.Errorf("%s: call %d was accepted: %v", name, i+1, got)
				}
			}
		})
	}
}

// TestLimitsOfABatch: as many entries are accepted as there is room for, and the
// others are refused as throttled; a provider that answers by call takes all or
// none.
func TestLimitsOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{Limits: limits(t, `{"ses":{"messages":{"limit":14}},"fcm":{"messages":{"limit":3,"per":"1m","window":true}},"sendgrid":{"messages":{"limit":2}}}`)})
		bulk := sesBulk(many(50, func(i int) string { return sesEntry(fmt.Sprintf("u%d@b.c", i), "", "") })...)
		w := m.post(sesBulkPath, bulk, 200, `{"Status":"ACCOUNT_THROTTLED","Error":"Maximum sending rate exceeded."}`)
		if got := strings.Count(w.Body.String(), "SUCCESS"); got != 14 {
			t.Errorf("%d of 50 were accepted, want 14", got)
		}
		w = m.post(fcmBatchPath, fcmBatch(many(5, func(i int) string { return `{"message":{"token":"t"}}` })...), 200, "Retry-After: 60\r\n", header("Content-Type", "multipart/mixed; boundary=__END__"))
		if got := strings.Count(w.Body.String(), "QUOTA_EXCEEDED"); got != 2 {
			t.Errorf("%d of 5 were refused, want 2", got)
		}
		before := m.sends()
		three := mail(to("a@b.c"), to("b@b.c"), to("c@b.c"))
		m.post(sendGridPath, three, 202, "") // larger than the limit, so it is waited for
		m.post(sendGridPath, three, 429, "too many requests")
		if m.sends() != before+3 {
			t.Errorf("%d were accepted, want 3", m.sends()-before)
		}
	})
}

// TestSESCountsRecipients: a mail to five counts five. It goes out as long as
// there is room for one, and those after it wait.
func TestSESCountsRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{Limits: limits(t, `{"ses":{"messages":{"limit":1}}}`)})
		m.post(sesPath, sesMail(`"a":1`, "a@b.c", "b@b.c", "c@b.c", "d@b.c", "e@b.c"), 200, "")
		for range 4 {
			m.post(sesPath, sesMail(`"a":1`, "a@b.c"), 429, "Maximum sending rate exceeded.")
			time.Sleep(time.Second)
		}
		m.post(sesPath, sesMail(`"a":1`, "a@b.c"), 429, "")
		time.Sleep(time.Second)
		m.post(sesPath, sesMail(`"a":1`, "a@b.c"), 200, "")
	})
}

// TestDailyQuota: what was sent counts for 24 hours, and mail to the simulator
// does not.
func TestDailyQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{Limits: limits(t, `{"ses":{"daily":100},"sendgrid":{"daily":1},"vonage":{"daily":1}}`)})
		one := sesMail(`"a":1`, "a@b.c")
		for range 2 {
			for range 50 {
				m.post(sesPath, one, 200, "")
			}
			time.Sleep(time.Hour)
		}
		m.post(sesPath, one, 429, "Daily message quota exceeded.")
		m.post(sesPath, sesMail(`"a":1`, "success@simulator.amazonses.com"), 200, "")
		m.post(sesBulkPath, sesBulk(sesEntry("a@b.c", "", "")), 200, "ACCOUNT_DAILY_QUOTA_EXCEEDED")
		time.Sleep(22*time.Hour + time.Minute) // the first fifty are a day old
		for range 50 {
			m.post(sesPath, one, 200, "")
		}
		m.post(sesPath, one, 429, "")
		m.post(sendGridPath, mail(to("a@b.c")), 202, "")
		m.post(sendGridPath, mail(to("a@b.c")), 401, "Maximum credits exceeded")
		sms := "api_key=k&api_secret=s&to=15005550006&from=Us&text=b"
		m.post(vonagePath, sms, 200, `"status":"0"`)
		m.post(vonagePath, sms, 200, `"status":"9"`)
	})
}

// TestLimitAnswers: each provider says in its own words that a limit is reached.
func TestLimitAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		limits, path, body string
		status             int
		want               string
	}{
		"FCM's project":   {`{"fcm":{"messages":{"limit":1}}}`, fcmPath, `{"message":{"token":"t"}}`, 429, `"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"QUOTA_EXCEEDED"}]`},
		"FCM's device":    {`{"fcm":{"device":{"limit":1}}}`, fcmPath, `{"message":{"token":"t"}}`, 429, "Message rate to the device exceeded."},
		"APNs' device":    {`{"apns":{"device":{"limit":1}}}`, apnsPath, `{"aps":{}}`, 429, `{"reason":"TooManyRequests"}`},
		"Twilio's sender": {`{"twilio":{"messages":{"limit":1}}}`, twilioPath, "To=%2B15005550006&From=%2B1&Body=b", 429, `{"code":21611,"message":"This 'From' number has exceeded`},
		"Twilio's calls":  {`{"twilio":{"calls":{"limit":1}}}`, twilioPath, "To=%2B15005550006&From=%2B1&Body=b", 429, `{"code":20429,`},
		"Vonage":          {`{"vonage":{"calls":{"limit":4}}}`, vonagePath, "api_key=k&api_secret=s&to=15005550006&from=Us&text=b", 200, `{"status":"1","error-text":"Throughput Rate Exceeded - please wait [ 250 ] and retry"}`},
		"SES":             {`{"ses":{"messages":{"limit":1}}}`, sesPath, sesMail(`"a":1`, "a@b.c"), 429, `{"message":"Maximum sending rate exceeded."}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{Limits: limits(t, test.limits)})
			for range 4 {
				m.do(http.MethodPost, test.path, test.body)
			}
			accepted := m.sends()
			if accepted == 0 {
				t.Errorf("%s: nothing was accepted", name)
			}
			m.post(test.path, test.body, test.status, test.want)
			if m.sends() != accepted {
				t.Errorf("%s: it was accepted all the same", name)
			}
		})
	}
}

// TestTwilioCountsSegments: a long text takes the room of its parts.
func TestTwilioCountsSegments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{Limits: limits(t, `{"twilio":{"messages":{"limit":1,"burst":10}}}`)})
		long := url.Values{"To": {"+15005550006"}, "From": {"+15005550001"}, "Body": {strings.Repeat("x", 4*153)}}.Encode()
		for _, want := range []int{201, 201, 201, 429} { // 10 - 3 * 4 is less than one
			if got := m.do(http.MethodPost, twilioPath, long).Code; got != want {
				t.Errorf("answered %d, want %d", got, want)
			}
		}
	})
}

// TestFCMCountsErrors: what FCM refuses for the client's fault uses its quota.
func TestFCMCountsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{Limits: limits(t, `{"fcm":{"messages":{"limit":2,"per":"1m","window":true}}}`)})
		m.post(fcmPath, `{"message":{}}`, 400, "")
		m.post(fcmPath, `{"message":{}}`, 400, "")
		m.post(fcmPath, `{"message":{"token":"t"}}`, 429, "")
		time.Sleep(time.Minute)
		m.post(fcmPath, `{"message":{"token":"t"}}`, 200, "")
	})
}

// TestSendGridTellsWhatIsLeft: every answer has the headers of the limit.
func TestSendGridTellsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, mockproviders.Options{Limits: limits(t, `{"sendgrid":{"calls":{"limit":2,"per":"1m","window":true}}}`)})
		reset := strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10)
		for _, want := range []struct {
			status    int
			remaining string
		}{{202, "1"}, {202, "0"}, {429, "0"}} {
			w := m.post(sendGridPath, mail(to("a@b.c")), want.status, "")
			h := w.Header()
			if h.Get("X-RateLimit-Limit") != "2" || h.Get("X-RateLimit-Remaining") != want.remaining || h.Get("X-RateLimit-Reset") != reset {
				t.Errorf("the headers are %v, want %s left until %s", h, want.remaining, reset)
			}
		}
		time.Sleep(time.Minute)
		m.post(sendGridPath, mail(to("a@b.c")), 202, "")
	})
	unlimited := newMock(t, mockproviders.Options{}).post(sendGridPath, mail(to("a@b.c")), 202, "")
	if got := unlimited.Header().Get("X-RateLimit-Limit"); got != "" {
		t.Errorf("without a limit it tells of %s", got)
	}
}

func TestLimitsLive(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	asJSON := header("Content-Type", "application/json")
	checkResponse(t, m.do(http.MethodGet, "/_mock/limits", ""), 200, `{}`)
	checkResponse(t, m.do(http.MethodPut, "/_mock/limits", `{"fcm":{"device":{"limit":1,"per":"1h"}}}`, asJSON), 204, "")
	checkResponse(t, m.do(http.MethodGet, "/_mock/limits", ""), 200, `{"fcm":{"device":{"limit":1,"per":"1h0m0s"}}}`)
	m.post(fcmPath, `{"message":{"token":"t"}}`, 200, "")
	m.post(fcmPath, `{"message":{"token":"t"}}`, 429, "")
	checkResponse(t, m.do(http.MethodPut, "/_mock/limits", `{"fcm":{"device":{"limit":0}}}`, asJSON), 400, "accepted is a number above 0")
	checkResponse(t, m.do(http.MethodPut, "/_mock/limits", `{}`), 415, "limits are application/json")
	m.post(fcmPath, `{"message":{"token":"t"}}`, 429, "") // the limits stand
	checkResponse(t, m.do(http.MethodDelete, "/_mock/limits", ""), 204, "")
	m.post(fcmPath, `{"message":{"token":"t"}}`, 200, "")
}

func TestLimitsThatDoNotHold(t *testing.T) {
	for text, want := range map[string]string{
		`{"pigeon":{}}`:                                                       `provider "pigeon" is not served; accepted are sendgrid, ses`,
		`{"ses":{"messages":{}}}`:                                             "limits of ses: messages: limit is 0",
		`{"ses":{"calls":{"limit":-1}}}`:                                      "limits of ses: calls: limit is -1",
		`{"ses":{"device":{"limit":1,"per":"-1s"}}}`:                          "per is -1s",
		`{"ses":{"messages":{"limit":1,"burst":0.5}}}`:                        "burst is 0.5; accepted is a number from 1",
		`{"ses":{"messages":{"limit":1,"per":"1m","window":true,"burst":2}}}`: "burst does not go with window",
		`{"ses":{"daily":-1}}`:                                                "reading the limits: line 1",
		`{"ses":{"hourly":1}}`:                                                "hourly",
		``:                                                                    "reading the limits",
	} {
		if _, err := mockproviders.ParseLimits([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := mockproviders.New(mockproviders.Options{Limits: mockproviders.Limits{"pigeon": {}}}); err == nil {
		t.Error("a server was made with limits that do not hold")
	}
}

// TestPublishedLimits hold, and let a system of moderate size through.
func TestPublishedLimits(t *testing.T) {
	published := mockproviders.PublishedLimits()
	if err := published.Validate(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(published)
	if err != nil {
		t.Fatal(err)
	}
	m := newMock(t, mockproviders.Options{Limits: limits(t, string(text))})
	for path, body := range validRequests() {
		w := m.do(http.MethodPost, path, body, func(r *http.Request) {
			if path == fcmBatchPath {
				r.Header.Set("Content-Type", "multipart/mixed; boundary=__END__")
			}
		})
		if w.Code >= 300 {
			t.Errorf("%s answered %d %s", path, w.Code, w.Body)
		}
	}
}
