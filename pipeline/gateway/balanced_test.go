package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
)

// meter is a balancer's response writer.
type meter struct {
	*httptest.ResponseRecorder
	submitted []int
}

func (m *meter) Submitted(n int) { m.submitted = append(m.submitted, n) }

var _ gateway.Meter = (*meter)(nil)

func TestABalancerIsToldWhatAGatewayWasGiven(t *testing.T) {
	w := newWorld(nil)
	one := `{"user_id":"u1","channel":"email","template_id":"welcome"}`
	for _, tt := range []struct {
		body string
		want []int
	}{
		{`{"notifications":[` + one + `,` + one + `]}`, []int{2}},
		{`{`, nil},
	} {
		m := &meter{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodPost, "http://localhost/v1/notifications", strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/json")
		w.ServeHTTP(m, r)
		if len(m.submitted) != len(tt.want) || len(tt.want) > 0 && m.submitted[0] != tt.want[0] {
			t.Errorf("%s: answered %d, told of %v, want %v", tt.body, m.Code, m.submitted, tt.want)
		}
	}
}

func TestRefuseReadsNothing(t *testing.T) {
	w := newWorld(nil)
	body := strings.NewReader(`{"user_id":"u1"}`)
	r := httptest.NewRequest(http.MethodPost, "http://localhost/v1/notifications", body)
	recorder := httptest.NewRecorder()
	w.Refuse(recorder, r, api.CodeAdmission, "all are busy")
	if recorder.Code != http.StatusServiceUnavailable || recorder.Header().Get("Retry-After") != "1" ||
		recorder.Header().Get("X-Request-Id") == "" || !strings.Contains(recorder.Body.String(), `"code":"admission"`) {
		t.Errorf("answered %d %v %s", recorder.Code, recorder.Header(), recorder.Body)
	}
	if body.Len() != int(body.Size()) || len(w.ingester.submissions()) != 0 {
		t.Error("the body was read")
	}
	if n := w.observer.requests["/v1/notifications Service Unavailable"]; n != 1 || w.observer.answering != 0 {
		t.Errorf("observed %v, %d still answering", w.observer.requests, w.observer.answering)
	}
}
