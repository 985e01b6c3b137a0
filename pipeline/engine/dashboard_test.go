package engine_test

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/telemetry/tracing"
)

// scrape reads the metrics in a format.
func (s *system) scrape(accept string) (contentType, text string) {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.URL()+"/metrics", http.NoBody)
	if err != nil {
		s.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read to its end
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		s.Fatalf("%s, %v: %s", response.Status, err, body)
	}
	return response.Header.Get("Content-Type"), string(body)
}

// After traffic of every kind, all that the system has to say follows
// Prometheus' conventions, in both formats, under labels that no client made.
func TestMetricsAfterTraffic(t *testing.T) {
	_, url := mocks(t)
	s := open(t, config(t, url))
	all := []api.Notification{urgent("push", 1), urgent("email", 2), urgent("sms", 3), bulk(4)}
	s.submit("key", all...)
	s.submit("key", all...)
	if _, err := s.client.Submit(t.Context(), []api.Notification{{Channel: "pigeon"}}, ""); status(err) != 422 {
		t.Errorf("an invalid notification gave %v", err)
	}
	for _, path := range []string{"/wanderer/up", "/v1/notifications/wanderer", "/v1/users/wanderer/preferences"} {
		response, err := http.Get(s.URL() + path) //nolint:noctx // of the test's own server
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	s.settleDown()

	contentType, text := s.scrape("text/plain")
	if !strings.HasPrefix(contentType, "text/plain; version=0.0.4") {
		t.Errorf("the text is %s", contentType)
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, d := range telemetry.Catalogue() {
		if strings.HasPrefix(d.Name, "notifyctl_dependency_") {
			continue // of engines beyond the network
		}
		if !strings.Contains(text, "\n"+d.Name) && !strings.HasPrefix(text, d.Name) {
			t.Errorf("%s was not scraped", d.Name)
		}
	}
	for _, made := range []string{"wanderer", "pigeon", "user1"} {
		if strings.Contains(text, made) {
			t.Errorf("a client's %q is in the metrics", made)
		}
	}
	contentType, text = s.scrape("application/openmetrics-text; version=1.0.0")
	if !strings.HasPrefix(contentType, "application/openmetrics-text") || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("to who asks for OpenMetrics it answers %s", contentType)
	}
	s.drain()
}

// reading finds one of the status by its name and labels.
func reading(t *testing.T, status *api.Status, name string, labels map[string]string) api.Reading {
	t.Helper()
	for _, g := range status.Groups {
		for _, r := range g.Readings {
			if r.Name == name && maps.Equal(r.Labels, labels) {
				return r
			}
		}
	}
	t.Fatalf("there is no reading %s of %v", name, labels)
	return api.Reading{}
}

// The status has every group, and says of what was promised whether it is kept.
func TestTheStatusHasTheDashboard(t *testing.T) {
	_, url := mocks(t)
	cfg := config(t, url)
	cfg.Targets = telemetry.Targets{
		APIP99: time.Hour, TransactionalSuccess: 0.995, Errors: 0.001, Cost: map[pipeline.Channel]float64{pipeline.SMS: 0.02},
	}
	cfg.Prices = telemetry.Prices{Providers: map[string]telemetry.Price{"twilio": {Segment: 0.0118}}, Infrastructure: 0.001}
	s := open(t, cfg)
	nowhere := urgent("email", 2)
	nowhere.To = ""
	long := urgent("sms", 3)
	long.Variables = map[string]string{"name": strings.Repeat("a", 200)} // of two segments
	s.submit("", urgent("email", 1), nowhere, long, urgent("push", 4))
	s.settleDown()
	status, err := s.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range status.Groups {
		names = append(names, g.Name)
	}
	if want := []string{"throughput", "latency", "success", "queue", "utilisation", "errors", "cost"}; !slices.Equal(names, want) {
		t.Errorf("the groups are %v", names)
	}
	for _, want := range []struct {
		name   string
		labels map[string]string
		value  float64
		met    bool
	}{
		{"success_ratio", map[string]string{"channel": "email", "category": "transactional"}, 0.5, false},
		{"success_ratio", map[string]string{"channel": "sms", "category": "transactional"}, 1, true},
		{"failed_requests", nil, 0, true},
		{"cost_per_notification", map[string]string{"channel": "sms"}, 0.0246, false},
		{"provider_cost_per_notification", map[string]string{"provider": "twilio"}, 0.0236, false},
	} {
		r := reading(t, &status, want.name, want.labels)
		if r.Value == nil || *r.Value < want.value-1e-9 || *r.Value > want.value+1e-9 {
			t.Errorf("%s %v is %+v, want %v", want.name, want.labels, r, want.value)
			continue
		}
		if (r.Met != nil) != (r.Target != nil) || r.Met != nil && *r.Met != want.met {
			t.Errorf("%s %v met its target: %v, want %v", want.name, want.labels, *r.Met, want.met)
		}
	}
	if r := reading(t, &status, "api_latency", map[string]string{"quantile": "0.99"}); r.Value == nil || *r.Value <= 0 || r.Met == nil || !*r.Met || *r.Target.AtMost != 3600 {
		t.Errorf("the API's latency reads %+v", r)
	}
	if r := reading(t, &status, "success_ratio", map[string]string{"channel": "push", "category": "promotional"}); r.Value != nil || r.Met != nil {
		t.Errorf("the success of nothing reads %+v", r)
	}
	s.drain()
}

// A request that goes through the whole system leaves one trace a notification,
// with every step.
func TestTheSystemTracesANotification(t *testing.T) {
	_, url := mocks(t)
	spans := tracetest.NewInMemoryExporter()
	cfg := config(t, url)
	cfg.Tracer = tracing.New(sdk.NewSimpleSpanProcessor(spans), tracing.Options{Sample: 1})
	s := open(t, cfg)
	results := s.submit("", urgent("email", 1), urgent("push", 2))
	s.settleDown()
	s.drain()
	byTrace := map[string][]string{}
	for _, span := range spans.GetSpans() {
		trace := span.SpanContext.TraceID().String()
		byTrace[trace] = append(byTrace[trace], span.Name)
	}
	notifications := 0
	for _, names := range byTrace {
		slices.Sort(names)
		switch got := strings.Join(names, " "); got {
		case "accept batch commit preferences queue reserve send settle", "accept batch commit limits preferences queue reserve send settle":
			notifications++
		case "POST /v1/notifications commit preferences reserve", "POST /v1/notifications commit limits preferences reserve":
		default:
			t.Errorf("a trace has %s", got)
		}
	}
	if err := cfg.Tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if notifications != len(results) || len(byTrace) != len(results)+1 {
		t.Errorf("%d traces of notifications, %d in all, want %d and a request's", notifications, len(byTrace), len(results))
	}
}
