package scenarios

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// drawIntervals draws what is seen of a run: about a second each, as timers end
// them, without a system's answer now and then, and some with nothing else.
func drawIntervals(t *rapid.T, most int) []interval {
	n := rapid.IntRange(1, most).Draw(t, "n")
	list := make([]interval, n)
	at := time.Duration(0)
	for i := range list {
		end := time.Duration(i+1)*time.Second + time.Duration(rapid.IntRange(-5, 50).Draw(t, "jitter"))*time.Millisecond
		list[i] = interval{from: at, to: end, mock: rapid.Float64Range(0, 1).Draw(t, "mock")}
		at = end
		if requests := rapid.IntRange(0, 20).Draw(t, "requests"); requests > 0 {
			list[i].clients = drawClients(t, uint64(requests))
		}
		if rapid.IntRange(0, 9).Draw(t, "answered") > 0 {
			list[i].system = drawSystem(t)
		}
	}
	return list
}

func drawHistogram(t *rapid.T, n int64) api.Histogram {
	low := rapid.Int64Range(0, n).Draw(t, "low")
	h := api.Histogram{}
	for _, bucket := range []api.Bucket{{rapid.Int64Range(1, 50).Draw(t, "fast"), low}, {rapid.Int64Range(51, 1000).Draw(t, "slow"), n - low}} {
		if bucket.Count() > 0 {
			h = append(h, bucket)
		}
	}
	return h
}

func drawClients(t *rapid.T, n uint64) clientCounts {
	refused := rapid.Uint64Range(0, n).Draw(t, "refused")
	return clientCounts{
		seconds: 1, offered: n + 1, sent: n, dropped: 1, accepted: n - refused, refused: refused,
		response: drawHistogram(t, int64(n)), service: drawHistogram(t, int64(n)),
	}
}

func drawSystem(t *rapid.T) systemCounts {
	c := systemCounts{
		answers: 1, seconds: 1,
		accepted: rapid.Int64Range(0, 100).Draw(t, "accepted"), delivered: rapid.Int64Range(0, 100).Draw(t, "delivered"),
		caches:   map[string]lookups{"l1": {rapid.Int64Range(0, 9).Draw(t, "hits"), 1}},
		breakers: map[string]switches{"ses": {opened: rapid.IntRange(0, 1).Draw(t, "opened")}},
		scaling:  map[string]scalingCounts{"push": {asked: rapid.IntRange(0, 1).Draw(t, "asked"), looks: 1}},
		pools:    map[string]busyWorkers{"push": {busy: rapid.Int64Range(0, 4).Draw(t, "busy"), running: 4}},
		deepest:  rapid.Int64Range(0, 1000).Draw(t, "depth"),
		rss:      rapid.Int64Range(1, 1000).Draw(t, "rss"),
	}
	c.endToEnd[1] = drawHistogram(t, c.delivered)
	c.last = level{queue: c.deepest, heap: c.rss}
	return c
}

// sumOf merges intervals one after the other.
func sumOf(list []interval) (sum interval) {
	for _, i := range list {
		sum = sum.merge(i)
	}
	return sum
}

// requireSame compares intervals; a histogram without values is none.
func requireSame(t *rapid.T, what string, got, want interval) {
	for _, i := range []*interval{&got, &want} {
		for _, h := range []*api.Histogram{&i.clients.response, &i.clients.service, &i.system.endToEnd[0], &i.system.endToEnd[1], &i.system.endToEnd[2]} {
			if len(*h) == 0 {
				*h = nil
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n%+v\nwant\n%+v", what, got, want)
	}
}

// TestMergingIsInAnyGrouping: what is merged first does not matter.
func TestMergingIsInAnyGrouping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawIntervals(t, 12)
		cut := rapid.IntRange(0, len(list)).Draw(t, "cut")
		for i := range list {
			list[i].mock = float64(int(list[i].mock * 4)) // sums of these are exact
		}
		requireSame(t, "grouped", sumOf(list[:cut]).merge(sumOf(list[cut:])), sumOf(list))
	})
}

// TestWindowsEqualBruteForce: a window that slides holds what merging all of it
// gives, whenever it has moved.
func TestWindowsEqualBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawIntervals(t, 60)
		length := time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second
		s := sliding{length: length}
		for n, i := range list {
			got, moved, whole := s.push(i)
			if !moved {
				t.Fatal("a short window did not move")
			}
			first := n
			for first > 0 && middle(list[first-1]) > i.to-length {
				first--
			}
			requireSame(t, fmt.Sprintf("window %d", n), got, sumOf(list[first:n+1]))
			if whole != (i.to >= length-pollEvery/2) {
				t.Fatalf("after %v a window of %v is whole: %v", i.to, length, whole)
			}
			if held := len(s.in) + len(s.out); held > int(length/time.Second)+2 {
				t.Fatalf("a window of %v holds %d intervals", length, held)
			}
		}
	})
}

// A window of an hour slides in steps, so that it holds no more than one of ten
// minutes.
func TestALongWindowSlidesInSteps(t *testing.T) {
	s := sliding{length: time.Hour}
	moves := 0
	for n := range 3 * 3600 {
		sum, moved, whole := s.push(interval{
			from: time.Duration(n) * time.Second, to: time.Duration(n+1) * time.Second,
			clients: clientCounts{seconds: 1, accepted: 1},
		})
		if !moved {
			continue
		}
		moves++
		if whole && (sum.clients.accepted < 3590 || sum.clients.accepted > 3610) {
			t.Fatalf("after %d s the window has %d", n+1, sum.clients.accepted)
		}
	}
	if held := len(s.in) + len(s.out); held > mostSteps+2 || moves < 3*mostSteps-3 {
		t.Errorf("%d moves, %d held", moves, held)
	}
}

// TestTimelineConserves: however long a run is, its points are few, and hold all
// that happened.
func TestTimelineConserves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := bins{every: pollEvery, batch: 10}
		var want interval
		at := time.Duration(0)
		for range rapid.IntRange(1, 40).Draw(t, "stretches") {
			seconds := rapid.IntRange(1, 400).Draw(t, "length")
			seen := interval{mock: 0.1}
			seen.clients, seen.system = drawClients(t, 5), drawSystem(t)
			for range seconds {
				seen.from, seen.to = at, at+time.Second
				at += time.Second
				b.add(seen)
				want = want.merge(seen)
			}
		}
		if len(b.list) > mostPoints || at > mostPoints*pollEvery && len(b.list) < mostPoints/2 {
			t.Fatalf("%d points for %v", len(b.list), at)
		}
		if b.every*time.Duration(len(b.list)) < at {
			t.Fatalf("%d points of %v end before %v", len(b.list), b.every, at)
		}
		got := sumOf(b.list)
		requireSame(t, "all points", got, want)
		points := b.timeline()
		if points.Every != b.every.Seconds() || len(points.Points) != len(b.list) {
			t.Fatalf("%d points every %g s", len(points.Points), points.Every)
		}
		if p := points.Points[0]; p.At != points.Every || p.Accepted+p.Refused != 50 || p.Sent != 50 || p.Offered != 60 || p.System == nil {
			t.Fatalf("point %+v", p)
		}
	})
}

// TestPercentilesAreInOrder in whatever is measured.
func TestPercentilesAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, 1e8), 1, 50).Draw(t, "microseconds")
		counts := map[int64]int64{}
		for _, v := range values {
			counts[v]++
		}
		var h api.Histogram
		for _, v := range slices.Sorted(maps.Keys(counts)) {
			h = append(h, api.Bucket{v, counts[v]})
		}
		l := summaryOf(h)
		if ordered := []time.Duration{l.P50, l.P90, l.P95, l.P99, l.Max}; !slices.IsSorted(ordered) || l.Count != uint64(len(values)) {
			t.Fatalf("percentiles %v", ordered)
		}
	})
}

// TestASystemThatStartsAnewCountsFromNothing: its counters have not gone back.
func TestASystemThatStartsAnewCountsFromNothing(t *testing.T) {
	then := &api.Status{Now: time.Unix(100, 0), Account: api.Account{Accepted: 1000, Delivered: 900}, Caches: []api.Cache{{Name: "l1", Hits: 50, Misses: 50}}}
	now := &api.Status{Now: time.Unix(101, 0), Account: api.Account{Accepted: 1010, Delivered: 905}, Caches: []api.Cache{{Name: "l1", Hits: 3, Misses: 1}}}
	c := growth(then, now)
	if c.accepted != 10 || c.delivered != 5 || c.caches["l1"] != (lookups{3, 1}) || c.seconds != 1 {
		t.Errorf("growth %+v", c)
	}
}

func TestBreakersAreSeenToSwitch(t *testing.T) {
	for _, test := range []struct {
		then, now string
		want      switches
	}{
		{"", "closed", switches{}},
		{"closed", "closed", switches{}},
		{"closed", "open", switches{opened: 1}},
		{"open", "half_open", switches{}},
		{"half_open", "open", switches{}},
		{"half_open", "closed", switches{closed: 1}},
		{"open", "closed", switches{closed: 1}},
		{"closed", "half_open", switches{opened: 1}}, // it was open for less than a second
	} {
		if got := switched(test.then, test.now); got != test.want {
			t.Errorf("%q to %q: %+v", test.then, test.now, got)
		}
	}
}
