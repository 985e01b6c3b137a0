package tracing_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/telemetry/tracing"
)

// traced makes a tracer of a share of all, and gives the spans that it made.
func traced(t testing.TB, sample float64) (*tracing.Tracer, func() tracetest.SpanStubs) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	tracer := tracing.New(sdk.NewSimpleSpanProcessor(spans), tracing.Options{Sample: sample, Version: "test"})
	return tracer, spans.GetSpans
}

// record is of a notification that is accepted now.
func record(sequence uint32) pipeline.Record {
	n := pipeline.Notification{UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional}
	return pipeline.Record{ID: pipeline.IDKey{7}.Make(time.Now(), &n, sequence), Notification: n}
}

// accept takes a notification in, step by step.
func accept(ctx context.Context, tracer *tracing.Tracer, r pipeline.Record) {
	ctx = tracer.Accept(ctx)
	defer tracer.End(ctx)
	for _, s := range []tracing.Step{tracing.Reserve, tracing.Preferences, tracing.Limits, tracing.Commit} {
		time.Sleep(time.Millisecond)
		tracer.Done(ctx, s)
	}
	tracer.Committed(ctx, []pipeline.Admission{{Record: r, Result: pipeline.Result{State: pipeline.Queued}}})
}

// send delivers an attempt of a notification that was fetched now.
func send(tracer *tracing.Tracer, d *pipeline.Delivery, a pipeline.Answer, state pipeline.State) {
	d.Fetched = time.Now()
	time.Sleep(20 * time.Millisecond)
	began := time.Now()
	time.Sleep(200 * time.Millisecond)
	ended := time.Now()
	tracer.Sent(context.Background(), []*pipeline.Delivery{d}, []pipeline.Answer{a}, "sendgrid", began, ended)
	time.Sleep(10 * time.Millisecond)
	tracer.Settled(context.Background(), []pipeline.Fact{{
		Delivery: d, State: state, At: ended, Attempt: pipeline.Attempt{Provider: "sendgrid", At: ended, Class: a.Class},
	}}, time.Now())
}

// names lists the spans' names.
func names(spans tracetest.SpanStubs) []string {
	var all []string
	for _, s := range spans {
		all = append(all, s.Name)
	}
	return all
}

// ofTrace picks the spans of a trace, in the order of their ends.
func ofTrace(spans tracetest.SpanStubs, id trace.TraceID) tracetest.SpanStubs {
	var found tracetest.SpanStubs
	for _, s := range spans {
		if s.SpanContext.TraceID() == id {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b tracetest.SpanStub) int { return a.EndTime.Compare(b.EndTime) })
	return found
}

func attributeOf(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if a.Key == attribute.Key(key) {
			return a.Value.String()
		}
	}
	return ""
}

// One notification is one trace: every step of it is there, in order, each
// beginning where the one before ended, below the root span.
func TestANotificationIsFollowedThroughEveryStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracer, spans := traced(t, 1)
		start := time.Now()
		r := record(1)
		accept(t.Context(), tracer, r)
		time.Sleep(time.Second - 4*time.Millisecond)
		d := &pipeline.Delivery{Record: r, Due: start}
		send(tracer, d, pipeline.Answer{Class: pipeline.Transient}, pipeline.Retrying)
		d.Attempts = []pipeline.Attempt{{Provider: "sendgrid", At: start.Add(1220 * time.Millisecond), Class: pipeline.Transient}}
		d.Due = start.Add(2 * time.Second)
		time.Sleep(3*time.Second - time.Since(start))
		send(tracer, d, pipeline.Answer{Class: pipeline.Sent}, pipeline.Delivered)

		id := tracing.TraceID(r.ID)
		all := spans()
		found := ofTrace(all, id)
		if len(found) != len(all) {
			t.Errorf("%d spans of %d are in the notification's trace", len(found), len(all))
		}
		wanted := []struct {
			name       string
			began, end int // ms
		}{
			{"reserve", 0, 1},
			{"preferences", 1, 2},
			{"limits", 2, 3},
			{"commit", 3, 4},
			{"accept", 0, 4},
			{"queue", 0, 1000},
			{"batch", 1000, 1020},
			{"send", 1020, 1220},
			{"settle", 1220, 1230},
			{"backoff", 1220, 2000},
			{"queue", 2000, 3000},
			{"batch", 3000, 3020},
			{"send", 3020, 3220},
			{"settle", 3220, 3230},
		}
		if len(found) != len(wanted) {
			t.Fatalf("the spans are %v", names(found))
		}
		sum := sha256.Sum256([]byte(r.ID.String()))
		if got := id.String(); got != hex.EncodeToString(sum[:16]) {
			t.Errorf("the trace is %s, and is looked for as %x", got, sum[:16])
		}
		for i, want := range wanted {
			s := found[i]
			began, ended := int(s.StartTime.Sub(start).Milliseconds()), int(s.EndTime.Sub(start).Milliseconds())
			if s.Name != want.name || began != want.began || ended != want.end {
				t.Errorf("span %d is %s from %d to %d, want %+v", i, s.Name, began, ended, want)
			}
			root := hex.EncodeToString(sum[16:24])
			switch parent := s.Parent.SpanID().String(); {
			case s.Name == "accept":
				if s.Parent.IsValid() || s.SpanContext.SpanID().String() != root || attributeOf(s, "notification.id") != r.ID.String() {
					t.Errorf("the root is %s below %v with %v", s.SpanContext.SpanID(), s.Parent.SpanID(), s.Attributes)
				}
			case parent != root:
				t.Errorf("%s is below %s, want the root %s", s.Name, parent, root)
			}
		}
		last := found[len(found)-1]
		if attributeOf(last, "notification.state") != "delivered" || attributeOf(last, "attempt") != "2" || attributeOf(found[7], "answer") != "transient" {
			t.Errorf("the last span says %v, and the first call %v", last.Attributes, found[7].Attributes)
		}
	})
}

// What ends without a call says so.
func TestWhatIsNotSentIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracer, spans := traced(t, 1)
		d := &pipeline.Delivery{Record: record(1), Fetched: time.Now().Add(time.Second)}
		time.Sleep(2 * time.Second)
		tracer.Settled(t.Context(), []pipeline.Fact{{Delivery: d, State: pipeline.Expired, Reason: "expired", At: time.Now()}}, time.Now())
		if got := strings.Join(names(ofTrace(spans(), tracing.TraceID(d.ID))), " "); got != "queue check settle" {
			t.Errorf("the spans are %s", got)
		}
	})
}

// The request goes on with its client's trace, and the notification's is linked
// to it.
func TestARequestGoesOnWithItsClientsTrace(t *testing.T) {
	tracer, spans := traced(t, 1)
	r := record(1)
	h := tracer.Handler(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/sent" {
			accept(request.Context(), tracer, r)
		}
		w.WriteHeader(http.StatusAccepted)
	}), "POST /sent", func(request *http.Request) bool { return request.URL.Path == "/sent" })
	const client, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for _, path := range []string{"/sent", "/other"} {
		request := httptest.NewRequest(http.MethodPost, path, http.NoBody)
		request.Header.Set("Traceparent", "00-"+client+"-"+parent+"-01")
		h.ServeHTTP(httptest.NewRecorder(), request)
	}
	id, err := trace.TraceIDFromHex(client)
	if err != nil {
		t.Fatal(err)
	}
	ofClient := ofTrace(spans(), id)
	if got := strings.Join(names(ofClient), ", "); got != "reserve, preferences, limits, commit, POST /sent" {
		t.Fatalf("the client's trace has %s", got)
	}
	request := ofClient[4]
	if request.Parent.SpanID().String() != parent || request.SpanKind != trace.SpanKindServer {
		t.Errorf("the request's span is below %s", request.Parent.SpanID())
	}
	for _, step := range ofClient[:4] {
		if step.Parent.SpanID() != request.SpanContext.SpanID() {
			t.Errorf("%s is below %s, want the request", step.Name, step.Parent.SpanID())
		}
	}
	root := ofTrace(spans(), tracing.TraceID(r.ID))[4]
	if root.Name != "accept" || len(root.Links) != 1 || !root.Links[0].SpanContext.Equal(request.SpanContext.WithRemote(root.Links[0].SpanContext.IsRemote())) {
		t.Errorf("%s is linked to %+v", root.Name, root.Links)
	}
}

// A client that has decided not to sample its trace is heeded, and its
// notifications are followed all the same, by their ids.
func TestAnUnsampledRequestIsNotTraced(t *testing.T) {
	tracer, spans := traced(t, 1)
	r := record(1)
	h := tracer.Handler(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		accept(request.Context(), tracer, r)
	}), "POST", func(*http.Request) bool { return true })
	request := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	request.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
	h.ServeHTTP(httptest.NewRecorder(), request)
	if got := len(spans()); got != 5 || len(ofTrace(spans(), tracing.TraceID(r.ID))) != 5 {
		t.Errorf("%v", names(spans()))
	}
}

// The sample's share of ids is followed, the same ones by every process, and a
// larger sample follows those as well.
func TestTheSampleFollowsFromTheID(t *testing.T) {
	const ids = 20_000
	one, _ := traced(t, 0.1)
	other, _ := traced(t, 0.1)
	more, _ := traced(t, 0.2)
	none, _ := traced(t, 0)
	every, _ := traced(t, 1)
	followed := 0
	for i := range ids {
		id := record(uint32(i)).ID
		if one.Follows(id) {
			followed++
		}
		if one.Follows(id) != other.Follows(id) || one.Follows(id) && !more.Follows(id) || none.Follows(id) || !every.Follows(id) {
			t.Fatalf("%s is followed differently", id)
		}
	}
	// Five standard deviations of 42 are 212.
	if followed < ids/10-212 || followed > ids/10+212 {
		t.Errorf("%d of %d are followed at a tenth", followed, ids)
	}
}

// Without a tracer nothing is done, and nothing allocated.
func TestNoTracerCostsNothing(t *testing.T) {
	var tracer *tracing.Tracer
	ctx := t.Context()
	r := record(1)
	d := []*pipeline.Delivery{{Record: r}}
	answers := []pipeline.Answer{{Class: pipeline.Sent}}
	facts := []pipeline.Fact{{Delivery: d[0], State: pipeline.Delivered}}
	admissions := []pipeline.Admission{{Record: r}}
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() {
		ctx := tracer.Accept(ctx)
		tracer.Done(ctx, tracing.Reserve)
		tracer.Committed(ctx, admissions)
		tracer.End(ctx)
		tracer.Sent(ctx, d, answers, "sendgrid", now, now)
		tracer.Settled(ctx, facts, now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	h := http.NotFoundHandler()
	if tracer.Follows(r.ID) || tracer.Close(ctx) != nil {
		t.Error("no tracer follows something")
	}
	response := httptest.NewRecorder()
	tracer.Handler(h, "", nil).ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	if response.Code != http.StatusNotFound {
		t.Errorf("the handler answered %d", response.Code)
	}
}

// What is not followed costs a hash, and allocates nothing either.
func TestWhatIsNotFollowedAllocatesNothing(t *testing.T) {
	tracer, spans := traced(t, 0)
	r := record(1)
	d := []*pipeline.Delivery{{Record: r}}
	answers, facts := []pipeline.Answer{{Class: pipeline.Sent}}, []pipeline.Fact{{Delivery: d[0], State: pipeline.Delivered}}
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() {
		tracer.Sent(t.Context(), d, answers, "sendgrid", now, now)
		tracer.Settled(t.Context(), facts, now)
	}); n != 0 || len(spans()) != 0 {
		t.Errorf("%v allocations, %d spans", n, len(spans()))
	}
}

// A collector gets the spans as OTLP over HTTP, below its own path if it has
// none; one that does not answer is logged, once.
func TestSpansReachACollector(t *testing.T) {
	paths := make(chan string, 10)
	status := http.StatusOK
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type")
		w.WriteHeader(status)
	}))
	defer collector.Close()
	tracer, err := tracing.Open(t.Context(), collector.URL, tracing.Options{Sample: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	accept(t.Context(), tracer, record(1))
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-paths; got != "POST /v1/traces application/x-protobuf" {
		t.Errorf("the collector got %s", got)
	}

	status = http.StatusForbidden
	var log strings.Builder
	tracer, err = tracing.Open(t.Context(), collector.URL+"/elsewhere", tracing.Options{Sample: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	accept(t.Context(), tracer, record(1))
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-paths; got != "POST /elsewhere application/x-protobuf" {
		t.Errorf("the collector got %s", got)
	}
	if n := strings.Count(log.String(), "cannot be sent to the collector"); n != 1 {
		t.Errorf("the log is %q", log.String())
	}
}

func TestWhatIsNoCollectorIsRefused(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://", "http://h/?x=1", "http://h/#x", "http://h:x"} {
		if _, err := tracing.Open(t.Context(), address, tracing.Options{}); err == nil || !strings.Contains(err.Error(), "as in http://127.0.0.1:4318") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// What following everything costs a notification, without the export.
func BenchmarkFollow(b *testing.B) {
	tracer := tracing.New(sdk.NewBatchSpanProcessor(tracetest.NewNoopExporter()), tracing.Options{Sample: 1})
	r := record(1)
	d := []*pipeline.Delivery{{Record: r}}
	answers, facts := []pipeline.Answer{{Class: pipeline.Sent}}, []pipeline.Fact{{Delivery: d[0], State: pipeline.Delivered, Attempt: pipeline.Attempt{Class: pipeline.Sent}}}
	admissions := []pipeline.Admission{{Record: r}}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		ctx := tracer.Accept(context.Background())
		tracer.Done(ctx, tracing.Commit)
		tracer.Committed(ctx, admissions)
		tracer.End(ctx)
		tracer.Sent(ctx, d, answers, "sendgrid", now, now)
		tracer.Settled(ctx, facts, now)
	}
}

// What the ids cost that are not followed.
func BenchmarkNotFollowed(b *testing.B) {
	tracer := tracing.New(sdk.NewBatchSpanProcessor(tracetest.NewNoopExporter()), tracing.Options{Sample: 0})
	id := record(1).ID
	for b.Loop() {
		tracer.Follows(id)
	}
}
