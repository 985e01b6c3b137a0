package load

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// stalling is a server that does not answer in the last second of every ten, and
// notes when it has answered each request.
type stalling struct {
	began time.Time

	mu       sync.Mutex
	answered map[uint64]time.Time // by the request's number
}

// ServeHTTP answers after the stall, if there is one.
func (s *stalling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	if at := time.Since(s.began) % (10 * time.Second); at >= 9*time.Second {
		time.Sleep(10*time.Second - at)
	}
	key := r.Header.Get("Idempotency-Key")
	number, err := strconv.ParseUint(key[strings.LastIndexByte(key, '-')+1:], 10, 64)
	if err != nil {
		panic("BUG: a key is not run-number: " + key)
	}
	s.mu.Lock()
	s.answered[number] = time.Now()
	s.mu.Unlock()
	accept(w, 1)
}

// TestCoordinatedOmissionOverSockets is as [TestCoordinatedOmission], but in real
// time. So the truth is not what the schedule alone says: it is what the server
// knows of when it answered, counted from when each request was due.
func TestCoordinatedOmissionOverSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes ten seconds")
	}
	t.Parallel()
	server := &stalling{began: time.Now(), answered: map[uint64]time.Time{}}
	listening := httptest.NewServer(server)
	defer listening.Close()
	target, err := Resolve(t.Context(), listening.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	schedule := mustSchedule(t, Stage{From: 100, To: 100, For: 10 * time.Second})
	generator, err := NewGenerator(Config{
		Schedule: schedule, Traffic: newTestTraffic(t, testTraffic(1, KeyPerRequest)), Target: target, Path: "/",
		Connections: 4, MaxLag: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	generator.Run(t.Context())
	var truth []time.Duration
	for number, at := range server.answered {
		truth = append(truth, at.Sub(generator.pacer.began)-schedule.At(number))
	}
	slices.Sort(truth)
	want := truth[len(truth)*99/100]
	report := generator.Report()
	if got := report.Response.P99; (got - want).Abs() > want/10 {
		t.Errorf("p99 from the schedule is %v, and the server says %v", got, want)
	}
	if len(truth) != 1000 || want < 500*time.Millisecond || report.Service.P99 > want {
		t.Errorf("%d requests, p99 %v in truth and %v from the send: the test does not show what it is for", len(truth), want, report.Service.P99)
	}
}
