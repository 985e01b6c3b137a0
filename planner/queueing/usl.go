package queueing

import (
	"fmt"
	"math"
)

// A USL is a system under the Universal Scalability Law: N servers carry
//
//	X(N) = λN / (1 + σ(N - 1) + κN(N - 1))
//
// where λ is what one carries, σ the share of the work that they must do one
// after the other (contention), and κ what each pair costs to be kept
// consistent (coherency).
type USL struct{ lambda, sigma, kappa float64 }

// NewUSL is the law with the given coefficients: λ above 0, σ and κ from 0, and
// less than 1 together, or the peak would be at less than one server.
func NewUSL(lambda, sigma, kappa float64) (USL, error) {
	if !(lambda > 0 && lambda <= maxRate) {
		return USL{}, outside("throughput of one server (lambda)", lambda, "above 0, to 1e18")
	}
	if !(sigma >= 0 && sigma < 1) {
		return USL{}, outside("contention (sigma)", sigma, "0 to below 1")
	}
	if !(kappa >= 0 && sigma+kappa < 1) {
		return USL{}, outside("coherency (kappa)", kappa, "0 to below 1 - sigma")
	}
	return USL{lambda, sigma, kappa}, nil
}

// Lambda is the throughput of one server.
func (u USL) Lambda() float64 { return u.lambda }

// Sigma is the contention.
func (u USL) Sigma() float64 { return u.sigma }

// Kappa is the coherency.
func (u USL) Kappa() float64 { return u.kappa }

// Throughput is what a number of servers carry.
func (u USL) Throughput(servers float64) (float64, error) {
	if !(servers >= 0 && servers <= maxServers) {
		return 0, outside("number of servers", servers, "0 to 2e9")
	}
	return u.lambda * relative(servers, u.sigma, u.kappa), nil
}

// relative is how many times the throughput of one server n have.
func relative(n, sigma, kappa float64) float64 {
	return n / (1 + sigma*(n-1) + kappa*n*(n-1))
}

// Peak is the last whole number of servers before the curve's highest point,
// √((1-σ)/κ), and what that number carries: more servers carry less, but for a
// hair that one more can add. It is false where the throughput never falls: κ
// is 0, or so small that the peak is beyond 2e9 servers.
func (u USL) Peak() (servers int, throughput float64, ok bool) {
	n := math.Floor(u.top())
	if n > maxServers {
		return 0, 0, false
	}
	return int(n), u.lambda * relative(n, u.sigma, u.kappa), true
}

// top is where the curve is highest, +Inf if nowhere.
func (u USL) top() float64 { return math.Sqrt((1 - u.sigma) / u.kappa) }

// Size is the inverse of Throughput: the number of servers, not rounded, that
// carries a throughput; of the two there mostly are, the smaller. It is the
// root of κN² + (σ - κ - λ/X)N + (1 - σ) = 0. A throughput that no number of
// servers carries is an error.
func (u USL) Size(throughput float64) (float64, error) {
	if !(throughput >= 0 && throughput <= maxRate) {
		return 0, outside("throughput", throughput, "0 to 1e18")
	}
	if throughput == 0 {
		return 0, nil
	}
	if throughput > u.most() {
		return 0, u.beyondReach(throughput)
	}
	slope := u.lambda/throughput - u.sigma + u.kappa
	square := max(slope*slope-4*u.kappa*(1-u.sigma), 0) // at the peak it is 0, or a hair beside it
	// The root's form without a difference of what may be nearly equal.
	return min(2*(1-u.sigma)/(slope+math.Sqrt(square)), maxServers), nil
}

// most is what the curve reaches, at a number of servers that need not be
// whole.
func (u USL) most() float64 {
	return u.lambda * relative(min(u.top(), maxServers), u.sigma, u.kappa)
}

// Servers is the smallest whole number of servers that carries a throughput.
func (u USL) Servers(throughput float64) (int, error) {
	size, err := u.Size(throughput)
	if err != nil {
		return 0, err
	}
	// The next whole number may lie past the peak, and carry less.
	for n := max(1, math.Floor(size)); n <= size+1; n++ {
		if u.lambda*relative(n, u.sigma, u.kappa) >= throughput {
			return int(n), nil
		}
	}
	return 0, u.beyondReach(throughput)
}

// beyondReach is the error for more than the servers carry at any number.
func (u USL) beyondReach(throughput float64) error {
	if n, most, ok := u.Peak(); ok {
		return fmt.Errorf("queueing: a throughput of %v; accepted is at most %v, what %d servers carry: more of them carry less",
			throughput, most, n)
	}
	return fmt.Errorf("queueing: a throughput of %v; accepted is at most %v, what 2e9 servers carry", throughput, u.most())
}
