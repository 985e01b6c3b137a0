package mockproviders

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// fuzzWire feeds a wire with arbitrary bodies: nothing panics, every request is
// answered with a status, what is JSON by its type is JSON, and the ledger counts
// no more than the call carried.
func fuzzWire(f *testing.F, path string, sign func(*http.Request), seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second call meets a used buffer
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(string(body)))
			sign(r)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code < 200 || w.Code > 599 {
				t.Fatalf("answered %d", w.Code)
			}
			if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(w.Body.Bytes()) {
				t.Fatalf("answered %d with what is no JSON: %q", w.Code, w.Body)
			}
			if sends := s.Ledger().Totals().Total.Sends; w.Code >= 400 && sends != 0 {
				t.Fatalf("answered %d, and accepted %d", w.Code, sends)
			}
		}
	})
}

func signBearer(r *http.Request) { r.Header.Set("Authorization", "Bearer t") }
func signBasic(r *http.Request)  { r.SetBasicAuth("AC", "t") }

func FuzzSendGrid(f *testing.F) {
	fuzzWire(f, "/sendgrid/v3/mail/send", signBearer,
		`{"personalizations":[{"to":[{"email":"a@b.c"}],"custom_args":{"notification_id":"i","notification_ref":"r-1"}}],"from":{"email":"u@b.c"},"subject":"s","content":[{"type":"t","value":"v"}]}`,
		`{"personalizations":[{"to":[{"email":"\u00e9@b.c"}],"substitutions":{},"cc":[]}],"custom_args":{}}`,
		`{"personalizations":[{"to":[{"email":"x"},{"email":"x"}]}],"from":{"email":"u"}}`)
}

func FuzzFCM(f *testing.F) {
	fuzzWire(f, "/fcm/v1/projects/p/messages:send", signBearer,
		`{"message":{"token":"t","notification":{"title":"a"},"data":{"notification_id":"i","n":7},"android":{"ttl":"3.5s","priority":"high"}},"validate_only":false}`,
		`{"message":{"topic":"\"","data":[]}}`)
}

func FuzzFCMBatch(f *testing.F) {
	fuzzWire(f, "/fcm/batch", func(r *http.Request) {
		signBearer(r)
		r.Header.Set("Content-Type", "multipart/mixed; boundary=b")
	},
		"--b\r\nContent-ID: 1\r\n\r\nPOST /v1/projects/p/messages:send HTTP/1.1\r\n\r\n{\"message\":{\"token\":\"t\"}}\r\n--b--",
		"--b\n\nGET / HTTP/1.1\n\n{}\n--b\n--b--")
}

func FuzzTwilio(f *testing.F) {
	fuzzWire(f, "/twilio/2010-04-01/Accounts/AC/Messages.json", signBasic,
		"To=%2B15005550006&From=%2B1&Body=a+b%&StatusCallback=https%3A%2F%2Fx%3Fnotification_id%3Di%26notification_ref%3Dr-1%23",
		"=&&To&Body==")
}

func FuzzTwilioBatch(f *testing.F) {
	fuzzWire(f, "/twilio/2010-04-01/Accounts/AC/Messages/Batch.json", signBasic,
		`{"MessagingServiceSid":"MG","Messages":[{"To":"+15005550006","Body":"b","StatusCallback":"x?notification_id=i"},{}]}`,
		`{"Messages":[{"Body":"\ud800"}],"Messages":[]}`)
}

func signAWS(r *http.Request) {
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/x, SignedHeaders=host, Signature=00")
}

func FuzzSES(f *testing.F) {
	fuzzWire(f, "/ses/v2/email/outbound-emails", signAWS,
		`{"FromEmailAddress":"u@b.c","Destination":{"ToAddresses":["A <a@b.c>"],"CcAddresses":["bounce@simulator.amazonses.com"]},"Content":{"Simple":{}},"EmailTags":[{"Name":"notification_id","Value":"i"}]}`,
		`{"Content":{"Raw":{"Data":"RnJvbTogdUBiLmMNClRvOiBhQGIuYw0KDQpIaQ=="}}}`,
		`{"FromEmailAddress":"u","Destination":{"ToAddresses":["<"]},"Content":{"Template":{"TemplateName":"t"}},"EmailTags":[{"Name":"\"","Value":" "}]}`)
}

func FuzzSESBulk(f *testing.F) {
	fuzzWire(f, "/ses/v2/email/outbound-bulk-emails", signAWS,
		`{"FromEmailAddress":"u@b.c","DefaultContent":{"Template":{"TemplateName":"t"}},"DefaultEmailTags":[{"Name":"notification_ref","Value":"r-1"}],"BulkEmailEntries":[{"Destination":{"ToAddresses":["a@b.c"]},"ReplacementTags":[{"Name":"notification_id","Value":"i"}]},{}]}`)
}

func FuzzAPNs(f *testing.F) {
	fuzzWire(f, "/apns/3/device/"+strings.Repeat("0a", 32), func(r *http.Request) {
		signBearer(r)
		r.ProtoMajor = 2
		r.Header.Set("Apns-Topic", "com.example.app")
	},
		`{"aps":{"alert":"Hi"},"notification_id":"i","notification_ref":"r-1","notification_template":7}`)
}

func FuzzVonage(f *testing.F) {
	fuzzWire(f, "/vonage/sms/json", func(*http.Request) {},
		"api_key=k&api_secret=s&to=15005550006&from=Us&text=a+b%&client-ref=i.r-1",
		"api_key=k&sig=s&to=%2B15005550006&from=Us&type=unicode&text=%F0%9F%98%80&client-ref=.")
}

func FuzzVonageJSON(f *testing.F) {
	fuzzWire(f, "/vonage/sms/json", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		`{"api_key":"k","api_secret":"s","to":15005550006,"from":"Us","text":"\ud800","client-ref":"i.r-1"}`)
}

// FuzzSettings: limits and latencies that are read hold, and read the same
// again.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"fcm":{"messages":{"limit":600000,"per":"1m","window":true},"device":{"limit":0.5,"burst":3},"daily":9}}`))
	f.Add([]byte(`{"one":{"median":"1s","p99":"2s"},"providers":{"ses":{"batch":{"histogram":[{"up_to":"1ms","count":3}]}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if limits, err := ParseLimits(text); err == nil {
			again, err := json.Marshal(limits)
			if err == nil {
				_, err = ParseLimits(again)
			}
			if err != nil {
				t.Fatalf("%s: %v", again, err)
			}
		}
		if l, err := ParseLatencies(text); err == nil {
			again, err := json.Marshal(l)
			if err == nil {
				_, err = ParseLatencies(again)
			}
			if err != nil {
				t.Fatalf("%s: %v", again, err)
			}
			for number := range uint64(10) {
				if d := newLatencies(l).of(ses, 2, 1, number); d < 0 {
					t.Fatalf("%s: a latency of %v", again, d)
				}
			}
		}
	})
}

// FuzzScript: a script that is read holds, and reads the same again.
func FuzzScript(f *testing.F) {
	f.Add([]byte(`{"faults":[{"provider":"fcm","at":"1m","fault":"status","status":429,"rate":0.1,"to":"*x","attempts":2}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseScript(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseScript(again); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
	})
}

// FuzzRunAnswer: a hostile ledger makes an error, and nothing worse.
func FuzzRunAnswer(f *testing.F) {
	l := NewLedger()
	l.runs["r"] = &run{name: "r", repeats: map[uint32]*Repeat{}}
	for i := range uint32(10) {
		l.recordRun(l.runs["r"], fcm, i*70_000, []byte("id"))
	}
	bitmap, err := l.Run("r").Sequences().ToBytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bitmap, uint64(10))
	f.Add([]byte(":0\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x03\x00"), uint64(1))
	f.Fuzz(func(t *testing.T, bitmap []byte, unique uint64) {
		a := runAnswer{Providers: map[string]runProviderAnswer{"fcm": {Count: Count{Unique: unique}, Bitmap: bitmap}}}
		r, err := a.decode()
		if err != nil {
			return
		}
		if got := r.Sequences().GetCardinality(); got != unique {
			t.Fatalf("%d sequences, %d counted", got, unique)
		}
	})
}
