package gateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// fakeIngester accepts what has no faults, as ingest does, unless told
// otherwise.
type fakeIngester struct {
	mu     sync.Mutex
	got    []pipeline.Submission
	accept func(ctx context.Context, s pipeline.Submission) ([]pipeline.Receipt, error)
}

func (f *fakeIngester) Accept(ctx context.Context, s pipeline.Submission) ([]pipeline.Receipt, error) {
	f.mu.Lock()
	f.got = append(f.got, s)
	f.mu.Unlock()
	if f.accept != nil {
		return f.accept(ctx, s)
	}
	if len(s.Faults) > 0 {
		return nil, &pipeline.InvalidError{Faults: s.Faults}
	}
	receipts := make([]pipeline.Receipt, len(s.Notifications))
	for i := range receipts {
		receipts[i] = pipeline.Receipt{ID: ids().Make(epoch(), &s.Notifications[i], uint32(i)), Result: pipeline.Result{State: pipeline.Queued}}
	}
	return receipts, nil
}

func (f *fakeIngester) submissions() []pipeline.Submission {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

func ids() pipeline.IDKey { return pipeline.IDKey{1, 2, 3} }

func epoch() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

type fakeHistory struct {
	entries map[pipeline.ID]pipeline.Entry
	err     error
}

func (f *fakeHistory) ByID(_ context.Context, ids []pipeline.ID) ([]pipeline.Entry, error) {
	return []pipeline.Entry{f.entries[ids[0]]}, f.err
}

func (f *fakeHistory) RunOutcomes(_ context.Context, run string) (pipeline.RunOutcomes, error) {
	if run != "r1" {
		return nil, pipeline.ErrUnknownRun
	}
	return pipeline.RunOutcomes{pipeline.Delivered: roaring.BitmapOf(1, 2, 5)}, f.err
}

type fakePreferences struct {
	mu  sync.Mutex
	set map[pipeline.PreferenceKey]pipeline.Preference
	err error
}

func (f *fakePreferences) Lookup(_ context.Context, keys []pipeline.PreferenceKey) ([]pipeline.Preference, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []pipeline.Preference
	for _, key := range keys {
		p, ok := f.set[key]
		if !ok {
			p = pipeline.DefaultPreference(key)
		}
		out = append(out, p)
	}
	return out, f.err
}

func (f *fakePreferences) Put(_ context.Context, preferences []pipeline.Preference) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range preferences {
		f.set[p.PreferenceKey] = p
	}
	return f.err
}

type fakeObserver struct {
	mu        sync.Mutex
	answering int
	requests  map[string]int // "route status"
	submitted int
	refused   map[telemetry.Refusal]int
}

func (f *fakeObserver) RequestStarted() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answering++
}

func (f *fakeObserver) Request(route string, code int, _ time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answering--
	f.requests[route+" "+http.StatusText(code)]++
}

func (f *fakeObserver) Submitted(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.submitted += n
}

func (f *fakeObserver) Refused(r telemetry.Refusal, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused[r] += n
}

// world is a gateway with everything around it faked.
type world struct {
	*gateway.Gateway
	ingester    *fakeIngester
	history     *fakeHistory
	preferences *fakePreferences
	observer    *fakeObserver
	logs        *logs
}

// logs is a log in memory.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newWorld(change func(*gateway.Config)) *world {
	w := &world{
		ingester: &fakeIngester{}, history: &fakeHistory{entries: map[pipeline.ID]pipeline.Entry{}},
		preferences: &fakePreferences{set: map[pipeline.PreferenceKey]pipeline.Preference{}},
		observer:    &fakeObserver{requests: map[string]int{}, refused: map[telemetry.Refusal]int{}},
		logs:        &logs{},
	}
	c := gateway.Config{
		Ingester: w.ingester, History: w.history, Preferences: w.preferences, IDs: ids(), Observer: w.observer,
		Status:  func(context.Context) (api.Status, error) { return api.Status{Version: "v1"}, nil },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("metrics")) }),
		Logger:  slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&c)
	}
	w.Gateway = gateway.New(c)
	return w
}

// call sends a request from a client that is in order, but for the changes.
func (w *world) call(method, path, body string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, change := range changes {
		change(r)
	}
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r)
	return recorder
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(name, value) }
}
