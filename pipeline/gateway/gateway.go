package gateway

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// Ingester takes submissions. Its nil error is the promise behind a 202, with
// one receipt a notification, in order.
type Ingester interface {
	Accept(ctx context.Context, s pipeline.Submission) ([]pipeline.Receipt, error)
}

// Preferences reads and sets what users want.
type Preferences interface {
	// Lookup gives one preference a key, in order, the default where a user
	// said nothing.
	Lookup(ctx context.Context, keys []pipeline.PreferenceKey) ([]pipeline.Preference, error)
	// Put returns when the preferences are durable.
	Put(ctx context.Context, preferences []pipeline.Preference) error
}

// Observer records what the gateway does; *[telemetry.Metrics] is one.
type Observer interface {
	RequestStarted()
	Request(route string, code int, d time.Duration)
	Submitted(n int)
	Refused(r telemetry.Refusal, n int)
}

// Config is what a [Gateway] is made of. The limits' zero values take the
// defaults.
type Config struct {
	Ingester    Ingester
	History     pipeline.History
	Preferences Preferences
	IDs         pipeline.IDKey
	// Status takes the snapshot of GET /v1/status; the gateway fills in
	// whether it is ready and whether it drains.
	Status func(context.Context) (api.Status, error)
	// Checks name the parts that must work before the gateway is ready.
	Checks   map[string]func(context.Context) error
	Metrics  http.Handler // GET /metrics
	Observer Observer
	Logger   *slog.Logger

	// Hosts are names this server answers to beside the loopback's and the
	// address of the connection.
	Hosts []string
	// MaxRequests and MaxBodyBytes bound the submissions in progress and the
	// sum of their bodies; 512 and 64 MiB.
	MaxRequests  int
	MaxBodyBytes int64
	// BodyTimeout is how long a body may take to come; 10 s.
	BodyTimeout time.Duration
}

// Gateway answers the HTTP interface. It is an [http.Handler].
type Gateway struct {
	cfg       Config
	hosts     hosts
	admission admission
	draining  atomic.Bool
	routes    *http.ServeMux
}

// New makes a gateway.
func New(c Config) *Gateway {
	if c.MaxRequests == 0 {
		c.MaxRequests = 512
	}
	if c.MaxBodyBytes == 0 {
		c.MaxBodyBytes = 64 << 20
	}
	if c.BodyTimeout == 0 {
		c.BodyTimeout = 10 * time.Second
	}
	g := &Gateway{
		cfg:       c,
		hosts:     newHosts(c.Hosts),
		admission: admission{maxRequests: c.MaxRequests, maxBytes: c.MaxBodyBytes},
		routes:    http.NewServeMux(),
	}
	g.route(submitPath, methods{http.MethodPost: g.submit})
	g.route("/v1/notifications/{id}", methods{http.MethodGet: g.notification})
	g.route("/v1/users/{user}/preferences", methods{http.MethodGet: g.preferences, http.MethodPut: g.setPreferences})
	g.route("/v1/runs/{run}/outcomes", methods{http.MethodGet: g.runOutcomes})
	g.route("/v1/status", methods{http.MethodGet: g.status})
	g.route("/healthz", methods{http.MethodGet: g.healthy})
	g.route("/readyz", methods{http.MethodGet: g.ready})
	g.route("/metrics", methods{http.MethodGet: g.cfg.Metrics.ServeHTTP})
	g.routes.HandleFunc("/", unknownPath)
	return g
}

// submitPath is the path, and the route, of submissions.
const submitPath = "/v1/notifications"

// methods are the handlers of a path by method.
type methods map[string]http.HandlerFunc

func (g *Gateway) route(pattern string, m methods) {
	g.routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		w.(*answer).route = pattern
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet // net/http leaves the body out
		}
		if handler, ok := m[method]; ok {
			handler(w, r)
			return
		}
		w.Header().Set("Allow", m.allow())
		writeProblem(w, problem(http.StatusMethodNotAllowed, api.CodeMethod, "this path takes "+m.allow()))
	})
}

// allow lists the methods as the header has them.
func (m methods) allow() string {
	var names []string
	for method := range m {
		names = append(names, method)
		if method == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// answer is the writer of one answer; it remembers what the observer and the
// log are told.
type answer struct {
	http.ResponseWriter
	route  string // as it was registered
	id     string // of the request
	client string // the name of the API key, when there is one
	status int    // 0 until the header is written
}

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write notes the status that a write without a header has.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap serves [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// ServeHTTP answers a request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.serve(w, r, nil) }

// serve answers a request, by a refusal if there is one.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, refusal *api.Problem) {
	start := time.Now()
	g.cfg.Observer.RequestStarted()
	a := &answer{ResponseWriter: w, route: "other", id: requestID(r)}
	w.Header()["X-Request-Id"] = []string{a.id}
	defer func() {
		if cause := recover(); cause != nil {
			g.panicked(a, cause)
		}
		elapsed := time.Since(start)
		g.cfg.Observer.Request(a.route, a.status, elapsed)
		g.log(r, a, elapsed)
	}()
	if p := g.hosts.refuse(r); p != nil {
		writeProblem(a, p)
		return
	}
	if refusal != nil {
		a.refuse(r, refusal)
		return
	}
	a.client = client(r)
	// The mux would redirect a path that is not in its shortest form, which
	// serves nobody here.
	if escaped := r.URL.EscapedPath(); path.Clean(escaped) != escaped {
		unknownPath(a, r)
		return
	}
	g.routes.ServeHTTP(a, r)
}

func unknownPath(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, problem(http.StatusNotFound, api.CodeNotFound, "no such path"))
}

// client names the API key that a request came under. There are no keys yet,
// so every request is of the one nameless client.
func client(*http.Request) string { return "" }

// requestID takes the request's own id, when it is one that a log can hold, or
// makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id == "" || len(id) > 128 {
		return rand.Text()
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return rand.Text()
		}
	}
	return id
}

// panicked answers for a handler that met a bug.
func (g *Gateway) panicked(a *answer, cause any) {
	if cause == http.ErrAbortHandler { //nolint:errorlint // a value to panic with, never wrapped
		panic(cause)
	}
	g.cfg.Logger.Error("a handler panicked", "request_id", a.id, "route", a.route, "cause", cause, "stack", string(debug.Stack()))
	if a.status == 0 {
		writeProblem(a, problem(http.StatusInternalServerError, api.CodeInternal, "an unexpected error; the server's log has it under the X-Request-Id"))
	}
}

// log writes one line an answer: routes, not paths, and no bodies, so that
// there are no people in it.
func (g *Gateway) log(r *http.Request, a *answer, elapsed time.Duration) {
	level := slog.LevelDebug
	if a.status >= 500 && a.status != http.StatusServiceUnavailable {
		level = slog.LevelError
	}
	if !g.cfg.Logger.Enabled(r.Context(), level) {
		return
	}
	g.cfg.Logger.LogAttrs(r.Context(), level, "answered a request",
		slog.String("request_id", a.id), slog.String("method", r.Method), slog.String("route", a.route),
		slog.Int("status", a.status), slog.Duration("took", elapsed), slog.String("client", a.client))
}
