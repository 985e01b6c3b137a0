package mockproviders

import (
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestActivity: what the mocks are busy with is averaged over the last whole
// seconds, and what they could do follows from it.
func TestActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		processors := float64(runtime.GOMAXPROCS(0))
		for range 20 { // of which ten are averaged
			for range 5 {
				s.work[ses].add(time.Now(), 10*time.Millisecond, 20)
			}
			time.Sleep(time.Second)
		}
		got := s.Activity()
		one := got.Providers["ses"]
		for name, figure := range map[string]struct{ got, want float64 }{
			"calls":         {one.Calls, 5},
			"notifications": {one.Notifications, 100},
			"busy":          {one.Busy, 0.05 / processors},
			"ceiling":       {one.Ceiling, 2000 * processors},
			"busy together": {got.Busy, 0.05 / processors},
			"other calls":   {got.Providers["fcm"].Calls, 0},
			"other ceiling": {got.Providers["fcm"].Ceiling, 0},
		} {
			if math.Abs(figure.got-figure.want) > 1e-9*figure.want {
				t.Errorf("%s: %v, want %v", name, figure.got, figure.want)
			}
		}
		time.Sleep(time.Minute)
		if got := s.Activity(); got.Busy != 0 || got.Providers["ses"].Calls != 0 {
			t.Errorf("after a minute's rest it is %+v", got)
		}
	})
}

// TestOpenCalls: a call is counted, and is open until it is answered.
func TestOpenCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{Latency: FixedLatency(90 * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/fcm/v1/projects/p/messages:send", strings.NewReader(`{"message":{"token":"t"}}`))
			signBearer(r)
			s.ServeHTTP(httptest.NewRecorder(), r)
		}()
		synctest.Wait()
		time.Sleep(time.Second)
		if one := s.Activity().Providers["fcm"]; one.OpenCalls != 1 || one.Notifications != 0.1 {
			t.Errorf("the activity is %+v", one)
		}
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if one := s.Activity().Providers["fcm"]; one.OpenCalls != 0 {
			t.Errorf("answered, it is %+v", one)
		}
	})
}
