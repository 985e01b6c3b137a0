package hitratio

import "math"

// TTL is the share of the reads of one entry that hit, when it is read at a
// rate in bursts (1 for single reads) and kept for a time to live from its
// fill. Rate and time have the same unit: reads a second, and seconds.
//
// It rises with each of the three.
func TTL(rate, burst, ttl float64) (float64, error) {
	if err := checkRate(rate); err != nil {
		return 0, err
	}
	if err := checkBurst(burst); err != nil {
		return 0, err
	}
	if err := checkTTL(ttl); err != nil {
		return 0, err
	}
	hits := burst - 1
	if rate > 0 { // or 0 * Inf
		hits += rate * ttl
	}
	return share(hits), nil
}

// TTLFor is the inverse of [TTL]: the shortest time to live with which a share
// of the reads hits, 0 where bursts alone make it.
func TTLFor(ratio, rate, burst float64) (float64, error) {
	if !(ratio >= 0 && ratio < 1) {
		return 0, outside("hit ratio", ratio, "0 to below 1")
	}
	const least = 1e-15 // a read in 30 million years
	if err := checkRate(rate); err != nil {
		return 0, err
	}
	if rate < least {
		return 0, outside("rate of reads", rate, "at least 1e-15: what is never read never hits")
	}
	if err := checkBurst(burst); err != nil {
		return 0, err
	}
	return max(0, (ratio/(1-ratio)-(burst-1))/rate), nil
}

// share is the hit ratio where so many hits follow each miss.
func share(hits float64) float64 {
	if math.IsInf(hits, 1) {
		return 1
	}
	return hits / (1 + hits)
}
