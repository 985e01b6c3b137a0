package tui

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

func same(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b))
}

// TestTrack compares what a track says of the last ten minutes with the values
// that it was given, and of all before with the bounds of them.
func TestTrack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4000).Draw(t, "seconds")
		begin := rapid.IntRange(0, 3).Draw(t, "begin") * 700
		every := rapid.IntRange(1, 9).Draw(t, "unseen")
		tr := track{first: begin, next: begin}
		stretch := 1
		var values []float64
		for s := range n {
			v := float64(s % 17)
			if s%every == 0 && every > 1 {
				v = math.NaN()
			}
			values = append(values, v)
			for (begin+s)/stretch >= coursePoints {
				stretch *= 2
				tr.widen()
			}
			tr.add(v, stretch)
		}
		if len(tr.course) > coursePoints {
			t.Fatalf("a course of %d points", len(tr.course))
		}
		from := begin + rapid.IntRange(-3, n+3).Draw(t, "from")
		to := from + rapid.IntRange(-1, 900).Draw(t, "length")
		got := tr.mean(from, to, stretch)
		within := values[min(max(from-begin, 0), n):max(min(to-begin, n), min(max(from-begin, 0), n))]
		if want := mean(within); max(from, begin) >= begin+n-fineSeconds && !same(got, want) {
			t.Fatalf("from %d to %d of %d: %v, want %v", from, to, n, got, want)
		}
		if !math.IsNaN(got) && (got < 0 || got > 16) {
			t.Fatalf("from %d to %d: %v is out of all bounds", from, to, got)
		}
	})
}

// word makes a server's moment of its counters.
func counterMoment(second int, started time.Time, count int64) Moment {
	at := epoch().Add(time.Duration(second) * time.Second)
	return Moment{At: at, Server: Server{Seen: at, Status: &api.Status{
		Started: started, Now: at, Ready: true,
		Account:   api.Account{Accepted: 1000 + count},
		API:       api.Traffic{Accepted: count, Latency: histogram(count/100, 2)},
		Providers: []api.Provider{{Name: "fcm", Sent: count}},
		Resources: api.Resources{CPUSeconds: float64(count) / 1000},
	}}}
}

func TestRatesSurviveARestart(t *testing.T) {
	h := newHistory()
	count := int64(0)
	for second := range 5 {
		m := counterMoment(second, epoch(), count)
		h.take(&m)
		count += 1000
	}
	if got := h.last(accepted); got != 1000 {
		t.Errorf("before: %v/s", got)
	}
	// Its account is durable, all else begins at 0. Nothing negative comes of it,
	// nor a peak of all that it ever counted.
	count = 0
	for second := 5; second < 8; second++ {
		m := counterMoment(second, epoch().Add(5*time.Second), count)
		h.take(&m)
		for name, most := range map[string]float64{accepted: 500, sentBy + "fcm": 500, cores: 0.5} {
			v := h.last(name)
			if second == 5 && !math.IsNaN(v) || second > 5 && v != most {
				t.Errorf("second %d: %s is %v", second, name, v)
			}
		}
		count += 500
	}
	if w := h.window(); w.seconds != 2 {
		t.Errorf("tables are over %v s, of two starts", w.seconds)
	}
	found := false
	for _, e := range h.events.list {
		found = found || e.text == "the server was started anew; rates count from there"
	}
	if !found {
		t.Errorf("no event of the restart in %v", h.events.list)
	}
}

func TestSilenceIsAGap(t *testing.T) {
	h := newHistory()
	for second := range 20 {
		m := away(second + 30) // silent from 42 on
		h.take(&m)
	}
	values := h.values(queued, 20, 20)
	for i, v := range values {
		// It stands for two seconds and a half.
		if silent := i >= 14; math.IsNaN(v) != silent {
			t.Errorf("second %d: %v", i, v)
		}
	}
	last := h.events.list[len(h.events.list)-1]
	if last.how != bad || last.text != "no answer: connect: connection refused" {
		t.Errorf("%+v", last)
	}
}

func TestALongGapIsBounded(t *testing.T) {
	h := newHistory()
	m := serverMoment(1)
	h.take(&m)
	m.At = m.At.Add(1000 * time.Hour)
	h.take(&m)
	if h.next > longestGap+2 {
		t.Errorf("%d seconds were filled in", h.next)
	}
	if v := h.last(queued); !math.IsNaN(v) {
		t.Errorf("what is old by 1000 h is shown as %v", v)
	}
}

func TestTracksAreBounded(t *testing.T) {
	h := newHistory()
	m := serverMoment(1)
	for i := range 1000 {
		m.Server.Status.Providers = append(m.Server.Status.Providers, api.Provider{Name: string(rune('a' + i))})
	}
	h.take(&m)
	if len(h.tracks) > mostTracks {
		t.Errorf("%d tracks", len(h.tracks))
	}
}

func TestEventsTellWhatChanges(t *testing.T) {
	h := newHistory()
	m := serverMoment(1)
	h.take(&m)
	m = serverMoment(2)
	s := m.Server.Status
	s.Providers[2].Breaker = "open"
	s.Dependencies = []api.Dependency{{Name: "kafka", Address: "10.0.0.1:9092", State: "down", Error: "no route"}}
	s.Regions[0].Lost = true
	s.Draining = true
	h.take(&m)
	m = serverMoment(3)
	m.Server.Status.Dependencies = []api.Dependency{{Name: "kafka", Address: "10.0.0.1:9092", State: "up"}}
	h.take(&m)
	var got []string
	for _, e := range h.events.list {
		got = append(got, string("pgdb"[e.how])+" "+e.text)
	}
	want := []string{
		"b breaker of sendgrid: open", "b kafka at 10.0.0.1:9092: down no route", "b region-1: lost", "d the server: is draining",
		"g breaker of sendgrid: closed", "g kafka at 10.0.0.1:9092: up", "g region-1: serves", "g the server: ready",
	}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}
