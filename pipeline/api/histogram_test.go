package api_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

func record(t interface{ Fatalf(string, ...any) }, values []int64) api.Histogram {
	h := hdrhistogram.New(1, time.Hour.Microseconds(), 2)
	for _, v := range values {
		if err := h.RecordValue(v); err != nil {
			t.Fatalf("record %d: %v", v, err)
		}
	}
	return api.NewHistogram(h)
}

func drawValues() *rapid.Generator[[]int64] {
	return rapid.SliceOfN(rapid.Int64Range(1, time.Minute.Microseconds()), 0, 200)
}

// A quantile is a value that was recorded, within a bucket's width of 1 %.
func TestQuantileIsANearestRankWithinOnePerCent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := drawValues().Filter(func(v []int64) bool { return len(v) > 0 }).Draw(t, "values")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		h := record(t, values)
		slices.Sort(values)
		rank := max(int(float64(len(values))*q+0.9999999999), 1)
		want := time.Duration(values[min(rank, len(values))-1]) * time.Microsecond
		got := h.Quantile(q)
		if got < want || got > want+want/100+time.Microsecond {
			t.Fatalf("quantile %v of %v is %v, want %v or up to 1 %% more", q, values, got, want)
		}
	})
}

// The buckets that are filled are those of the library's own distribution, which
// lists the empty ones as well.
func TestNewHistogramIsTheFilledDistribution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.IntRange(1, 4).Draw(t, "digits")
		h := hdrhistogram.New(1, time.Hour.Microseconds(), digits)
		for _, v := range rapid.SliceOfN(rapid.Int64Range(1, time.Hour.Microseconds()), 0, 50).Draw(t, "values") {
			if err := h.RecordValue(v); err != nil {
				t.Fatal(err)
			}
		}
		var want api.Histogram
		for _, bar := range h.Distribution() {
			if bar.Count > 0 {
				want = append(want, api.Bucket{bar.To, bar.Count})
			}
		}
		if got := api.NewHistogram(h); !slices.Equal(got, want) {
			t.Fatalf("read %v, want %v", got, want)
		}
	})
}

func TestSubUndoesMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := record(t, drawValues().Draw(t, "a")), record(t, drawValues().Draw(t, "b"))
		both := a.Merge(b)
		if both.Count() != a.Count()+b.Count() || both.Max() != max(a.Max(), b.Max()) {
			t.Fatalf("merged %d up to %v", both.Count(), both.Max())
		}
		if got := both.Sub(a); !slices.Equal(got, b) {
			t.Fatalf("%v minus %v is %v, want %v", both, a, got, b)
		}
		if got := b.Merge(a); !slices.Equal(got, both) {
			t.Fatalf("merging the other way round gives %v, want %v", got, both)
		}
	})
}

func TestSubOfARestartedSourceKeepsTheLaterSnapshot(t *testing.T) {
	before, after := api.Histogram{{10, 5}, {20, 1}}, api.Histogram{{10, 2}, {30, 1}}
	if got := after.Sub(before); !slices.Equal(got, after) {
		t.Fatalf("got %v, want %v", got, after)
	}
}

func TestHistogramSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := record(t, drawValues().Draw(t, "values"))
		data, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		var got api.Histogram
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, h) {
			t.Fatalf("read %v, wrote %v", got, h)
		}
	})
}

func TestHistogramReadings(t *testing.T) {
	var none api.Histogram
	if none.Count() != 0 || none.Max() != 0 || none.Mean() != 0 || none.Quantile(0.5) != 0 {
		t.Error("an empty histogram reads other than 0")
	}
	h := api.Histogram{{1000, 3}, {5000, 1}}
	if got := h.Mean(); got != 2*time.Millisecond {
		t.Errorf("mean %v, want 2ms", got)
	}
}

func TestHistogramRefusesWhatItCannotHold(t *testing.T) {
	for _, wire := range []string{
		`{}`, `"x"`, `[1]`, `[[1]]`, `[[1,2,3]]`, `[[2,1],[1,1]]`, `[[1,1],[1,1]]`, `[[-1,1]]`,
		`[[1,0]]`, `[[1,-1]]`, `[[1.5,1]]`, `[[9223372036854775807,1]]`,
		`[[1,9223372036854775807],[2,1]]`,
	} {
		var h api.Histogram
		if err := json.Unmarshal([]byte(wire), &h); err == nil {
			t.Errorf("%s was read as %v", wire, h)
		}
	}
}
