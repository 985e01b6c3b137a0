package hitratio

import "fmt"

// mostUsers is more than there are, and as many as a float64 counts.
const mostUsers = 1e15

// outside is the error for an argument out of its domain.
func outside(what string, found any, accepted string) error {
	return fmt.Errorf("hitratio: the %s is %v; accepted is %s", what, found, accepted)
}

// checkRate refuses rates that cannot be.
func checkRate(rate float64) error {
	const most = 1e15
	if !(rate >= 0 && rate <= most) {
		return outside("rate of reads", rate, "0 to 1e15")
	}
	return nil
}

// checkTTL refuses times that cannot be.
func checkTTL(ttl float64) error {
	if !(ttl >= 0) {
		return outside("time to live", ttl, "0 or more")
	}
	return nil
}

// checkBurst refuses bursts of less than a read.
func checkBurst(burst float64) error {
	const most = 1e15
	if !(burst >= 1 && burst <= most) {
		return outside("number of reads in a burst", burst, "1 to 1e15")
	}
	return nil
}

// checkEntries refuses capacities that cannot be.
func checkEntries(entries float64) error {
	if !(entries >= 0) {
		return outside("number of entries", entries, "0 or more")
	}
	return nil
}
