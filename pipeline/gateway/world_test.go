package gateway_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
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

// trouble is what every fake may get into: an error, or a bug of ours.
type trouble struct {
	bug bool
	err error
}

func (t *trouble) strike() error {
	if t.bug {
		panic("BUG: on purpose")
	}
	return t.err
}

// fakeIngester accepts what has no faults, as ingest does, unless told
// otherwise.
type fakeIngester struct {
	*trouble
	mu     sync.Mutex
	got    []pipeline.Submission
	accept func(ctx context.Context, s pipeline.Submission) ([]pipeline.Receipt, error)
}

func (f *fakeIngester) Accept(ctx context.Context, s pipeline.Submission) ([]pipeline.Receipt, error) {
	f.mu.Lock()
	f.got = append(f.got, s)
	f.mu.Unlock()
	if err := f.strike(); err != nil {
		return nil, err
	}
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
	*trouble
	entries map[pipeline.ID]pipeline.Entry
}

func (f *fakeHistory) ByID(_ context.Context, ids []pipeline.ID) ([]pipeline.Entry, error) {
	return []pipeline.Entry{f.entries[ids[0]]}, f.strike()
}

func (f *fakeHistory) RunOutcomes(_ context.Context, run string) (pipeline.RunOutcomes, error) {
	if run != "r1" {
		return nil, pipeline.ErrUnknownRun
	}
	return pipeline.RunOutcomes{pipeline.Delivered: roaring.BitmapOf(1, 2, 5)}, f.strike()
}

type fakePreferences struct {
	*trouble
	mu  sync.Mutex
	set map[pipeline.PreferenceKey]pipeline.Preference
}

func (f *fakePreferences) Lookup(_ context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, key := range keys {
		var ok bool
		if found[i], ok = f.set[key]; !ok {
			found[i] = pipeline.DefaultPreference(key)
		}
	}
	return f.strike()
}

func (f *fakePreferences) Put(_ context.Context, preferences []pipeline.Preference) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range preferences {
		f.set[p.PreferenceKey] = p
	}
	return f.strike()
}

func (f *fakePreferences) Erase(_ context.Context, user string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range f.set {
		if key.UserID == user {
			delete(f.set, key)
		}
	}
	return f.strike()
}

// fakeUsers lists what it was given, a page at a time, and notes what it is
// asked for.
type fakeUsers struct {
	*trouble
	entries []pipeline.Entry
	pages   []pipeline.Page
	erased  []string
}

func (f *fakeUsers) ByUser(_ context.Context, user string, p pipeline.Page) ([]pipeline.Entry, pipeline.Cursor, error) {
	f.pages = append(f.pages, p)
	if err := f.strike(); err != nil {
		return nil, "", err
	}
	list := p.NameList("user", user)
	start := 0
	if p.After != "" {
		after, err := p.After.Position(list)
		if err != nil {
			return nil, "", err
		}
		start = 1 + slices.IndexFunc(f.entries, func(e pipeline.Entry) bool { return e.ID == after })
	}
	end := min(start+p.Limit, len(f.entries))
	if end < len(f.entries) {
		return f.entries[start:end], pipeline.CursorAfter(list, f.entries[end-1].ID), nil
	}
	return f.entries[start:end], "", nil
}

func (f *fakeUsers) Erase(_ context.Context, user string) error {
	f.erased = append(f.erased, user)
	return f.strike()
}

// fakeDead lists what it was given, and notes what it is asked for.
type fakeDead struct {
	*trouble
	letters []pipeline.DeadLetter
	filters []pipeline.DeadFilter
}

func (f *fakeDead) Dead(_ context.Context, filter pipeline.DeadFilter, _ pipeline.Page) ([]pipeline.DeadLetter, pipeline.Cursor, error) {
	f.filters = append(f.filters, filter)
	return f.letters, "", f.strike()
}

func (f *fakeDead) DeadByID(context.Context, []pipeline.ID) ([]pipeline.DeadLetter, error) {
	panic("the gateway does not look dead letters up")
}

// fakeReplayer sends whatever is asked for again, unless told otherwise.
type fakeReplayer struct {
	*trouble
	got []pipeline.Replay
}

func (f *fakeReplayer) Replay(_ context.Context, r pipeline.Replay) ([]pipeline.Replacement, error) {
	f.got = append(f.got, r)
	var made []pipeline.Replacement
	for i, id := range r.IDs {
		n := pipeline.Notification{UserID: "u1", Channel: id.Channel(), Priority: id.Priority()}
		made = append(made, pipeline.Replacement{Dead: id, New: ids().Make(epoch(), &n, uint32(i))})
	}
	return made, f.strike()
}

// fakeTemplates keeps templates in memory.
type fakeTemplates struct {
	*trouble
	put []pipeline.Template
}

func (f *fakeTemplates) Source(_ context.Context, id string, version uint32, locale string) (pipeline.Template, error) {
	for _, t := range f.put {
		if t.ID == id && t.Version == version && t.Locale == locale {
			return t, f.strike()
		}
	}
	return pipeline.Template{}, cmp.Or(f.strike(), pipeline.ErrNoTemplate)
}

func (f *fakeTemplates) Put(ctx context.Context, t pipeline.Template) (bool, error) {
	if err := f.strike(); err != nil {
		return false, err
	}
	if old, err := f.Source(ctx, t.ID, t.Version, t.Locale); err == nil {
		if old != t {
			return false, pipeline.ErrTemplateExists
		}
		return false, nil
	}
	f.put = append(f.put, t)
	return true, nil
}

// fakeResharder says what it was told to.
type fakeResharder struct {
	*trouble
	to []int
}

func (f *fakeResharder) Reshard(_ context.Context, to int) error {
	f.to = append(f.to, to)
	return f.strike()
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
	*trouble
	ingester    *fakeIngester
	history     *fakeHistory
	preferences *fakePreferences
	users       *fakeUsers
	dead        *fakeDead
	replayer    *fakeReplayer
	templates   *fakeTemplates
	resharder   *fakeResharder
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
	t := &trouble{}
	w := &world{
		trouble:     t,
		ingester:    &fakeIngester{trouble: t},
		history:     &fakeHistory{trouble: t, entries: map[pipeline.ID]pipeline.Entry{}},
		preferences: &fakePreferences{trouble: t, set: map[pipeline.PreferenceKey]pipeline.Preference{}},
		users:       &fakeUsers{trouble: t}, dead: &fakeDead{trouble: t}, replayer: &fakeReplayer{trouble: t},
		templates: &fakeTemplates{trouble: t}, resharder: &fakeResharder{trouble: t},
		observer: &fakeObserver{requests: map[string]int{}, refused: map[telemetry.Refusal]int{}},
		logs:     &logs{},
	}
	c := gateway.Config{
		Ingester: w.ingester, Replayer: w.replayer, History: w.history, Users: w.users, DeadLetters: w.dead,
		Preferences: w.preferences, Templates: w.templates, Resharder: w.resharder, IDs: ids(), Observer: w.observer,
		Status: func(context.Context) (api.Status, error) { return wholeStatus(), t.strike() },
		Checks: map[string]func(context.Context) error{"store": func(context.Context) error { return t.err }},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_ = t.strike()
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			_, _ = w.Write([]byte("metrics"))
		}),
		Logger: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
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

// keyFile lists keys as a file does: the key of each is its name.
func keyFile(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		name, scopes, _ := strings.Cut(line, ":")
		fmt.Fprintf(&b, "%s:%x:%s\n", name, sha256.Sum256([]byte(name)), scopes)
	}
	return b.String()
}

func bearer(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) }
}

func deadID() pipeline.ID {
	return ids().Make(epoch(), &pipeline.Notification{UserID: "u1", Channel: pipeline.Push, Priority: pipeline.Low}, 7)
}

// wholeStatus is a status with something of everything.
func wholeStatus() api.Status {
	at, resident := epoch(), int64(1)
	h := api.Histogram{{1000, 2}}
	return api.Status{
		Started: at, Now: at.Add(time.Minute), Version: "v1", Role: "all", Engines: map[string]string{"intake": "pebble"},
		Dependencies: []api.Dependency{{Name: "kafka", Address: "127.0.0.1:9092", State: "down", Since: at, Error: "connection refused"}},
		Queues:       []api.Queue{{Channel: "push", Priority: "high"}},
		Space:        []api.Space{{Part: "queue", Bytes: 1, LimitBytes: 2}},
		Workers:      []api.Workers{{Channel: "push"}},
		Shards:       api.Shards{Shards: 2, Sharding: "jump", Reshard: &api.Reshard{Phase: api.ReshardDone, From: 1, To: 2, Started: at, Ended: &at}},
		Regions:      []api.Region{{Name: "region-1", Weight: 1, Gateways: []api.Gateway{{Name: "gateway-1", State: "serving"}}}},
		Scaling:      api.Scaling{Groups: []api.ScaledGroup{{Kind: "workers", Name: "push"}}, Events: []api.ScalingEvent{{At: at}}},
		Providers:    []api.Provider{{Name: "fcm", Channel: "push", Breaker: "closed", Latency: h}},
		API:          api.Traffic{Requests: map[string]int64{"202": 1}, Latency: h},
		EndToEnd:     []api.EndToEnd{{Channel: "push", Priority: "high", Total: h}},
		Caches:       []api.Cache{{Name: "templates"}},
		Resources:    api.Resources{RSSBytes: &resident},
		Groups:       []api.Group{{Name: "queue", Readings: []api.Reading{{Name: "depth", Unit: "notifications", Metric: "m", Value: new(1.0)}}}},
	}
}
