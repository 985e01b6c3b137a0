package load

import (
	"math"
	"math/rand/v2"
)

// zipf draws ranks from 1 to n, rank k with a probability in proportion to
// 1 / k^s, for any s > 0, in constant time and memory: by rejection-inversion
// (W. Hörmann, G. Derflinger, "Rejection-inversion to generate variates from
// monotone discrete distributions", ACM TOMACS 6(3), 1996). The standard
// library's Zipf needs s > 1, which leaves out the skews that are met.
//
// Ranks are drawn by inverting the area H under h(x) = x^-s between 1/2 and
// n + 1/2, and rounded; what the rounding makes too likely is rejected.
type zipf struct {
	n       uint64
	s       float64
	low     float64 // H(3/2) - h(1): where the area of rank 1 begins
	high    float64 // H(n + 1/2)
	squeeze float64 // a rank this near to its draw needs no test
}

func newZipf(n uint64, s float64) *zipf {
	z := &zipf{n: n, s: s}
	z.low = z.area(1.5) - 1
	z.high = z.area(float64(n) + 0.5)
	z.squeeze = 2 - z.inverse(z.area(2.5)-z.height(2))
	return z
}

// height is h(x) = x^-s.
func (z *zipf) height(x float64) float64 { return math.Exp(-z.s * math.Log(x)) }

// area is H(x) = (x^(1-s) - 1) / (1 - s), which is ln x at s = 1; written so
// that it loses no digits near there.
func (z *zipf) area(x float64) float64 {
	log := math.Log(x)
	if t := (1 - z.s) * log; t != 0 {
		return math.Expm1(t) / t * log
	}
	return log
}

// inverse of area.
func (z *zipf) inverse(y float64) float64 {
	t := math.Max((1-z.s)*y, -1) // below -1 is rounding
	if t == 0 {
		return math.Exp(y)
	}
	return math.Exp(math.Log1p(t) / t * y)
}

// draw gives a rank from 1 to n.
func (z *zipf) draw(r *rand.Rand) uint64 {
	for {
		u := z.high + r.Float64()*(z.low-z.high)
		x := z.inverse(u)
		k := math.Min(math.Max(math.Floor(x+0.5), 1), float64(z.n))
		if k-x <= z.squeeze || u >= z.area(k+0.5)-z.height(k) {
			return uint64(k)
		}
	}
}
