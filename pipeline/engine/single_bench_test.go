package engine_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine"
)

const (
	// singleClients ask at a time, each so often in a turn. Whoever asks for one
	// notification waits for a commit that all who wait share, and then asks
	// again: of few clients it is the commit's time that decides, of many what a
	// request costs. Single requests come from many.
	singleClients = 256
	singleEach    = 62
	// singleUsers are whom the notifications are for, in turn.
	singleUsers = 10_000
)

// BenchmarkSingle submits notifications one by one, each with a key and durable
// before its 202, and in turn the same requests to a bare handler of net/http
// that reads them and answers as much. It reports how many a second the system
// takes as a part of what the bare handler does, and what processor time a
// request takes of each: of the clients, the server, and, of the system, the
// delivery and the provider, which are in the same process. A turn before those
// that count opens the connections and reads the users' preferences once.
func BenchmarkSingle(b *testing.B) {
	_, providers := mocks(b)
	cfg := config(b, providers)
	cfg.DataDir = b.TempDir()
	cfg.Preferences.L2Bytes = 64 << 20 // for all of the users
	cfg.Workers = map[pipeline.Channel]int{pipeline.Push: 8, pipeline.Email: 8, pipeline.SMS: 8}
	s, err := engine.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Drain(context.Background()); err != nil {
			b.Error(err)
		}
	})
	bare := bareServer(b)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: singleClients}}
	b.Cleanup(client.CloseIdleConnections)
	var keys atomic.Int64
	var system, plain usage
	turns := 0
	submitSingly(b, client, bare, &keys)
	submitSingly(b, client, s.URL(), &keys)
	for b.Loop() {
		plain.add(submitSingly(b, client, bare, &keys))
		system.add(submitSingly(b, client, s.URL(), &keys))
		turns++
	}
	b.ReportMetric(0, "ns/op")
	requests := float64(singleClients * singleEach * turns)
	b.ReportMetric(requests/system.elapsed.Seconds(), "requests/s")
	b.ReportMetric(requests/plain.elapsed.Seconds(), "bare-requests/s")
	b.ReportMetric(plain.elapsed.Seconds()/system.elapsed.Seconds(), "of-bare")
	b.ReportMetric(float64(system.processor.Microseconds())/requests, "cpu-us/request")
	b.ReportMetric(float64(plain.processor.Microseconds())/requests, "bare-cpu-us/request")
}

// usage is what turns took of the clock and of the processors.
type usage struct{ elapsed, processor time.Duration }

func (u *usage) add(other usage) {
	u.elapsed += other.elapsed
	u.processor += other.processor
}

// processorTime is what the process has taken of the processors.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var taken syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &taken); err != nil {
		b.Fatal(err)
	}
	return time.Duration(taken.Utime.Nano() + taken.Stime.Nano())
}

// bareServer serves a handler that does nothing with what it reads.
func bareServer(b *testing.B) string {
	answer := fmt.Sprintf(`{"results":[{"id":%q,"status":"queued"}]}`, strings.Repeat("0", 26))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, answer)
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// submitSingly makes a turn's requests and says what they took.
func submitSingly(b *testing.B, client *http.Client, base string, keys *atomic.Int64) usage {
	b.Helper()
	began, taken := time.Now(), processorTime(b)
	var asking sync.WaitGroup
	for range singleClients {
		asking.Go(func() {
			for range singleEach {
				key := keys.Add(1)
				body := fmt.Sprintf(`{"user_id":"user-%07d","channel":"email","to":"ada@example.com","template_id":"welcome","variables":{"name":"Ada"}}`, key%singleUsers)
				request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, base+"/v1/notifications", strings.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				request.Header.Set("Content-Type", "application/json")
				request.Header.Set("Idempotency-Key", fmt.Sprint("single-", key))
				answer, err := client.Do(request)
				if err != nil {
					b.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusAccepted {
					b.Errorf("%d, %v", answer.StatusCode, err)
					return
				}
			}
		})
	}
	asking.Wait()
	return usage{time.Since(began), processorTime(b) - taken}
}
