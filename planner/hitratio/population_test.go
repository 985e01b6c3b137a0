package hitratio_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/planner/hitratio"
)

// skews are those that the sums over classes are compared with exact ones at.
var skews = []float64{.5, .8, 1, 1.2, 2} //nolint:gochecknoglobals // a table of tests

// zipf lists the rates of all users, as multiples of the mean.
func zipf(users int, skew float64) []float64 {
	rates, total := make([]float64, users), 0.0
	for i := range rates {
		rates[i] = math.Pow(float64(i+1), -skew)
		total += rates[i]
	}
	for i := range rates {
		rates[i] *= float64(users) / total
	}
	return rates
}

func TestPinnedAgainstTheExactSum(t *testing.T) {
	for _, users := range []int{1, 10, 17, 1000, 1_000_000} {
		for _, skew := range skews {
			population := must(hitratio.NewPopulation(float64(users), skew))(t)
			rates := zipf(users, skew)
			sum := 0.0
			for i, r := range rates {
				sum += r / float64(users)
				if i+1 == users || (i+1)&i == 0 { // powers of two
					if got := must(population.Pinned(float64(i + 1)))(t); math.Abs(got-sum) > 1e-3*sum {
						t.Errorf("%d of %d users at skew %v make %v of the reads, want %v", i+1, users, skew, got, sum)
					}
				}
			}
		}
	}
}

// 20 million of 100 million equal users.
func TestPinnedOfEqualUsers(t *testing.T) {
	population := must(hitratio.NewPopulation(1e8, 0))(t)
	if got := must(population.Pinned(2e7))(t); got != .2 {
		t.Errorf("%v, want .2", got)
	}
}

func TestPinnedProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := math.Exp(rapid.Float64Range(0, 30).Draw(t, "log users"))
		skew := rapid.Float64Range(0, 3).Draw(t, "skew")
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		population, err := hitratio.NewPopulation(users, skew)
		check(t, err)
		entries := population.Users() * share
		pinned, err := population.Pinned(entries)
		check(t, err)
		more, err := population.Pinned(entries * 1.1)
		check(t, err)
		const rounding = 1e-9
		if !(pinned >= 0 && pinned <= 1) || more < pinned-rounding {
			t.Fatalf("%v, with more entries %v", pinned, more)
		}
		if pinned < share-rounding {
			t.Fatalf("the most active %v make %v of the reads", share, pinned)
		}
		steeper, err := hitratio.NewPopulation(users, skew+.2)
		check(t, err)
		if got, err := steeper.Pinned(entries); err != nil || got < pinned-1e-4 {
			t.Fatalf("with more skew %v (%v), less than %v", got, err, pinned)
		}
	})
}

func TestPopulationRefuses(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), -1, 0, .4} {
		if _, err := hitratio.NewPopulation(bad, 1); err == nil {
			t.Errorf("%v users are accepted", bad)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), -1, 4.1} {
		if _, err := hitratio.NewPopulation(1, bad); err == nil {
			t.Errorf("a skew of %v is accepted", bad)
		}
	}
	population := must(hitratio.NewPopulation(100, 1))(t)
	for _, bad := range []float64{math.NaN(), -1} {
		if _, err := population.Pinned(bad); err == nil {
			t.Errorf("%v entries are accepted", bad)
		}
	}
}

func BenchmarkNewPopulation(b *testing.B) {
	for name, users := range map[string]float64{"1M": 1e6, "100M": 1e8, "1G": 1e9} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := hitratio.NewPopulation(users, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
