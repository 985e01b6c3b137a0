package tui

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline/api"
	"github.com/notifyctl/notifyctl/reports"
	"github.com/notifyctl/notifyctl/scenarios"
	"github.com/notifyctl/notifyctl/scenarios/load"
)

// anything fills a value of ours with whatever its types allow: missing parts,
// hostile names, numbers out of all bounds, lists of any length.
func anything(t *rapid.T, v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(-1<<33, 1<<33).Draw(t, "time"), 0)))
		return
	case time.Duration:
		v.SetInt(rapid.OneOf(rapid.Int64(), rapid.Int64Range(0, 1e12)).Draw(t, "duration"))
		return
	case api.Histogram:
		v.Set(reflect.ValueOf(anyHistogram(t)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				anything(t, v.Field(i), depth+1)
			}
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			anything(t, v.Elem(), depth+1)
		}
	case reflect.Slice:
		n := rapid.SampledFrom([]int{0, 0, 1, 2, 3, 40}).Draw(t, "length")
		if depth > 2 {
			n = min(n, 2)
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			anything(t, v.Index(i), depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			anything(t, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			anything(t, key, depth+1)
			anything(t, value, depth+1)
			v.SetMapIndex(key, value)
		}
	default:
		anyScalar(t, v)
	}
}

func anyScalar(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{
			"", "push", "closed", "high", "fcm", "open", "serving", "workers", "\x1b[2J\x1b[31mred", "a\nb\r\tc", "日本語の長い名前です", "e\u0301\u202ereversed\u200d👩‍👩‍👧",
			"long name that goes on and on and on and on and on and on and on and on and on and on and on", "\xff\xfe", "\u0000", "0.99",
		}).Draw(t, "text"))
	case reflect.Float64:
		v.SetFloat(rapid.SampledFrom([]float64{0, 1, -1, 0.5, 1e-9, 1234.5, 1e12, math.MaxFloat64, -math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1)}).Draw(t, "float"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.SampledFrom([]int64{0, 1, 7, 1000, 123_456_789, -1, math.MaxInt64, math.MinInt64}).Draw(t, "int"))
	case reflect.Uint64:
		v.SetUint(rapid.SampledFrom([]uint64{0, 1, 7, 1000, math.MaxUint64}).Draw(t, "uint"))
	case reflect.Uint8: // a load.Kind, which no server names
		v.SetUint(uint64(load.Accepted))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	default:
		panic("BUG: a field of a kind that the test does not fill: " + v.Type().String())
	}
}

// anyHistogram is one as the wire can bring it: ordered, its counts positive and
// within 63 bits together.
func anyHistogram(t *rapid.T) api.Histogram {
	var h api.Histogram
	upper := int64(0)
	for range rapid.IntRange(0, 3).Draw(t, "buckets") {
		upper += rapid.Int64Range(1, math.MaxInt64/8000).Draw(t, "bound")
		h = append(h, api.Bucket{upper, rapid.Int64Range(1, math.MaxInt64/8).Draw(t, "count")})
	}
	return h
}

// anyMoment is one that no system of ours would give.
func anyMoment(t *rapid.T, second int) Moment {
	m := Moment{At: epoch().Add(time.Duration(second) * time.Second), Server: Server{URL: "http://127.0.0.1:8080"}}
	if rapid.Bool().Draw(t, "status") {
		m.Server.Status, m.Server.Seen = &api.Status{}, m.At
		anything(t, reflect.ValueOf(m.Server.Status).Elem(), 0)
	}
	anyScalar(t, reflect.ValueOf(&m.Server.Silent).Elem())
	if rapid.Bool().Draw(t, "run") {
		run := scenarios.Snapshot{Phase: rapid.SampledFrom([]scenarios.Phase{scenarios.Starting, scenarios.Running, scenarios.Draining, scenarios.Over}).Draw(t, "phase")}
		run.Report = &load.Report{}
		for _, part := range []any{&run.Scenario, &run.Stage, &run.Stages, &run.Elapsed, &run.Total, &run.Batch, &run.Report, &run.Seconds, &run.Checks, &run.Marks} {
			anything(t, reflect.ValueOf(part).Elem(), 2)
		}
		m.Run = &run
	}
	return m
}

// TestNothingBreaksTheScreen draws what no system of ours would say, in every
// view, at any size.
func TestNothingBreaksTheScreen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		second := 0
		moments := []Moment{anyMoment(t, 0), anyMoment(t, 1), anyMoment(t, 3)}
		s := newScreen(Options{
			Terminal: reports.Terminal{UTF8: rapid.Bool().Draw(t, "utf8"), Color: rapid.Bool().Draw(t, "color")},
			Subject:  rapid.SampledFrom([]Subject{LoadTest, Serving, Watching}).Draw(t, "subject"),
			Take:     func() Moment { return moments[second] },
			End:      func() {},
		})
		for second = range moments {
			s.look()
		}
		s.width, s.height = rapid.IntRange(1, 300).Draw(t, "width"), rapid.IntRange(1, 100).Draw(t, "height")
		for _, key := range rapid.SliceOfN(rapid.SampledFrom([]string{
			"1", "2", "3", "4", "5", "6", "7", "s", "+", "-", "a", "space", "?", "esc", "down", "end", "x", "n", "q", "/", "p", "enter",
		}), 0, 8).Draw(t, "keys") {
			press(s, key)
		}
		for v := range views {
			s.view = v
			text := s.draw()
			if err := fits(text, s.width, s.height); err != nil {
				t.Fatalf("%v at %dx%d: %v", v, s.width, s.height, err)
			}
		}
		_ = NewLines(reports.Terminal{}).Line(s.moment.At, s.moment.Server)
	})
}
