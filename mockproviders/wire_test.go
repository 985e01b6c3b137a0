package mockproviders_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// mail is a request to SendGrid with these personalizations.
func mail(personalizations ...string) string {
	return `{"personalizations":[` + strings.Join(personalizations, ",") + `],"from":{"email":"us@example.com","name":"Us"},"subject":"Hi","content":[{"type":"text/plain","value":"Hello"}]}`
}

func to(address string) string { return fmt.Sprintf(`{"to":[{"email":%q}]}`, address) }

func many(n int, one func(i int) string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = one(i)
	}
	return all
}

func TestSendGrid(t *testing.T) {
	numbered := func(i int) string { return to(fmt.Sprintf("user%d@example.com", i)) }
	for _, test := range []struct {
		name   string
		body   string
		status int
		want   string // in the body
	}{
		{"one", mail(to("ada@example.com")), 202, ""},
		{"a thousand", mail(many(1000, numbered)...), 202, ""},
		{"more", mail(many(1001, numbered)...), 400, `"field":"personalizations"`},
		{"none", mail(), 400, "at least one personalization"},
		{"too many recipients", mail(`{"to":[` + strings.Join(many(1001, func(i int) string { return fmt.Sprintf(`{"email":"u%d@example.com"}`, i) }), ",") + `]}`), 400, "limit of 1000 total recipients"},
		{"an address twice", mail(to("ada@example.com"), to("bob@example.com"), to("Ada@Example.com")), 400, `"field":"personalizations.2.to"`},
		{"an address twice in one", mail(`{"to":[{"email":"a@b.c"}],"cc":[{"email":"a@b.c"}]}`), 400, `"field":"personalizations.0.cc"`},
		{"a bad address", mail(to("ada@example.com"), to("nobody")), 400, `"field":"personalizations.1.to"`},
		{"two bad addresses", mail(to("x"), to("a@b.c"), to("y")), 400, `"field":"personalizations.2.to"`},
		{"no recipient", mail(`{"subject":"x"}`), 400, `"field":"personalizations.0.to"`},
		{"no sender", `{"personalizations":[` + to("a@b.c") + `],"subject":"s","content":[{"type":"t","value":"v"}]}`, 400, `"field":"from.email"`},
		{"no subject", `{"personalizations":[` + to("a@b.c") + `],"from":{"email":"u@b.c"},"content":[{"type":"t","value":"v"}]}`, 400, `"field":"subject"`},
		{"a subject of its own", `{"personalizations":[{"to":[{"email":"a@b.c"}],"subject":"s"}],"from":{"email":"u@b.c"},"content":[{"type":"t","value":"v"}]}`, 202, ""},
		{"no content", `{"personalizations":[` + to("a@b.c") + `],"from":{"email":"u@b.c"},"subject":"s"}`, 400, `"field":"content"`},
		{"a template", `{"personalizations":[` + to("a@b.c") + `],"from":{"email":"u@b.c"},"template_id":"d-1"}`, 202, ""},
		{"custom arguments that fit", mail(`{"to":[{"email":"a@b.c"}],"custom_args":{"k":"` + strings.Repeat("x", 9_991) + `"}}`), 202, ""},
		{"custom arguments too large", mail(`{"to":[{"email":"a@b.c"}],"custom_args":{"k":"` + strings.Repeat("x", 9_992) + `"}}`), 400, `"field":"personalizations.0.custom_args"`},
		{"substitutions too large", mail(`{"to":[{"email":"a@b.c"}],"substitutions":{"k":"` + strings.Repeat("x", 10_000) + `"}}`), 400, `"field":"personalizations.0.substitutions"`},
		{"no JSON", "hello", 400, `{"errors":[{"message":"Bad Request","field":null,"help":null}]}`},
		{"cut JSON", mail(to("a@b.c"))[:60], 400, "Bad Request"},
		{"trailing garbage", mail(to("a@b.c")) + "x", 400, "Bad Request"},
		{"a second value", mail(to("a@b.c")) + "{}", 400, "Bad Request"},
		{"a wrong type", `{"personalizations":{}}`, 400, "Bad Request"},
		{"empty", "", 400, "Bad Request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{})
			w := m.post(sendGridPath, test.body, test.status, test.want)
			if taken := m.sends() > 0; taken != (test.status == 202) {
				t.Errorf("the ledger counts %d", m.sends())
			}
			if id := w.Header().Get("X-Message-Id"); (id != "") != (test.status == 202) {
				t.Errorf("X-Message-Id is %q", id)
			}
		})
	}
}

func TestSendGridListsEveryFault(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	w := m.post(sendGridPath, mail(to("x"), to("a@b.c"), to("y")), 400, "")
	var answer struct {
		Errors []struct{ Message, Field string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Errors) != 2 || answer.Errors[0].Field != "personalizations.0.to" || answer.Errors[1].Field != "personalizations.2.to" {
		t.Errorf("the errors are %+v", answer.Errors)
	}
}

func TestSendGridThrottles(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	if err := m.SetFaults(mockproviders.Script{Faults: []mockproviders.Fault{{Kind: mockproviders.Status, Status: 429, RetryAfter: mockproviders.Duration(1500 * time.Millisecond)}}}); err != nil {
		t.Fatal(err)
	}
	w := m.post(sendGridPath, mail(to("a@b.c")), 429, `{"errors":[{"message":"too many requests","field":null,"help":null}]}`)
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		if w.Header().Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if wait := w.Header().Get("Retry-After"); wait != "2" {
		t.Errorf("Retry-After is %q, want whole seconds, up", wait)
	}
}

func TestFCM(t *testing.T) {
	message := func(inner string) string { return `{"message":{` + inner + `}}` }
	for _, test := range []struct {
		name   string
		body   string
		status int
		want   string
	}{
		{"one", message(`"token":"t","notification":{"title":"a","body":"b"},"data":{"notification_id":"id1"},"android":{"priority":"HIGH","ttl":"3.5s"}`), 200, `{"name":"projects/p/messages/`},
		{"a topic", message(`"topic":"news"`), 200, ""},
		{"no target", message(`"notification":{}`), 400, "Exactly one of token, topic or condition is required"},
		{"two targets", message(`"token":"t","topic":"n"`), 400, "Exactly one"},
		{"no message", `{}`, 400, `"status":"INVALID_ARGUMENT"`},
		{"the largest", message(`"token":"t","notification":{"body":"` + strings.Repeat("x", 4085) + `"}`), 200, ""},
		{"too large", message(`"token":"t","notification":{"body":"` + strings.Repeat("x", 4086) + `"}`), 400, "Android message is too big"},
		{"too large together", message(`"token":"t","notification":{"body":"` + strings.Repeat("x", 2100) + `"},"data":{"k":"` + strings.Repeat("x", 2100) + `"}`), 400, "too big"},
		{"data that is no string", message(`"token":"t","data":{"n":7}`), 400, "message.data"},
		{"the longest ttl", message(`"token":"t","android":{"ttl":"2419200s"}`), 200, ""},
		{"a ttl too long", message(`"token":"t","android":{"ttl":"2419201s"}`), 400, "message.android.ttl"},
		{"a negative ttl", message(`"token":"t","android":{"ttl":"-1s"}`), 400, "message.android.ttl"},
		{"a ttl without a unit", message(`"token":"t","android":{"ttl":"60"}`), 400, "message.android.ttl"},
		{"a ttl that is no number", message(`"token":"t","android":{"ttl":"NaNs"}`), 400, "message.android.ttl"},
		{"an unknown priority", message(`"token":"t","android":{"priority":"urgent"}`), 400, "message.android.priority"},
		{"no JSON", "hello", 400, "Invalid JSON payload received."},
		{"trailing garbage", message(`"token":"t"`) + "]", 400, "Invalid JSON payload received."},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{})
			w := m.post(fcmPath, test.body, test.status, test.want)
			if taken := m.sends() == 1; taken != (test.status == 200) {
				t.Errorf("the ledger counts %d", m.sends())
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("the answer is no JSON: %s", w.Body)
			}
		})
	}
}

// TestProjectsThatAreNone cannot break an answer's JSON.
func TestProjectsThatAreNone(t *testing.T) {
	newMock(t, mockproviders.Options{}).post("/fcm/v1/projects/%22p%22/messages:send", `{"message":{"token":"t"}}`, 400, "Invalid project id.")
}

func TestFCMErrors(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		want   string
	}{
		{404, "", `"status":"NOT_FOUND","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]`},
		{429, "", `"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"QUOTA_EXCEEDED"}]`},
		{500, "", `"errorCode":"INTERNAL"`},
		{503, "", `"status":"UNAVAILABLE"`},
		{400, "THIRD_PARTY_AUTH_ERROR", `"errorCode":"THIRD_PARTY_AUTH_ERROR"`},
	} {
		m := newMock(t, mockproviders.Options{})
		if err := m.SetFaults(mockproviders.Script{Faults: []mockproviders.Fault{{Kind: mockproviders.Status, Status: test.status, Code: test.code}}}); err != nil {
			t.Fatal(err)
		}
		m.post(fcmPath, `{"message":{"token":"t"}}`, test.status, test.want)
	}
}

// fcmBatch is a batch of these bodies, as the official libraries wrote it.
func fcmBatch(bodies ...string) string {
	var b strings.Builder
	for i, body := range bodies {
		fmt.Fprintf(&b, "--__END__\r\nContent-Length: %d\r\nContent-Type: application/http\r\nContent-Id: %d\r\nContent-Transfer-Encoding: binary\r\n\r\n", len(body), i+1)
		fmt.Fprintf(&b, "POST /v1/projects/p/messages:send HTTP/1.1\r\nContent-Length: %d\r\nContent-Type: application/json; charset=UTF-8\r\nUser-Agent: \r\n\r\n%s\r\n", len(body), body)
	}
	return b.String() + "--__END__--\r\n"
}

func TestFCMBatch(t *testing.T) {
	one := func(i int) string { return fmt.Sprintf(`{"message":{"token":"t%d"}}`, i) }
	batch := header("Content-Type", `multipart/mixed; boundary="__END__"`)
	for _, test := range []struct {
		name   string
		body   string
		status int
		want   string
		sends  uint64
	}{
		{"two", fcmBatch(one(1), one(2)), 200, "Content-ID: response-2\r\n\r\nHTTP/1.1 200 OK\r\n", 2},
		{"one is bad", fcmBatch(one(1), `{"message":{}}`, one(3)), 200, "Content-ID: response-2\r\n\r\nHTTP/1.1 400 Bad Request\r\n", 2},
		{"one is no JSON", fcmBatch(one(1), `hello`), 200, "HTTP/1.1 400", 1},
		{"five hundred", fcmBatch(many(500, one)...), 200, "", 500},
		{"more", fcmBatch(many(501, one)...), 400, "more than 500", 0},
		{"none", "--__END__--\r\n", 400, "empty", 0},
		{"a preamble", "hello\r\n" + fcmBatch(one(1)), 200, "HTTP/1.1 200 OK", 1},
		{"no end", strings.TrimSuffix(fcmBatch(one(1)), "--__END__--\r\n"), 400, "does not end", 0},
		{"another request inside", strings.ReplaceAll(fcmBatch(one(1)), "/messages:send", "/other"), 200, "HTTP/1.1 404 Not Found", 0},
		{"the boundary in a text", fcmBatch(`{"message":{"token":"t","notification":{"body":"--__END__--"}}}`), 200, "HTTP/1.1 200 OK", 1},
		{"no parts", "hello", 400, "", 0},
		{"line feeds alone", strings.ReplaceAll(fcmBatch(one(1)), "\r\n", "\n"), 200, "HTTP/1.1 200 OK", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{})
			m.post(fcmBatchPath, test.body, test.status, test.want, batch)
			if m.sends() != test.sends {
				t.Errorf("the ledger counts %d, want %d", m.sends(), test.sends)
			}
		})
	}
	newMock(t, mockproviders.Options{}).post(fcmBatchPath, fcmBatch(one(1)), 400, "multipart/mixed", header("Content-Type", "application/json"))
}

func TestTwilio(t *testing.T) {
	good := url.Values{"To": {"+15005550006"}, "From": {"+15005550001"}, "Body": {"Hi & bye"}, "StatusCallback": {"https://x.example/cb?a=1&notification_id=id1&notification_ref=r_1#f"}}
	with := func(change func(url.Values)) string {
		form := url.Values{}
		for name, values := range good {
			form[name] = values
		}
		change(form)
		return form.Encode()
	}
	for _, test := range []struct {
		name   string
		body   string
		status int
		want   string
	}{
		{"one", good.Encode(), 201, `"status":"queued"`},
		{"a service", with(func(f url.Values) { f.Del("From"); f.Set("MessagingServiceSid", "MG1") }), 201, `"messaging_service_sid":"MG1"`},
		{"neither", with(func(f url.Values) { f.Del("From") }), 400, `"code":21603`},
		{"no recipient", with(func(f url.Values) { f.Del("To") }), 400, `"code":21604`},
		{"a bad number", with(func(f url.Values) { f.Set("To", "5005550006") }), 400, `"code":21211`},
		{"another service's address", with(func(f url.Values) { f.Set("To", "whatsapp:+15005550006") }), 201, ""},
		{"no text", with(func(f url.Values) { f.Del("Body") }), 400, `"code":21602`},
		{"a picture", with(func(f url.Values) { f.Del("Body"); f.Set("MediaUrl", "https://x/y.png") }), 201, ""},
		{"the longest", with(func(f url.Values) { f.Set("Body", strings.Repeat("ü", 1600)) }), 201, `"num_segments":"11"`},
		{"too long", with(func(f url.Values) { f.Set("Body", strings.Repeat("ü", 1601)) }), 400, `"code":21617`},
		{"a broken escape", "To=%2B15005550006&From=%2B1&Body=50%", 201, `"body":"50%"`},
		{"empty", "", 400, `"code":21604`},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{})
			w := m.post(twilioPath, test.body, test.status, test.want)
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("the answer is no JSON: %s", w.Body)
			}
			if taken := m.sends() == 1; taken != (test.status == 201) {
				t.Errorf("the ledger counts %d", m.sends())
			}
		})
	}
}

func TestTwilioAnswer(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	form := url.Values{"To": {"+15005550006"}, "From": {"+15005550001"}, "Body": {"Hi \"you\""}, "StatusCallback": {"https://x.example/cb?notification_id=id1&notification_ref=r_1"}}
	w := m.post(twilioPath, form.Encode(), 201, "")
	var answer struct {
		Sid, Status, Body, To, From string
		NumSegments                 string `json:"num_segments"`
		DateCreated                 string `json:"date_created"`
		AccountSid                  string `json:"account_sid"`
		URI                         string `json:"uri"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^SM[0-9a-f]{32}$`).MatchString(answer.Sid) || answer.Status != "queued" || answer.Body != `Hi "you"` ||
		answer.To != "+15005550006" || answer.From != "+15005550001" || answer.NumSegments != "1" || answer.AccountSid != "AC1" ||
		answer.URI != "/2010-04-01/Accounts/AC1/Messages/"+answer.Sid+".json" {
		t.Errorf("the answer is %+v", answer)
	}
	if _, err := time.Parse(time.RFC1123Z, answer.DateCreated); err != nil {
		t.Errorf("the date is no date of RFC 2822: %v", err)
	}
	if known := m.Ledger().Lookup("id1"); len(known.Sends) != 1 || known.Ref != "r_1" {
		t.Errorf("the ledger says %+v", known)
	}
}

func TestTwilioBatch(t *testing.T) {
	one := func(i int) string {
		return fmt.Sprintf(`{"To":"+1500555%04d","Body":"Hi","StatusCallback":"https://x/?notification_id=id%d"}`, i, i)
	}
	batch := func(messages ...string) string {
		return `{"MessagingServiceSid":"MG1","Messages":[` + strings.Join(messages, ",") + `]}`
	}
	for _, test := range []struct {
		name   string
		body   string
		status int
		want   string
		sends  uint64
	}{
		{"two", batch(one(1), one(2)), 200, `"status":"queued"},{"sid":"SM`, 2},
		{"one is bad", batch(one(1), `{"To":"x","Body":"b"}`, one(2)), 200, `{"error":{"code":21211,`, 2},
		{"a hundred", batch(many(100, one)...), 200, "", 100},
		{"more", batch(many(101, one)...), 400, "more than 100", 0},
		{"none", batch(), 400, "empty", 0},
		{"no service", `{"Messages":[` + one(1) + `]}`, 400, "messaging service", 0},
		{"no JSON", "To=x", 400, "not the JSON", 0},
		{"trailing garbage", batch(one(1)) + "]", 400, "not the JSON", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMock(t, mockproviders.Options{})
			w := m.post(twilioBatchPath, test.body, test.status, test.want)
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("the answer is no JSON: %s", w.Body)
			}
			if m.sends() != test.sends {
				t.Errorf("the ledger counts %d, want %d", m.sends(), test.sends)
			}
		})
	}
}

// validRequests holds a request of one notification for each path; batches need
// their Content-Type.
func validRequests() map[string]string {
	return map[string]string{
		sendGridPath:    mail(to("a@b.c")),
		fcmPath:         `{"message":{"token":"t"}}`,
		fcmBatchPath:    fcmBatch(`{"message":{"token":"t"}}`),
		twilioPath:      "To=%2B15005550006&From=%2B1&Body=b",
		twilioBatchPath: `{"MessagingServiceSid":"MG","Messages":[{"To":"+15005550006","Body":"b"}]}`,
		sesPath:         sesMail(`"EmailTags":[]`, "a@b.c"),
		sesBulkPath:     sesBulk(sesEntry("a@b.c", "", "")),
		apnsPath:        `{"aps":{}}`,
		vonagePath:      "api_key=k&api_secret=s&to=15005550006&from=Us&text=b",
	}
}

func TestCredentials(t *testing.T) {
	for path, body := range validRequests() {
		want := http.StatusUnauthorized
		switch path {
		case vonagePath: // whose credentials stand in the body
			continue
		case sesPath, sesBulkPath, apnsPath:
			want = http.StatusForbidden
		}
		m := newMock(t, mockproviders.Options{})
		for _, credentials := range []string{"", "Bearer ", "Bearer", "Basic Og==", "Basic QUMxOg=="} {
			w := m.do(http.MethodPost, path, body, header("Authorization", credentials), header("Content-Type", "multipart/mixed; boundary=__END__"))
			if w.Code != want {
				t.Errorf("%s with %q answered %d", path, credentials, w.Code)
			}
		}
		if m.sends() != 0 {
			t.Errorf("%s accepted %d", path, m.sends())
		}
	}
}

func TestRequestsOutOfBounds(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	for path, limit := range map[string]int{sendGridPath: 30 << 20, fcmPath: 64 << 10, fcmBatchPath: 4 << 20, twilioPath: 64 << 10, twilioBatchPath: 4 << 20, sesPath: 40 << 20, sesBulkPath: 40 << 20, apnsPath: 5120, vonagePath: 64 << 10} {
		m.post(path, strings.Repeat(" ", limit+1), http.StatusRequestEntityTooLarge, "")
		m.post(path, strings.Repeat(" ", limit+1), http.StatusRequestEntityTooLarge, "", func(r *http.Request) { r.ContentLength = -1 })
		m.post(path, "{}", http.StatusUnsupportedMediaType, "", header("Content-Encoding", "gzip"))
		checkResponse(t, m.do(http.MethodGet, path, ""), http.StatusMethodNotAllowed, "")
	}
	checkResponse(t, m.do(http.MethodPost, "/sendgrid/v3/other", ""), http.StatusNotFound, "")
}

// TestNoID: a call without an id gets one of its own.
func TestNoID(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	m.post(sendGridPath, mail(to("a@b.c"), to("b@b.c")), 202, "")
	m.post(fcmPath, `{"message":{"token":"t"}}`, 200, "")
	m.post(twilioPath, "To=%2B15005550006&From=%2B1&Body=b", 201, "")
	if total := m.Ledger().Totals().Total; total.Unique != 4 || total.Duplicates != 0 {
		t.Errorf("totals are %+v", total)
	}
}

// TestIDOfTheWholeMail: custom arguments of the request hold for
// personalizations without their own.
func TestIDOfTheWholeMail(t *testing.T) {
	m := newMock(t, mockproviders.Options{})
	body := strings.TrimSuffix(mail(to("a@b.c"), `{"to":[{"email":"b@b.c"}],"custom_args":{"notification_id":"own"}}`), "}") +
		`,"custom_args":{"notification_id":"all","notification_ref":"r"}}`
	m.post(sendGridPath, body, 202, "")
	for _, id := range []string{"all", "own"} {
		if known := m.Ledger().Lookup(id); len(known.Sends) != 1 || known.Ref != "r" {
			t.Errorf("of %q the ledger says %+v", id, known)
		}
	}
}
