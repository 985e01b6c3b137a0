package queueing

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// ErlangB is the share of a load in erlangs that is refused by servers in
// front of which nothing can wait.
func ErlangB(servers int, load float64) (float64, error) {
	if err := checkServers(servers); err != nil {
		return 0, err
	}
	if err := checkLoad(load); err != nil {
		return 0, err
	}
	return 1 / inverseB(float64(servers), load), nil
}

// ErlangC is the probability that a request has to wait for one of the
// servers, P(W > 0), under a load in erlangs: 1 where the load takes all of
// them or more.
func ErlangC(servers int, load float64) (float64, error) {
	if err := checkServers(servers); err != nil {
		return 0, err
	}
	if err := checkLoad(load); err != nil {
		return 0, err
	}
	return erlangC(float64(servers), load), nil
}

// erlangC is [ErlangC] without its checks: 1/C = (1 - ρ)/B + ρ.
func erlangC(servers, load float64) float64 {
	if load >= servers {
		return 1
	}
	busy := load / servers
	return 1 / ((1-busy)*inverseB(servers, load) + busy)
}

// closedForm is from how many servers on [inverseB] takes the closed form:
// there its terms cost more than the incomplete gamma function, and the
// latter's expansion is exact to nine digits.
const closedForm = 400

// inverseB is 1/B, at least 1, and +Inf where B is too small for a float64.
func inverseB(servers, load float64) float64 {
	if servers >= closedForm && servers >= load {
		return mathext.GammaIncRegComp(servers+1, load) / poisson(servers, load)
	}
	const negligible = 1e-17
	sum, term, each := 1.0, 1.0, 1/load
	for k := servers; k >= 1 && term > sum*negligible; k-- { // ends at +Inf, too
		term *= k * each
		sum += term
	}
	return sum
}

// poisson is the probability of n events where mean are expected, for a large
// n: the exponent is built from the distance of the two, since those of its
// factors are millions that cancel.
func poisson(n, mean float64) float64 {
	apart := (mean - n) / n
	stirling := 1/(12*n) - 1/(360*n*n*n)
	return math.Exp(-n*(apart-math.Log1p(apart))-stirling) / math.Sqrt(2*math.Pi*n)
}
