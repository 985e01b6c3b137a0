package provider_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
)

const (
	sesSinglePath = "/ses/v2/email/outbound-emails"
	sesBulkPath   = "/ses/v2/email/outbound-bulk-emails"
)

// sesTag is an e-mail tag.
type sesTag struct{ Name, Value string }

// sesDestination is to whom.
type sesDestination struct{ ToAddresses []string }

// sesRequest is a request to SES, to either of its calls.
type sesRequest struct {
	FromEmailAddress     string
	ConfigurationSetName string
	Destination          sesDestination
	Content              struct {
		Simple struct {
			Subject struct{ Data, Charset string }
			Body    struct {
				HTML struct{ Data, Charset string }
			}
		}
	}
	EmailTags      []sesTag
	DefaultContent struct {
		Template struct {
			TemplateContent struct{ Subject, HTML string }
			TemplateData    string
		}
	}
	BulkEmailEntries []struct {
		Destination             sesDestination
		ReplacementTags         []sesTag
		ReplacementEmailContent struct {
			ReplacementTemplate struct{ ReplacementTemplateData string }
		}
	}
	bulk bool
	size int
}

// sesMail is what a recipient gets.
type sesMail struct{ to, subject, body, id, ref string }

// mails renders what a request asks for, by simple substitution.
func (r *sesRequest) mails(t testing.TB) []sesMail {
	if !r.bulk {
		s := &r.Content.Simple
		if s.Subject.Charset != "UTF-8" || s.Body.HTML.Charset != "UTF-8" {
			t.Errorf("the charsets are %q and %q", s.Subject.Charset, s.Body.HTML.Charset)
		}
		return []sesMail{tagged(sesMail{to: r.Destination.ToAddresses[0], subject: s.Subject.Data, body: s.Body.HTML.Data}, r.EmailTags)}
	}
	var mails []sesMail
	for _, e := range r.BulkEmailEntries {
		values := map[string]string{}
		for _, data := range []string{r.DefaultContent.Template.TemplateData, e.ReplacementEmailContent.ReplacementTemplate.ReplacementTemplateData} {
			if len(data) > 262_144 {
				t.Errorf("the values have %d bytes", len(data))
			}
			if err := json.Unmarshal([]byte(data), &values); err != nil {
				t.Errorf("the values are %q: %v", data, err)
			}
		}
		var pairs []string
		for name, value := range values {
			pairs = append(pairs, "{{"+name+"}}", value)
		}
		render := strings.NewReplacer(pairs...).Replace
		content := r.DefaultContent.Template.TemplateContent
		mails = append(mails, tagged(sesMail{to: e.Destination.ToAddresses[0], subject: render(content.Subject), body: render(content.HTML)}, e.ReplacementTags))
	}
	return mails
}

func tagged(m sesMail, tags []sesTag) sesMail {
	for _, tag := range tags {
		switch tag.Name {
		case "notification_id":
			m.id = tag.Value
		case "notification_ref":
			m.ref = tag.Value
		}
	}
	return m
}

// sesServer keeps the requests it gets, whose signatures it checks.
type sesServer struct {
	mu       sync.Mutex
	requests []*sesRequest
}

// startSES serves SES; nil accepts everything.
func startSES(t testing.TB, answer func(r *sesRequest, w http.ResponseWriter)) (*sesServer, sender) {
	s := &sesServer{}
	url := startStubWithBody(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		request := &sesRequest{bulk: r.URL.Path == sesBulkPath, size: len(body)}
		if err == nil {
			err = json.Unmarshal(body, request)
		}
		if err == nil {
			err = checkSignature(r, body)
		}
		if err != nil || r.URL.Path != sesBulkPath && r.URL.Path != sesSinglePath {
			t.Errorf("%s: %v", r.URL.Path, err)
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, request)
		s.mu.Unlock()
		switch {
		case answer != nil:
			answer(request, w)
		case request.bulk:
			_, _ = io.WriteString(w, sesResults(slices.Repeat([]string{sesSent}, len(request.BulkEmailEntries))...))
		default:
			_, _ = io.WriteString(w, `{"MessageId":"1"}`)
		}
	})
	return s, newSES(t, provider.Options{BaseURL: url})
}

const sesSent = `{"Status":"SUCCESS","MessageId":"0102018b"}`

func sesResults(results ...string) string {
	return `{"BulkEmailEntryResults":[` + strings.Join(results, ",") + `]}`
}

// checkSignature signs what came as the sender should have.
func checkSignature(r *http.Request, body []byte) error {
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return err
	}
	if age := time.Since(at).Abs(); age > 5*time.Minute {
		return fmt.Errorf("signed %v ago", age)
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	again.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), "ses", "eu-central-1", at); err != nil {
		return err
	}
	if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
		return fmt.Errorf("the signature is %s, want %s", got, want)
	}
	return nil
}

// TestSESBulkKeepsEveryText: messages of one call keep their own texts, and
// what is no value of a template goes alone.
func TestSESBulkKeepsEveryText(t *testing.T) {
	server, client := startSES(t, nil)
	sent := messages(pipeline.Email, 6)
	sent[1].Subject, sent[1].Body = `Other "template" \ $1`, "line\nbreak \u2028 \\ <b>&amp;</b> {one} \x01 ü😀"
	sent[2].Ref = ""
	sent[3].Body = "<p>Write {{body}} as in {{#if}}</p>"
	sent[4].Subject = "{{subject}}"
	sent[5].Body = strings.Repeat("\n", 200_000) // 400,000 bytes in JSON
	onlyClass(t, client.Send(t.Context(), sent), pipeline.Sent)
	if len(server.requests) != 4 {
		t.Fatalf("%d calls, want 1 of three messages and 3 of one", len(server.requests))
	}
	got := map[string]sesMail{}
	for _, r := range server.requests {
		mails := r.mails(t)
		if r.FromEmailAddress != "us@example.com" || r.bulk && len(mails) != 3 {
			t.Errorf("from %q, %d mails", r.FromEmailAddress, len(mails))
		}
		for _, m := range mails {
			got[m.to] = m
		}
	}
	for i := range sent {
		m := &sent[i]
		if want := (sesMail{m.To, m.Subject, m.Body, m.ID.String(), m.Ref}); got[m.To] != want {
			t.Errorf("mail %d is %+v", i, got[m.To])
		}
	}
}

// TestSESCallsAreBounded by destinations and by bytes.
func TestSESCallsAreBounded(t *testing.T) {
	for name, test := range map[string]struct {
		n, body, calls int
	}{
		"a batch of the primary's": {1000, 100, 20},
		"one more than a call":     {51, 100, 2},
		"long mails":               {50, 60_000, 4}, // 3 MB, halved twice
	} {
		t.Run(name, func(t *testing.T) {
			server, client := startSES(t, nil)
			sent := messages(pipeline.Email, test.n)
			for i := range sent {
				sent[i].Body = strings.Repeat("x", test.body)
			}
			onlyClass(t, client.Send(t.Context(), sent), pipeline.Sent)
			mails := map[string]int{}
			for _, r := range server.requests {
				if len(r.BulkEmailEntries) > 50 || r.size > 1_000_000 {
					t.Errorf("a call of %d mails and %d bytes", len(r.BulkEmailEntries), r.size)
				}
				for _, m := range r.mails(t) {
					mails[m.to]++
				}
			}
			if len(server.requests) != test.calls || len(mails) != test.n {
				t.Errorf("%d calls of %d mails, want %d of %d", len(server.requests), len(mails), test.calls, test.n)
			}
			for to, n := range mails {
				if n != 1 {
					t.Errorf("%s was sent %d times", to, n)
				}
			}
		})
	}
}

// TestSESTakesDomainsInASCII: it knows no others.
func TestSESTakesDomainsInASCII(t *testing.T) {
	server, client := startSES(t, nil)
	sent := messages(pipeline.Email, 1)
	sent[0].To = "ada@bücher.example"
	onlyClass(t, client.Send(t.Context(), sent), pipeline.Sent)
	if to := server.requests[0].mails(t)[0].to; to != "ada@xn--bcher-kva.example" {
		t.Errorf("sent to %q", to)
	}
}

func TestSESBulkAnswers(t *testing.T) {
	sent, dead, busy, kept, unknown := pipeline.Sent, pipeline.Permanent, pipeline.Throttled, pipeline.Transient, pipeline.Ambiguous
	all := func(c pipeline.AnswerClass) [3]pipeline.AnswerClass { return [...]pipeline.AnswerClass{c, c, c} }
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   [3]pipeline.AnswerClass
	}{
		{"each its own", 200, sesResults(sesSent, `{"Status":"MESSAGE_REJECTED","Error":"a virus"}`, `{"Status":"ACCOUNT_THROTTLED"}`), [...]pipeline.AnswerClass{sent, dead, busy}},
		{"failures", 200, sesResults(`{"Status":"TRANSIENT_FAILURE"}`, `{"Status":"FAILED","Error":"x"}`, `{"Status":"INVALID_PARAMETER"}`), [...]pipeline.AnswerClass{kept, kept, dead}},
		{"short", 200, sesResults(sesSent), [...]pipeline.AnswerClass{sent, unknown, unknown}},
		{"long", 200, sesResults(sesSent, sesSent, sesSent, `{"Status":"MESSAGE_REJECTED"}`), all(sent)},
		{"no statuses", 200, sesResults(`{}`, `null`, `{"MessageId":"1"}`), all(unknown)},
		{"cut", 200, `{"BulkEmailEntryResults":[` + sesSent + `,{"Status":"SUCC`, [...]pipeline.AnswerClass{sent, unknown, unknown}},
		{"too large", 200, `{"BulkEmailEntryResults":[` + sesSent + `,{"Status":"SUCCESS","Error":"` + strings.Repeat("x", 1<<20) + `"}]}`, [...]pipeline.AnswerClass{sent, unknown, unknown}},
		{"another list", 200, `{"Results":[]}`, all(unknown)},
		{"HTML", 200, "<html>hello</html>", all(unknown)},
		{"empty", 200, "", all(unknown)},
		{"a success that is none", 202, "", all(unknown)},
		{"a proxy's 400", 400, "<html>bad</html>", all(kept)},
		{"a proxy's 502", 502, "<html>bad</html>", all(unknown)},
		{"our account", 400, `{"__type":"com.amazonaws.sesv2#AccountSuspendedException","message":"no"}`, all(kept)},
		{"our quota", 429, `{"__type":"TooManyRequestsException","message":"Rate exceeded"}`, all(busy)},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, client := startSES(t, func(_ *sesRequest, w http.ResponseWriter) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			for i, a := range client.Send(t.Context(), messages(pipeline.Email, 3)) {
				if a.Class != test.want[i] {
					t.Errorf("answer %d is %v (%q), want %v", i, a.Class, a.Error, test.want[i])
				}
			}
		})
	}
}

// TestSESRefusedCallIsSplit: the guilty message alone is dead.
func TestSESRefusedCallIsSplit(t *testing.T) {
	sent := messages(pipeline.Email, 50)
	const guilty = 31
	server, client := startSES(t, func(r *sesRequest, w http.ResponseWriter) {
		for _, m := range r.mails(t) {
			if m.to == sent[guilty].To {
				w.Header().Set("X-Amzn-Errortype", "BadRequestException:http://internal.amazon.com/")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(w, `{"message":"Illegal address <%s>"}`, m.to)
				return
			}
		}
		if r.bulk {
			_, _ = io.WriteString(w, sesResults(slices.Repeat([]string{sesSent}, len(r.BulkEmailEntries))...))
		}
	})
	for i, a := range client.Send(t.Context(), sent) {
		want := pipeline.Sent
		if i == guilty {
			want = pipeline.Permanent
			if a.Reason != provider.ReasonRejected || a.Error != "400 BadRequestException: Illegal address <u***@example.com>" {
				t.Errorf("the answer is %+v", a)
			}
		}
		if a.Class != want {
			t.Errorf("answer %d is %+v", i, a)
		}
	}
	if len(server.requests) > 13 {
		t.Errorf("it took %d calls", len(server.requests))
	}
}

// TestNoCredentialsIsNoAttempt: what no call was made with is not sent.
func TestNoCredentialsIsNoAttempt(t *testing.T) {
	o := provider.Options{BaseURL: "http://127.0.0.1:1", Dial: refuse}
	ses, err := provider.NewSES(provider.SESOptions{
		Options: o, Region: "us-east-1", From: "us@example.com",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("no role") }),
	})
	if err != nil {
		t.Fatal(err)
	}
	fcm, err := provider.NewFCM(provider.FCMOptions{
		Options: o, Project: "p",
		Token: func(context.Context) (string, error) { return "", errors.New("no role") },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range []sender{opened(t, ses, nil), opened(t, fcm, nil)} {
		answers := client.Send(t.Context(), messages(client.Channel(), 3))
		onlyClass(t, answers, pipeline.Unsent)
		if !strings.Contains(answers[0].Error, "no role") {
			t.Errorf("the words are %q", answers[0].Error)
		}
	}
}
