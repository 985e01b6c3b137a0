package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// events answers with a stream of server-sent events.
func events(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/status/stream" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = io.WriteString(w, text)
	}
}

func TestWatchStatus(t *testing.T) {
	// What is not about the status, comments and a last event without its end
	// are left out.
	c := serve(t, events(": hello\n\nevent: status\ndata: {\"version\":\ndata: \"1\"}\n\nevent: other\ndata: {}\n\n"+
		"event: status\r\ndata: {\"version\": \"2\"}\r\n\r\nevent: status\ndata: {\"version\": \"3\"}\n"))
	var versions []string
	err := c.WatchStatus(t.Context(), func(s api.Status) error {
		versions = append(versions, s.Version)
		return nil
	})
	if !errors.Is(err, api.ErrStreamEnded) || strings.Join(versions, " ") != "1 2" {
		t.Errorf("got %q, %v", versions, err)
	}
}

func TestWatchStatusStops(t *testing.T) {
	c := serve(t, events(strings.Repeat("event: status\ndata: {}\n\n", 3)))
	enough := errors.New("enough")
	taken := 0
	err := c.WatchStatus(t.Context(), func(api.Status) error {
		taken++
		return enough
	})
	if !errors.Is(err, enough) || taken != 1 {
		t.Errorf("taken %d, %v", taken, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = serve(t, func(w http.ResponseWriter, r *http.Request) {
		events("event: status\ndata: {}\n\n")(w, r)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}).WatchStatus(ctx, func(api.Status) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a watch whose context ended gave %v", err)
	}
}

func TestWatchStatusSaysWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"no stream": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "is it a notifyctl server?"},
		"no status": {events("event: status\ndata: <html>\n\n"), "decode an event"},
		"too long":  {events("event: status\ndata: " + strings.Repeat("x", 9<<20) + "\n\n"), api.ErrAnswerTooLarge.Error()},
		"too much":  {events("event: status\n" + strings.Repeat("data: "+strings.Repeat("x", 1<<20)+"\n", 9)), api.ErrAnswerTooLarge.Error()},
		"refused":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "403"},
		"empty":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "204"},
	} {
		err := serve(t, test.handler).WatchStatus(t.Context(), func(api.Status) error { return nil })
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWatchStatusGivesUpASilentServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		events("event: status\ndata: {}\n\n")(w, r)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer s.Close()
	c, err := api.NewClient(s.URL, api.ClientOptions{Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.WatchStatus(t.Context(), func(api.Status) error { return nil })
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint("nothing was heard for ", 50*time.Millisecond)) {
		t.Errorf("got %v", err)
	}
}
