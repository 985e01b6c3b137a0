package gateway

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
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

// Replayer sends dead letters again. Its nil error is the promise behind a 202.
type Replayer interface {
	Replay(ctx context.Context, r pipeline.Replay) ([]pipeline.Replacement, error)
}

// Preferences reads and sets what users want.
type Preferences interface {
	// Lookup fills in one preference a key, in order, the default where a user
	// said nothing.
	Lookup(ctx context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) error
	// Put returns when the preferences are durable.
	Put(ctx context.Context, preferences []pipeline.Preference) error
	// Erase forgets what a user said, and returns when that is durable.
	Erase(ctx context.Context, user string) error
}

// Templates reads and writes templates.
type Templates interface {
	// Source reads one version in just this locale. Errors:
	// pipeline.ErrNoTemplate.
	Source(ctx context.Context, id string, version uint32, locale string) (pipeline.Template, error)
	// Put writes a version that is used from its return on. written is false
	// when it was there before, word for word. Errors: a
	// *pipeline.TemplateError, pipeline.ErrTemplateExists.
	Put(ctx context.Context, t pipeline.Template) (written bool, err error)
}

// Resharder moves the preferences to another number of shards.
type Resharder interface {
	// Reshard starts to, and returns when it has begun. Errors:
	// pipeline.ErrResharding, pipeline.ErrShardsInUse, a *pipeline.ShardsError.
	Reshard(ctx context.Context, to int) error
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
	// Ingester is nil in a process that takes nothing and has nothing looked up:
	// there are health, metrics and status alone, and of the ports nothing else
	// is needed.
	Ingester    Ingester
	Replayer    Replayer
	History     pipeline.History
	Users       pipeline.UserHistory
	DeadLetters pipeline.DeadLetters
	Preferences Preferences
	Templates   Templates
	Resharder   Resharder // nil: there is no such path
	IDs         pipeline.IDKey
	// Status takes the snapshot of GET /v1/status; the gateway fills in
	// whether it is ready and whether it drains.
	Status func(context.Context) (api.Status, error)
	// Checks name the parts that must work before the gateway is ready, but for
	// those that are a *[DegradedError] away from it.
	Checks   map[string]func(context.Context) error
	Metrics  http.Handler // GET /metrics
	Observer Observer
	Logger   *slog.Logger

	// Keys are the API keys; without, everybody may do everything.
	Keys *Keys
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
	streams   streams
	draining  atomic.Bool
	routes    *http.ServeMux
	// exact are those of the routes that have no wildcard, by their path.
	exact map[string]http.HandlerFunc
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
		exact:     map[string]http.HandlerFunc{},
	}
	g.streams.init()
	for pattern, m := range g.endpoints() {
		g.route(pattern, m)
	}
	g.routes.HandleFunc("/", g.unknownPath)
	return g
}

// submitPath is the path, and the route, of submissions.
const submitPath = "/v1/notifications"

// Paths that are answered without a key.
const (
	livenessPath  = "/healthz"
	readinessPath = "/readyz"
)

// endpoint is what answers a method of a path, and the scope that it takes.
type endpoint struct {
	scope   Scope
	handler http.HandlerFunc
}

// methods are the endpoints of a path by method.
type methods map[string]endpoint

// endpoints is the interface.
func (g *Gateway) endpoints() map[string]methods {
	all := g.ownEndpoints()
	if g.cfg.Ingester != nil {
		maps.Copy(all, g.sharedEndpoints())
	}
	return all
}

// ownEndpoints tell of the process itself, whatever it does.
func (g *Gateway) ownEndpoints() map[string]methods {
	return map[string]methods{
		"/v1/status":        {http.MethodGet: {ScopeRead, plain(g.status)}},
		"/v1/status/stream": {http.MethodGet: {ScopeRead, plain(g.statusStream)}},
		livenessPath:        {http.MethodGet: {scopeAny, g.healthy}},
		readinessPath:       {http.MethodGet: {scopeAny, g.ready}},
		"/metrics":          {http.MethodGet: {ScopeRead, g.cfg.Metrics.ServeHTTP}},
	}
}

// sharedEndpoints are those that any gateway answers alike. With the process's
// own they are the whole interface: openapi.json describes it, and a test holds
// the two together.
func (g *Gateway) sharedEndpoints() map[string]methods {
	all := map[string]methods{
		submitPath:                       {http.MethodPost: {ScopeSend, plain(g.submit)}},
		"/v1/notifications/{id}":         {http.MethodGet: {ScopeRead, plain(g.notification)}},
		"/v1/users/{user}":               {http.MethodDelete: {ScopeAdmin, plain(g.eraseUser)}},
		"/v1/users/{user}/notifications": {http.MethodGet: {ScopeRead, g.userNotifications}},
		"/v1/users/{user}/preferences":   {http.MethodGet: {ScopeAdmin, plain(g.preferences)}, http.MethodPut: {ScopeAdmin, plain(g.setPreferences)}},
		"/v1/templates/{id}/{version}":   {http.MethodGet: {ScopeAdmin, g.template}, http.MethodPut: {ScopeAdmin, g.putTemplate}},
		"/v1/deadletters":                {http.MethodGet: {ScopeRead, g.deadLetters}},
		"/v1/deadletters/replay":         {http.MethodPost: {ScopeAdmin, plain(g.replay)}},
		"/v1/runs/{run}/outcomes":        {http.MethodGet: {ScopeRead, plain(g.runOutcomes)}},
		"/openapi.json":                  {http.MethodGet: {scopeAny, openAPI}},
	}
	if g.cfg.Resharder != nil {
		all["/v1/reshard"] = methods{http.MethodPost: {ScopeAdmin, plain(g.reshard)}}
	}
	return all
}

func (g *Gateway) route(pattern string, m methods) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		a := w.(*answer)
		a.route = pattern
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet // net/http leaves the body out
		}
		e, ok := m[method]
		if !ok {
			w.Header().Set("Allow", m.allow())
			writeProblem(w, problem(http.StatusMethodNotAllowed, api.CodeMethod, "this path takes "+m.allow()))
			return
		}
		p := a.key.require(e.scope)
		if p == nil {
			p = a.key.limit.limited(1)
		}
		if p != nil {
			writeProblem(w, p)
			return
		}
		e.handler(w, r)
	}
	g.routes.HandleFunc(pattern, handler)
	if !strings.Contains(pattern, "{") {
		g.exact[pattern] = handler
	}
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
	route  string    // as it was registered
	id     [1]string // of the request
	key    apiKey    // that it came under
	status int       // 0 until the header is written
	// What the header gets points at these, as it does at id: they need no
	// memory of their own.
	contentType, contentLength [1]string
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
	a := &answer{ResponseWriter: w, route: "other", id: [1]string{requestID(r)}}
	w.Header()["X-Request-Id"] = a.id[:]
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
	if path := r.URL.Path; path != livenessPath && path != readinessPath {
		var p *api.Problem
		if a.key, p = g.cfg.Keys.authenticate(r); p != nil {
			writeProblem(a, p)
			return
		}
	}
	// A path without escapes has no other form, and most are found so.
	if handler := g.exact[r.URL.Path]; handler != nil && r.URL.RawPath == "" {
		r.Pattern = r.URL.Path
		handler(a, r)
		return
	}
	// The mux would redirect a path that is not in its shortest form, which
	// serves nobody here.
	if escaped := r.URL.EscapedPath(); path.Clean(escaped) != escaped {
		g.unknownPath(a, r)
		return
	}
	g.routes.ServeHTTP(a, r)
}

// drain ends what would never end by itself and takes nothing more.
func (g *Gateway) drain() {
	g.draining.Store(true)
	g.streams.end()
}

func (g *Gateway) unknownPath(w http.ResponseWriter, _ *http.Request) {
	detail := "no such path"
	if g.cfg.Ingester == nil {
		detail = "no such path of a worker, which delivers and tells of itself alone; ask a process with the role gateway, or all"
	}
	writeProblem(w, problem(http.StatusNotFound, api.CodeNotFound, detail))
}

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
	g.cfg.Logger.Error("a handler panicked", "request_id", a.id[0], "route", a.route, "cause", cause, "stack", string(debug.Stack()))
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
		slog.String("request_id", a.id[0]), slog.String("method", r.Method), slog.String("route", a.route),
		slog.Int("status", a.status), slog.Duration("took", elapsed), slog.String("client", a.key.name))
}
