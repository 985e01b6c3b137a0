package queueing_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/queueing"
)

// 50,000 requests a second of 5 ms.
func TestSquareRoot(t *testing.T) {
	for margin, want := range map[float64]int{2.375: 288, 1.761: 278, 1.16: 269, 1: 266} {
		if got := must2(t, queueing.SquareRoot, 50_000*.005, margin); got != want {
			t.Errorf("with a margin of %v %d servers, want %d", margin, got, want)
		}
	}
}

// 1 and 50 % of waits are from the paper's table of the function.
func TestHalfinWhitt(t *testing.T) {
	for _, tt := range []struct{ margin, probability float64 }{
		{2.375, .01}, {1.761, .0476}, {1, .223361}, {.506, .5}, {0, 1},
	} {
		got, err := queueing.HalfinWhitt(tt.margin)
		if err != nil || math.Abs(got-tt.probability) > 5e-4 {
			t.Errorf("a margin of %v leaves %v (%v), want %v", tt.margin, got, err, tt.probability)
		}
	}
}

func TestMarginIsTheInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		margin := rapid.OneOf(rapid.Float64Range(1e-6, 3), rapid.Float64Range(3, 37)).Draw(t, "margin")
		probability, err := queueing.HalfinWhitt(margin)
		check(t, err)
		back, err := queueing.Margin(probability)
		check(t, err)
		if !near(back, margin, 1e-8) {
			t.Fatalf("%v leaves %v, for which the margin is %v", margin, probability, back)
		}
	})
}

func TestHeadroom(t *testing.T) {
	for servers, want := range map[int]float64{1: .7000, 4: .3900, 16: .2022, 64: .1025} {
		got, err := queueing.Headroom(servers, .30)
		if err != nil || math.Abs(got-want) > 5e-5 {
			t.Errorf("of %d servers %.4f (%v), want %.4f", servers, got, err, want)
		}
	}
}

func TestHeadroomIsTheInverseOfErlangC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		servers := rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(1, 2_000_000)).Draw(t, "servers")
		probability := rapid.Float64Range(1e-4, .999).Draw(t, "probability")
		headroom, err := queueing.Headroom(servers, probability)
		check(t, err)
		back, err := queueing.ErlangC(servers, float64(servers)*(1-headroom))
		check(t, err)
		if !near(back, probability, 1e-6) {
			t.Fatalf("%d servers with a headroom of %v let %v wait, not %v", servers, headroom, back, probability)
		}
		more, err := queueing.Headroom(servers+1, probability)
		check(t, err)
		if more > headroom*(1+1e-9) {
			t.Fatalf("%d servers need %v of headroom, one more %v", servers, headroom, more)
		}
	})
}

func TestServersMeetTheTargetAndNoFewerDo(t *testing.T) {
	loads := rapid.OneOf(rapid.Float64Range(0, 50), rapid.Float64Range(0, 5000), rapid.Float64Range(0, 2e6))
	rapid.Check(t, func(t *rapid.T) {
		load := loads.Draw(t, "load")
		service := rapid.Float64Range(1e-3, 10).Draw(t, "service")
		limit := service * rapid.SampledFrom([]float64{0, 1e-3, .1, 1, 20}).Draw(t, "limit in service times")
		probability := rapid.OneOf(rapid.Float64Range(1e-9, .01), rapid.Float64Range(.01, .99)).Draw(t, "probability")
		servers, err := queueing.ServersWithin(load, service, limit, probability)
		check(t, err)
		beyond := func(servers int) float64 {
			q, err := queueing.NewQueue(servers, load/service, service)
			check(t, err)
			beyond, err := q.WaitsBeyond(limit)
			check(t, err)
			return beyond
		}
		const rounding = 1e-9
		if got := beyond(servers); got > probability*(1+rounding) {
			t.Fatalf("with %d servers %v wait beyond the limit, more than %v", servers, got, probability)
		}
		if fewer := servers - 1; float64(fewer) > load*(1+rounding) && fewer > 0 {
			if got := beyond(fewer); got <= probability*(1-rounding) {
				t.Fatalf("%d servers, where %d let only %v of %v wait beyond the limit", servers, fewer, got, probability)
			}
		}
	})
}

func TestServers(t *testing.T) {
	for _, tt := range []struct {
		load, probability float64
		want              int
	}{
		{10, .1741319337, 14},
		{10, .1741319335, 15},
		{8, .41, 10},
		{250, .01, 289}, // one more than by the square-root rule
		{0, .5, 1},
	} {
		if got := must2(t, queueing.Servers, tt.load, tt.probability); got != tt.want {
			t.Errorf("for a load of %v and %v %d servers, want %d", tt.load, tt.probability, got, tt.want)
		}
	}
}

// Nothing lets NaN or an infinity in, and so none out.
func TestStaffingRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, call := range map[string]func(bad float64) error{
		"B":           func(bad float64) error { _, err := queueing.ErlangB(1, bad); return err },
		"C":           func(bad float64) error { _, err := queueing.ErlangC(1, bad); return err },
		"square root": func(bad float64) error { _, err := queueing.SquareRoot(bad, 1); return err },
		"margin":      func(bad float64) error { _, err := queueing.SquareRoot(1, bad); return err },
		"HalfinWhitt": func(bad float64) error { _, err := queueing.HalfinWhitt(bad); return err },
		"Margin":      func(bad float64) error { _, err := queueing.Margin(bad); return err },
		"Headroom":    func(bad float64) error { _, err := queueing.Headroom(1, bad); return err },
		"load":        func(bad float64) error { _, err := queueing.ServersWithin(bad, 1, 0, .1); return err },
		"service":     func(bad float64) error { _, err := queueing.ServersWithin(1, bad, 0, .1); return err },
		"limit":       func(bad float64) error { _, err := queueing.ServersWithin(1, 1, bad, .1); return err },
		"probability": func(bad float64) error { _, err := queueing.ServersWithin(1, 1, 0, bad); return err },
		"percentile": func(bad float64) error {
			q, err := queueing.NewQueue(2, 1, 1)
			if err != nil {
				return nil
			}
			_, err = q.WaitPercentile(bad)
			return err
		},
		"wait": func(bad float64) error {
			q, err := queueing.NewQueue(2, 1, 1)
			if err != nil {
				return nil
			}
			_, err = q.WaitsBeyond(bad)
			return err
		},
	} {
		for _, bad := range []float64{nan, inf, -1} {
			if call(bad) == nil {
				t.Errorf("%s accepts %v", name, bad)
			}
		}
	}
	for _, servers := range []int{0, -1} {
		if _, err := queueing.ErlangB(servers, 1); err == nil {
			t.Errorf("B accepts %d servers", servers)
		}
		if _, err := queueing.ErlangC(servers, 1); err == nil {
			t.Errorf("C accepts %d servers", servers)
		}
		if _, err := queueing.Headroom(servers, .3); err == nil {
			t.Errorf("the headroom accepts %d servers", servers)
		}
	}
}

func BenchmarkServers(b *testing.B) {
	for name, load := range map[string]float64{"10": 10, "250": 250, "10K": 1e4, "1M": 1e6} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := queueing.Servers(load, .05); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkServersWithin(b *testing.B) {
	for name, load := range map[string]float64{"10": 10, "250": 250, "10K": 1e4, "1M": 1e6} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := queueing.ServersWithin(load, .1, .02, .01); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMargin(b *testing.B) {
	for b.Loop() {
		if _, err := queueing.Margin(.05); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeadroom(b *testing.B) {
	for name, servers := range map[string]int{"4": 4, "64": 64, "1K": 1000, "1M": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := queueing.Headroom(servers, .3); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
