package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/gateway"
)

// listen serves a world on a loopback socket until the test ends.
func listen(t *testing.T, w *world) (*gateway.Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := gateway.NewServer(w.Gateway)
	s.Start(l)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Drain(ctx); err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

// send opens a connection and sends bytes on it.
func send(t *testing.T, address, request string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn
}

// raw sends bytes on a connection of their own and reads the answers until the
// server closes it, or there are as many as asked for.
func raw(t *testing.T, address, request string, answers int) []reply {
	t.Helper()
	return receive(t, send(t, address, request), answers)
}

// reply is what matters of an answer here.
type reply struct {
	status int
	close  bool // the server ends the connection
}

func receive(t *testing.T, conn net.Conn, answers int) []reply {
	t.Helper()
	var out []reply
	reader := bufio.NewReader(conn)
	for len(out) < answers {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			// What the server has not read makes its end a reset.
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
				return out
			}
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		out = append(out, reply{response.StatusCode, response.Close})
	}
	return out
}

const head = "POST /v1/notifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

func TestSlowBodyIs408(t *testing.T) {
	w := newWorld(func(c *gateway.Config) { c.BodyTimeout = 50 * time.Millisecond })
	_, address := listen(t, w)
	for _, begun := range []string{"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"use"} {
		got := raw(t, address, head+begun, 2)
		if len(got) != 1 || got[0].status != http.StatusRequestTimeout || !got[0].close {
			t.Fatalf("got %+v", got)
		}
	}
	if got := w.ingester.submissions(); len(got) > 0 {
		t.Errorf("ingest got %+v", got)
	}
}

// A client that writes its whole body before it reads is told that the body is
// too large; one that asks first, or means to send much more, is told at once.
func TestTooLargeBodyIs413ForThoseWhoReadLast(t *testing.T) {
	_, address := listen(t, newWorld(nil))
	body := strings.Repeat(" ", 3*gateway.MaxBody)
	for name, rest := range map[string]string{
		"of known length":   fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
		"of unknown length": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
		"asked for":         fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body)),
		"far too large":     "Content-Length: 1000000000000\r\n\r\n",
	} {
		got := raw(t, address, head+rest, 2)
		if len(got) != 1 || got[0].status != http.StatusRequestEntityTooLarge || !got[0].close {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// A deadline of the body must not end a request whose body has come.
func TestBodyDeadlineEndsWithTheBody(t *testing.T) {
	w := newWorld(func(c *gateway.Config) { c.BodyTimeout = 20 * time.Millisecond })
	w.ingester.accept = func(ctx context.Context, _ pipeline.Submission) ([]pipeline.Receipt, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
			return nil, pipeline.ErrFull
		}
	}
	_, address := listen(t, w)
	got := raw(t, address, head+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(one), one), 1)
	if len(got) != 1 || got[0].status != 503 {
		t.Fatalf("got %+v", got)
	}
	if !strings.Contains(w.logs.String(), "code=admission") {
		t.Errorf("the request was cancelled: %s", w.logs)
	}
}

// Requests whose length can be read in two ways are refused, and their
// connection with them, so that nothing is smuggled behind them.
func TestSmuggledLengths(t *testing.T) {
	smuggled := "GET /v1/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, request := range map[string]string{
		"two lengths":           head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + smuggled,
		"a list of lengths":     head + "Content-Length: 2, 3\r\n\r\n{}" + smuggled,
		"a signed length":       head + "Content-Length: +2\r\n\r\n{}" + smuggled,
		"a negative length":     head + "Content-Length: -2\r\n\r\n{}" + smuggled,
		"a huge length":         head + "Content-Length: 99999999999999999999\r\n\r\n{}" + smuggled,
		"an unknown coding":     head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"a chunked spelling":    head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"chunked twice":         head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"a bad chunk":           head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n" + smuggled,
		"a huge chunk":          head + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}\r\n" + smuggled,
		"a space in the header": head + "Content-Length : 2\r\n\r\n{}" + smuggled,
		"two hosts":             "POST /v1/notifications HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nContent-Length: 2\r\n\r\n{}" + smuggled,
		"no host":               "GET /healthz HTTP/1.1\r\n\r\n" + smuggled,
		"a long header":         "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n" + smuggled,
		"no HTTP":               "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(nil)
			_, address := listen(t, w)
			got := raw(t, address, request, 3)
			if len(got) != 1 || got[0].status < 400 || got[0].status >= 500 && got[0].status != http.StatusNotImplemented {
				t.Errorf("got %d answers: %+v", len(got), got)
			}
			if got := w.ingester.submissions(); len(got) > 0 {
				t.Errorf("ingest got %+v", got)
			}
		})
	}
}

// A length beside chunks is the classic; net/http goes by the chunks, as RFC
// 9112 wants it, and ends the connection or reads on behind them.
func TestLengthBesideChunks(t *testing.T) {
	w := newWorld(nil)
	_, address := listen(t, w)
	got := raw(t, address, head+"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 1)
	if len(got) != 1 || got[0].status >= 500 {
		t.Fatalf("got %+v", got)
	}
	for _, s := range w.ingester.submissions() {
		if len(s.Notifications) != 1 || s.Notifications[0].UserID != "" {
			t.Errorf("ingest got %+v", s)
		}
	}
}

func TestOddRequestLines(t *testing.T) {
	w := newWorld(nil)
	_, address := listen(t, w)
	for line, want := range map[string]int{
		"OPTIONS * HTTP/1.1":                          400,
		"CONNECT localhost:80 HTTP/1.1":               404,
		"GET http://localhost/healthz HTTP/1.1":       200,
		"GET http://evil.example/healthz HTTP/1.1":    421,
		"GET /healthz?" + "a=%zz;&&=" + " HTTP/1.1":   200,
		"GET /v1/notifications/%2e%2e%2f%00 HTTP/1.1": 404,
	} {
		got := raw(t, address, line+"\r\nHost: localhost\r\n\r\n", 1)
		if len(got) != 1 || got[0].status != want {
			t.Errorf("%s: got %+v, want %d", line, got, want)
		}
	}
}

func TestDrainFinishesWhatIsInProgress(t *testing.T) {
	w := newWorld(nil)
	entered, leave := make(chan struct{}), make(chan struct{})
	w.ingester.accept = func(_ context.Context, s pipeline.Submission) ([]pipeline.Receipt, error) {
		close(entered)
		<-leave
		return []pipeline.Receipt{{ID: ids().Make(epoch(), &s.Notifications[0], 1), Result: pipeline.Result{State: pipeline.Queued}}}, nil
	}
	s, address := listen(t, w)
	conn := send(t, address, head+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(one), one))
	<-entered
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(context.Background()) }()
	for w.call("GET", "/readyz", "").Code != 503 {
		runtime.Gosched() // Drain has not begun
	}
	if p := w.call("GET", "/readyz", ""); !strings.Contains(p.Body.String(), "draining") {
		t.Errorf("readiness says %s", p.Body)
	}
	wantProblem(t, w.call("POST", "/v1/notifications", one), 503, "draining")
	select {
	case err := <-drained:
		drained <- err
		t.Error("it stopped with a request in progress")
	default:
	}
	close(leave)
	if got := receive(t, conn, 1); len(got) != 1 || got[0].status != 202 {
		t.Errorf("the request in progress got %+v", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if err := s.Drain(context.Background()); err != nil {
		t.Errorf("draining twice: %v", err)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		_ = conn.Close()
		t.Error("it still listens")
	}
}

func TestDrainCutsOffWhatDoesNotEnd(t *testing.T) {
	w := newWorld(nil)
	entered := make(chan struct{})
	w.ingester.accept = func(ctx context.Context, _ pipeline.Submission) ([]pipeline.Receipt, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := gateway.NewServer(w.Gateway)
	s.Start(l)
	send(t, l.Addr().String(), head+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(one), one))
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestServerTellsWhyItStopped(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := gateway.NewServer(newWorld(nil).Gateway)
	s.Start(l)
	if err := l.Close(); err != nil { // as when the descriptor is lost
		t.Fatal(err)
	}
	<-s.Done()
	if err := s.Drain(context.Background()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
