package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// serve starts a server of one handler and gives a client for it.
func serve(t *testing.T, handler http.HandlerFunc) *api.Client {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	c, err := api.NewClient(s.URL, api.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestClientSubmits(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var got api.Submission
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || len(got.Notifications) != 1 || got.Notifications[0].UserID != "u1" {
			t.Errorf("got %+v, %v", got, err)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/v1/notifications" ||
			r.Header.Get("Idempotency-Key") != "k" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s, %v", r.Method, r.URL, r.Header)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"results": [{"id": "a", "status": "accepted", "replayed": true}]}`))
	})
	got, err := c.Submit(t.Context(), []api.Notification{{UserID: "u1", Channel: "sms", TemplateID: "otp"}}, "k")
	if err != nil || len(got.Results) != 1 || got.Results[0] != (api.Result{ID: "a", Status: "accepted", Replayed: true}) {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestClientGivesProblems(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", api.ProblemType)
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"type":"about:blank","title":"x","status":503,"code":"admission","detail":"busy \u001b[2J"}`))
	})
	_, err := c.Notification(t.Context(), "a/b")
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Code != api.CodeAdmission || problem.RetryAfter != 2 {
		t.Fatalf("got %v", err)
	}
	if strings.ContainsRune(problem.Error(), 0x1b) {
		t.Fatalf("an escape byte got through: %q", problem.Error())
	}
}

func TestClientMakesAProblemOfAnyOtherAnswer(t *testing.T) {
	for _, body := range []string{"", "<html>", `{"status": 200}`} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte(body))
		})
		_, err := c.Status(t.Context())
		var problem *api.Problem
		if !errors.As(err, &problem) || problem.Status != http.StatusBadGateway {
			t.Errorf("%q: got %v", body, err)
		}
	}
}

func TestClientEscapesPaths(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/v1/users/a%2Fb%3F/preferences" {
			t.Errorf("got %s", r.URL.EscapedPath())
		}
		_, _ = w.Write([]byte(`{"user_id": "a/b?"}`))
	})
	if p, err := c.Preferences(t.Context(), "a/b?"); err != nil || p.UserID != "a/b?" {
		t.Fatalf("got %+v, %v", p, err)
	}
}

func TestClientFollowsNoRedirect(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/status" {
			t.Errorf("followed to %s", r.URL.Path)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	_, err := c.Status(t.Context())
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusFound {
		t.Fatalf("got %v", err)
	}
}

func TestClientReadsBoundedAnswers(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range 9 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if _, err := c.Status(t.Context()); !errors.Is(err, api.ErrAnswerTooLarge) {
		t.Fatalf("got %v", err)
	}
}

func TestReadyTellsWhy(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status": "starting", "checks": {"store": "opening"}}`))
	})
	got, err := c.Ready(t.Context())
	if err != nil || got.Status != "starting" || got.Checks["store"] != "opening" {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestNewClientRefusesOtherAddresses(t *testing.T) {
	for _, base := range []string{"", "127.0.0.1:8080", "ftp://h", "http://", "http://u:p@h", "http://h/v1", "http://h?x=1", "http://[::1"} {
		if c, err := api.NewClient(base, api.ClientOptions{}); err == nil {
			c.Close()
			t.Errorf("%q was taken", base)
		}
	}
}

func TestRunOutcomesSurviveTheWire(t *testing.T) {
	delivered := roaring.BitmapOf(1, 2, 3, 1<<31)
	delivered.AddRange(100_000, 900_000)
	in := api.RunOutcomes{Run: "r1", Outcomes: map[string]*roaring.Bitmap{"delivered": delivered, "dead": roaring.New()}}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out api.RunOutcomes
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if out.Run != "r1" || len(out.Outcomes) != 2 || !out.Outcomes["delivered"].Equals(delivered) || !out.Outcomes["dead"].IsEmpty() {
		t.Fatalf("got %+v", out)
	}
}

func FuzzRunOutcomes(f *testing.F) {
	f.Add([]byte(`{"run": "r1", "outcomes": {"delivered": "OjAAAAEAAAAAAAIAEAAAAAEAAgADAA=="}}`))
	f.Add([]byte(`{"outcomes": {"delivered": "OjAAAA=="}}`))
	f.Add([]byte(`{"outcomes": {"delivered": "OzAAAAEAAAAAAAD//w=="}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r api.RunOutcomes
		if json.Unmarshal(data, &r) != nil {
			return
		}
		for state, sequences := range r.Outcomes {
			// What was read must be usable.
			if uint64(len(sequences.ToArray())) != sequences.GetCardinality() {
				t.Fatalf("%q: the cardinality is not the length", state)
			}
		}
	})
}
