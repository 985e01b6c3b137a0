// Package scenariotest has a notification system with its provider, as they are
// seen from outside, that does what a test tells it to: it is slow, refuses, leaks,
// loses or repeats as often as it is told.
package scenariotest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/planner/catalog"
)

// System is the system. Its fields say what it does and are not changed once it
// serves; the zero value is sound.
type System struct {
	Answer   func(request int) (status int) // nil: 202 always
	Latency  func(request int) time.Duration
	Delay    func(key string) time.Duration // likewise, by the request's idempotency key
	Lose     int                            // accepted, and never heard of again
	Unknown  int                            // called delivered, and never sent
	Twice    int                            // sent twice
	Stuck    int                            // kept in flight for ever
	Takes    time.Duration                  // from acceptance to delivery
	NoStatus bool                           // whether it shows no status
	HTML     bool                           // whether it answers pages for people

	Account api.Account                                 // what it begins with
	Status  func(age time.Duration, status *api.Status) // adds to its status; age counts from the first request
	Busy    float64                                     // how busy the provider says that it is

	mu        sync.Mutex
	requests  int
	first     time.Time // when the first came
	run       string
	delivered *roaring.Bitmap
	sent      *roaring.Bitmap
	repeats   []uint32
}

// Handler serves the part of the API that runs use, and beside it that of the mock
// providers' control.
func (s *System) Handler() http.Handler {
	s.delivered, s.sent = roaring.New(), roaring.New()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/notifications", s.submit)
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("GET /v1/runs/{run}/outcomes", s.outcomes)
	mux.HandleFunc("GET /_mock/ledger", s.ledger)
	mux.HandleFunc("GET /_mock/status", s.activity)
	return mux
}

func (s *System) submit(w http.ResponseWriter, r *http.Request) {
	var body api.Submission
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests++
	n := s.requests
	if n == 1 {
		s.first = time.Now()
	}
	s.mu.Unlock()
	if s.Latency != nil {
		time.Sleep(s.Latency(n))
	}
	if s.Delay != nil {
		time.Sleep(s.Delay(r.Header.Get("Idempotency-Key")))
	}
	if s.HTML {
		_, _ = w.Write([]byte("<html><h1>It works!</h1></html>"))
		return
	}
	if s.Answer != nil {
		if status := s.Answer(n); status != http.StatusAccepted {
			w.WriteHeader(status)
			return
		}
	}
	var answer api.Accepted
	for _, entry := range body.Notifications {
		s.Accept(entry.Ref)
		answer.Results = append(answer.Results, api.Result{ID: "id", Status: "accepted"})
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(answer)
}

// Accept decides on the fate of a notification.
func (s *System) Accept(ref string) {
	run, sequence, ok := catalog.ParseRunRef(ref)
	if !ok {
		panic("BUG: a load run's ref is no such ref: " + ref)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = run
	s.Account.Accepted++
	switch {
	case s.Lose > 0:
		s.Lose--
		return
	case s.Stuck > 0:
		s.Stuck--
		s.Account.InFlight++
		return
	}
	s.Account.InFlight++
	time.AfterFunc(s.Takes, func() { s.deliver(sequence) })
}

func (s *System) deliver(sequence uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Account.InFlight--
	s.Account.Delivered++
	s.delivered.Add(sequence)
	if s.Unknown > 0 {
		s.Unknown--
		return
	}
	s.sent.Add(sequence)
	if s.Twice > 0 {
		s.Twice--
		s.repeats = append(s.repeats, sequence)
	}
}

// Change changes its account while it serves.
func (s *System) Change(change func(*api.Account)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.Account)
}

// RunName is the name of the run that loads it; empty before the first request.
func (s *System) RunName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

func (s *System) status(w http.ResponseWriter, _ *http.Request) {
	if s.NoStatus || s.HTML {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	took, n := s.Takes.Microseconds(), 1+s.Account.Delivered
	depth := s.Account.InFlight
	status := api.Status{
		Now:     time.Now(),
		Account: s.Account,
		Queues:  []api.Queue{{Channel: "push", Priority: "high", Waiting: depth, OldestAgeMS: min(depth, 1) * s.Takes.Milliseconds()}},
		EndToEnd: []api.EndToEnd{{
			Channel: "push", Priority: "high", Total: api.Histogram{{took, n}},
			Stages: api.Stages{Queue: api.Histogram{{took / 4, n}}, Batch: api.Histogram{{took * 3 / 4, n}}},
		}},
		Workers:   []api.Workers{{Channel: "push", Desired: 2, Running: 2}},
		Providers: []api.Provider{{Name: "fcm", Channel: "push", Sent: s.Account.Delivered, Entries: s.Account.Delivered, Breaker: "closed"}},
		Engines:   map[string]string{"queue": "fake"},
	}
	if s.Status != nil {
		age := time.Duration(0)
		if s.requests > 0 {
			age = time.Since(s.first)
		}
		s.Status(age, &status)
	}
	_ = json.NewEncoder(w).Encode(status)
}

func (s *System) outcomes(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.NoStatus || r.PathValue("run") != s.run {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(api.RunOutcomes{Run: s.run, Outcomes: map[string]*roaring.Bitmap{"delivered": s.delivered}})
}
