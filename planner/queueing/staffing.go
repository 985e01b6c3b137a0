package queueing

import "math"

// SquareRoot is the square-root rule: as many servers as the load, and a
// margin times its root above that. [Margin] gives the one for a probability
// of waiting.
func SquareRoot(load, margin float64) (int, error) {
	if err := checkLoad(load); err != nil {
		return 0, err
	}
	if err := checkMargin(margin); err != nil {
		return 0, err
	}
	return int(math.Ceil(load + margin*math.Sqrt(load))), nil
}

// HalfinWhitt is the probability of waiting that a margin leaves when the load
// is large; see [SquareRoot].
func HalfinWhitt(margin float64) (float64, error) {
	if err := checkMargin(margin); err != nil {
		return 0, err
	}
	density := math.Exp(-margin*margin/2) / math.Sqrt(2*math.Pi)
	return 1 / (1 + margin*normal(margin)/density), nil
}

// checkMargin refuses margins that make nobody wait, to a float64, or that no
// queue can do with.
func checkMargin(margin float64) error {
	const most = 40 // beyond 38.5 the probability of waiting is 0
	if !(margin >= 0 && margin <= most) {
		return outside("margin", margin, "0 to 40")
	}
	return nil
}

// Margin is the inverse of [HalfinWhitt]: the margin that leaves a probability
// of waiting.
func Margin(probability float64) (float64, error) {
	if err := checkProbability(probability); err != nil {
		return 0, err
	}
	return margin(probability), nil
}

// margin is [Margin] without its checks. It solves for the logarithms of the
// margin and of the odds against a wait, QΦ(Q)/φ(Q), which are a straight line
// while the margin is small.
func margin(probability float64) float64 {
	const lowest, highest = -100, 4 // of the logarithm
	target := math.Log1p(-probability) - math.Log(probability)
	start := target - math.Log(math.Sqrt(math.Pi/2))
	if start > 0 {
		start = math.Log(2*target) / 2
	}
	return math.Exp(root(lowest, start, highest, func(x float64) (y, slope float64) {
		q := math.Exp(x)
		below := normal(q)
		density := math.Exp(-q*q/2) / math.Sqrt(2*math.Pi)
		y = target - (x + math.Log(below) + q*q/2 + math.Log(2*math.Pi)/2)
		return y, -(1 + q*density/below + q*q)
	}))
}

// normal is the standard normal distribution.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// Servers is the smallest number of servers with which a request has to wait
// with at most a probability, under a load in erlangs.
func Servers(load, probability float64) (int, error) {
	return ServersWithin(load, 1, 0, probability)
}

// ServersWithin is the smallest number of servers with which a request waits
// for longer than a limit with at most a probability: .01 for a limit on the
// 99th percentile of the wait.
func ServersWithin(load, service, limit, probability float64) (int, error) {
	if err := checkLoad(load); err != nil {
		return 0, err
	}
	if err := checkService(service); err != nil {
		return 0, err
	}
	if err := checkTime(limit); err != nil {
		return 0, err
	}
	if err := checkProbability(probability); err != nil {
		return 0, err
	}
	services := limit / service
	// Either margin is enough: one for hardly any to wait at all, the other
	// for all that wait to be served in time.
	spare := min(margin(probability)*math.Sqrt(load), -math.Log(probability)/services)
	stable := int(load) + 1
	guess := max(stable, int(math.Ceil(load+spare)))
	return smallest(stable, guess, func(servers int) bool {
		c := float64(servers)
		return beyond(c, load, services, erlangC(c, load)) <= probability
	}), nil
}

// smallest is the least n from low on that is enough, if all above it are. It
// looks around the guess first.
func smallest(low, guess int, enough func(n int) bool) int {
	tooFew, high, step := low-1, guess, 1
	if enough(guess) {
		for high-step > tooFew && enough(high-step) {
			high -= step
			step *= 2
		}
		tooFew = max(tooFew, high-step)
	} else {
		for tooFew, high = guess, guess+step; !enough(high); tooFew, high = high, high+step {
			step *= 2
		}
	}
	for high-tooFew > 1 {
		if middle := tooFew + (high-tooFew)/2; enough(middle) {
			high = middle
		} else {
			tooFew = middle
		}
	}
	return high
}

// Headroom is the share of the servers that must be idle for a request to have
// to wait with no more than a probability. The fewer they are, the larger: .39
// of 4, and .10 of 64, for a probability of .30.
//
// It solves for the logarithms of the utilisation and of the odds against a
// wait, (1 - ρ)(1/B - 1), with dB/da = B(c/a - 1 + B).
func Headroom(servers int, probability float64) (float64, error) {
	if err := checkServers(servers); err != nil {
		return 0, err
	}
	if err := checkProbability(probability); err != nil {
		return 0, err
	}
	const lowest, highest = -800, 0 // of the logarithm
	c, q := float64(servers), margin(probability)
	target := math.Log1p(-probability) - math.Log(probability)
	start := 2 * math.Log((math.Sqrt(q*q+4*c)-q)/2/math.Sqrt(c)) // of a + Q√a = c
	busy := root(lowest, start, highest, func(x float64) (y, slope float64) {
		idle, inverse := -math.Expm1(x), inverseB(c, c*math.Exp(x))
		y = math.Log(idle*(inverse-1)) - target
		return y, -(1-idle)/idle - c*(idle+(1-idle)/inverse)/(1-1/inverse)
	})
	return -math.Expm1(busy), nil
}
