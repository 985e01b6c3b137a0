package provider_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/provider"
)

// mail is a request to SendGrid.
type mail struct {
	Personalizations []struct {
		To []struct {
			Email string `json:"email"`
		} `json:"to"`
		Subject       string            `json:"subject"`
		Substitutions map[string]string `json:"substitutions"`
		CustomArgs    map[string]string `json:"custom_args"`
	} `json:"personalizations"`
	From struct {
		Email string `json:"email"`
	} `json:"from"`
	Content []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"content"`
}

// body is what a recipient reads of a mail.
func (m *mail) body(at int) string {
	text := m.Content[0].Value
	for placeholder, value := range m.Personalizations[at].Substitutions {
		text = strings.ReplaceAll(text, placeholder, value)
	}
	return text
}

// mailServer keeps the requests it gets and answers them.
type mailServer struct {
	mu     sync.Mutex
	mails  []mail
	answer func(m *mail, w http.ResponseWriter)
}

func (s *mailServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var m mail
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil || r.Header.Get("Authorization") != "Bearer SG.key" {
		http.Error(w, "no", http.StatusTeapot)
		return
	}
	s.mails = append(s.mails, m)
	if s.answer == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	s.answer(&m, w)
}

func startMails(t testing.TB, answer func(m *mail, w http.ResponseWriter)) (*mailServer, sender) {
	s := &mailServer{answer: answer}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, newSendGrid(t, provider.Options{BaseURL: server.URL})
}

func TestMailsOfOneCallKeepTheirOwnText(t *testing.T) {
	server, client := startMails(t, nil)
	sent := messages(pipeline.Email, 3)
	sent[1].Subject, sent[1].Body = "Other \"template\"", "line\nbreak \u2028 \\ <b>&</b> {{name}} \x01 -name- ü😀"
	sent[2].Ref = ""
	onlyClass(t, client.Send(t.Context(), sent), pipeline.Sent)
	if len(server.mails) != 1 {
		t.Fatalf("%d calls, want 1", len(server.mails))
	}
	m := &server.mails[0]
	if m.From.Email != "us@example.com" || m.Content[0].Type != "text/html" {
		t.Errorf("from %q, content %+v", m.From.Email, m.Content)
	}
	for i, want := range sent {
		p := m.Personalizations[i]
		if p.To[0].Email != want.To || p.Subject != want.Subject || m.body(i) != want.Body {
			t.Errorf("mail %d is to %q, %q, %q", i, p.To[0].Email, p.Subject, m.body(i))
		}
		if p.CustomArgs["notification_id"] != want.ID.String() || p.CustomArgs["notification_ref"] != want.Ref {
			t.Errorf("mail %d carries %v", i, p.CustomArgs)
		}
	}
	if _, ok := m.Personalizations[2].CustomArgs["notification_ref"]; ok {
		t.Error("an empty ref travels")
	}
}

// TestAnAddressStandsOnceInACall: SendGrid refuses calls in which it stands
// twice, so that the second mail goes in a second call, after the first.
func TestAnAddressStandsOnceInACall(t *testing.T) {
	server, client := startMails(t, nil)
	sent := messages(pipeline.Email, 5)
	sent[3].To = strings.ToUpper(sent[0].To)
	sent[4].To = sent[0].To
	onlyClass(t, client.Send(t.Context(), sent), pipeline.Sent)
	var got [][]string
	for _, m := range server.mails {
		var ids []string
		for _, p := range m.Personalizations {
			ids = append(ids, p.CustomArgs["notification_ref"])
		}
		got = append(got, ids)
	}
	want := [][]string{{"run-0", "run-1", "run-2"}, {"run-3"}, {"run-4"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("calls carried %v, want %v", got, want)
	}
	_, url := startMock(t, mockproviders.Options{})
	onlyClass(t, newSendGrid(t, provider.Options{BaseURL: url}).Send(t.Context(), sent), pipeline.Sent)
}

// TestLongBodiesGoAlone: a substitution has 10,000 bytes at most.
func TestLongBodiesGoAlone(t *testing.T) {
	sent := messages(pipeline.Email, 4)
	sent[1].Body = strings.Repeat("x", 50_000)
	sent[2].Body = strings.Repeat("\n", 6_000) // 12,000 bytes in JSON
	sent[3].Body = strings.Repeat("y", 9_900)  // fits
	server, client := startMails(t, nil)
	onlyClass(t, client.Send(t.Context(), sent), pipeline.Sent)
	if len(server.mails) != 3 {
		t.Fatalf("%d calls, want 3", len(server.mails))
	}
	for _, m := range server.mails { // in any order
		long := false
		for at, p := range m.Personalizations {
			i := slices.IndexFunc(sent, func(s pipeline.Message) bool { return s.To == p.To[0].Email })
			if m.body(at) != sent[i].Body {
				t.Errorf("mail %d carries %d bytes", i, len(m.body(at)))
			}
			long = long || i == 1 || i == 2
		}
		if long && len(m.Personalizations) != 1 {
			t.Errorf("a long body shares its call with %d", len(m.Personalizations)-1)
		}
	}
	mock, url := startMock(t, mockproviders.Options{})
	onlyClass(t, newSendGrid(t, provider.Options{BaseURL: url}).Send(t.Context(), sent), pipeline.Sent)
	if sends := mock.Ledger().Totals().Total.Sends; sends != 4 {
		t.Errorf("the provider accepted %d of 4", sends)
	}
}

// TestRefusedCallIsSplit has a provider refuse calls that hold a guilty mail,
// with and without naming it, rightly and wrongly.
func TestRefusedCallIsSplit(t *testing.T) {
	for _, test := range []struct {
		name   string
		guilty []int
		field  func(at int) string
		calls  int
	}{
		{"named", []int{500}, func(at int) string { return fmt.Sprintf("personalizations.%d.to.0.email", at) }, 3},
		{"not named", []int{500}, func(int) string { return "" }, 21},
		{"three named", []int{0, 7, 999}, func(at int) string { return fmt.Sprintf("personalizations.%d.to", at) }, 5},
		{"another named", []int{500}, func(at int) string { return fmt.Sprintf("personalizations.%d.to", at/2) }, 31},
		{"a place that is none", []int{500}, func(int) string { return "personalizations.4000.to" }, 21},
	} {
		t.Run(test.name, func(t *testing.T) {
			sent := messages(pipeline.Email, 1000)
			bad := map[string]bool{}
			for _, at := range test.guilty {
				bad[sent[at].To] = true
			}
			server, client := startMails(t, func(m *mail, w http.ResponseWriter) {
				var errs []string
				for at, p := range m.Personalizations {
					if bad[p.To[0].Email] {
						errs = append(errs, fmt.Sprintf(`{"message":"bad address","field":%q}`, test.field(at)))
					}
				}
				if errs == nil {
					w.WriteHeader(http.StatusAccepted)
					return
				}
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(w, `{"errors":[%s]}`, strings.Join(errs, ","))
			})
			answers := client.Send(t.Context(), sent)
			for i, a := range answers {
				want := pipeline.Sent
				if slices.Contains(test.guilty, i) {
					want = pipeline.Permanent
				}
				if a.Class != want {
					t.Fatalf("answer %d is %v (%q)", i, a.Class, a.Error)
				}
			}
			if len(server.mails) > test.calls {
				t.Errorf("it took %d calls, want %d at most", len(server.mails), test.calls)
			}
			accepted := map[string]int{}
			for _, m := range server.mails {
				clean := true
				for _, p := range m.Personalizations {
					clean = clean && !bad[p.To[0].Email]
				}
				for _, p := range m.Personalizations {
					if clean {
						accepted[p.To[0].Email]++
					}
				}
			}
			for to, n := range accepted {
				if n != 1 {
					t.Errorf("%s was sent %d times", to, n)
				}
			}
		})
	}
}

// TestWhatIsRefusedAltogetherIsKept: a provider that refuses every call is not
// asked a thousand times, and what it did not see alone is not dead.
func TestWhatIsRefusedAltogetherIsKept(t *testing.T) {
	server, client := startMails(t, func(_ *mail, w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errors":[{"message":"no","field":"categories"}]}`)
	})
	counts := classes(client.Send(t.Context(), messages(pipeline.Email, 1000)))
	if len(server.mails) > 64 {
		t.Errorf("it took %d calls", len(server.mails))
	}
	if counts[pipeline.Transient] < 900 || counts[pipeline.Permanent]+counts[pipeline.Transient] != 1000 {
		t.Errorf("the answers are %v", counts)
	}
}

// TestOurSenderIsNotTheirFault: a refused sender kills nothing, and is not
// searched for among the recipients.
func TestOurSenderIsNotTheirFault(t *testing.T) {
	server, client := startMails(t, func(_ *mail, w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errors":[{"message":"The from email does not contain a valid address.","field":"from.email"}]}`)
	})
	onlyClass(t, client.Send(t.Context(), messages(pipeline.Email, 100)), pipeline.Transient)
	if len(server.mails) != 1 {
		t.Errorf("it took %d calls", len(server.mails))
	}
}
