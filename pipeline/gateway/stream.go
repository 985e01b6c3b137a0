package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// Limits of the streams of the status.
const (
	maxStreams     = 64
	streamInterval = time.Second
	// eventTimeout is how long a reader may take for one event. A slower one
	// is dropped, so that it holds neither memory nor a place.
	eventTimeout = 5 * time.Second
)

// streams bounds the open streams, which share one snapshot an interval.
type streams struct {
	places chan struct{} // one is taken by each stream
	ended  chan struct{} // closed when the server drains
	end    func()

	mu    sync.Mutex
	event []byte // the newest, as it is sent
	taken time.Time
}

func (s *streams) init() {
	s.places, s.ended = make(chan struct{}, maxStreams), make(chan struct{})
	s.end = sync.OnceFunc(func() { close(s.ended) })
}

// statusStream answers GET /v1/status/stream: server-sent events, one at once
// and one each second, until the client goes, is too slow, or the server drains.
func (g *Gateway) statusStream(w http.ResponseWriter, r *http.Request) {
	if g.draining.Load() {
		writeProblem(w, draining(w))
		return
	}
	select {
	case g.streams.places <- struct{}{}:
		defer func() { <-g.streams.places }()
	default:
		writeProblem(w, problem(http.StatusServiceUnavailable, api.CodeStreams, "too many streams of the status are open"))
		return
	}
	event, err := g.statusEvent(r.Context())
	if err != nil {
		g.failed(w, r, "take a snapshot", err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // a proxy would hold events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	connection := http.NewResponseController(w)
	// The deadline of the request would end the watch for a client that goes.
	_ = connection.SetReadDeadline(time.Time{}) // where there is none, none ends it
	ticker := time.NewTicker(streamInterval)
	defer ticker.Stop()
	for err == nil {
		if err := sendEvent(w, connection, event); err != nil {
			return // gone, or too slow
		}
		select {
		case <-ticker.C:
		case <-g.streams.ended:
			return
		case <-r.Context().Done():
			return
		}
		event, err = g.statusEvent(r.Context())
	}
	if r.Context().Err() == nil {
		g.cfg.Logger.WarnContext(r.Context(), "a stream of the status ended", "request_id", w.(*answer).id, "error", err)
	}
}

// sendEvent writes one event, in time.
func sendEvent(w http.ResponseWriter, connection *http.ResponseController, event []byte) error {
	_ = connection.SetWriteDeadline(time.Now().Add(eventTimeout)) // where there is none, the write itself fails
	if _, err := w.Write(event); err != nil {
		return err
	}
	return connection.Flush()
}

// statusEvent gives the newest snapshot as an event. Whoever finds it too old
// takes the next, for all.
func (g *Gateway) statusEvent(ctx context.Context) ([]byte, error) {
	s := &g.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.event != nil && time.Since(s.taken) < streamInterval/2 {
		return s.event, nil
	}
	status, err := g.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(status)
	if err != nil {
		panic("BUG: a status that is no JSON: " + err.Error())
	}
	event := append(make([]byte, 0, len(data)+32), "event: status\ndata: "...)
	s.event, s.taken = append(append(event, data...), "\n\n"...), time.Now()
	return s.event, nil
}
