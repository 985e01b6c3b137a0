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
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine"
)

const (
	// singleClients ask at a time, each so often in a turn.
	singleClients = 64
	singleEach    = 62
)

// BenchmarkSingle submits notifications one by one, each with a key and durable
// before its 202, and in turn the same requests to a bare handler of net/http
// that reads them and answers as much. It reports how many a second the system
// takes as a part of what the bare handler does.
func BenchmarkSingle(b *testing.B) {
	_, providers := mocks(b)
	cfg := config(b, providers)
	cfg.DataDir = b.TempDir()
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
	var system, plain time.Duration
	turns := 0
	for b.Loop() {
		plain += submitSingly(b, client, bare, &keys)
		system += submitSingly(b, client, s.URL(), &keys)
		turns++
	}
	b.ReportMetric(0, "ns/op")
	requests := float64(singleClients * singleEach * turns)
	b.ReportMetric(requests/system.Seconds(), "requests/s")
	b.ReportMetric(requests/plain.Seconds(), "bare-requests/s")
	b.ReportMetric(plain.Seconds()/system.Seconds(), "of-bare")
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

// submitSingly makes a turn's requests and says how long they took.
func submitSingly(b *testing.B, client *http.Client, base string, keys *atomic.Int64) time.Duration {
	began := time.Now()
	var asking sync.WaitGroup
	for range singleClients {
		asking.Go(func() {
			for range singleEach {
				key := keys.Add(1)
				body := fmt.Sprintf(`{"user_id":"user-%07d","channel":"email","to":"ada@example.com","template_id":"welcome","variables":{"name":"Ada"}}`, key%1_000_000)
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
	return time.Since(began)
}
