package queueing

import "fmt"

// What the package computes with. A billion servers is beyond any system, and
// within these bounds no result overflows.
const (
	maxLoad    = 1e9  // erlangs
	maxServers = 2e9  // fits an int of 32 bits
	maxTime    = 1e12 // of a service, 30,000 years in seconds
	maxRate    = 1e18
)

// outside is the error for an argument out of its domain.
func outside(what string, found any, accepted string) error {
	return fmt.Errorf("queueing: the %s is %v; accepted is %s", what, found, accepted)
}

// checkServers refuses numbers of servers that no system has.
func checkServers(servers int) error {
	if servers < 1 || servers > maxServers {
		return outside("number of servers", servers, "1 to 2e9")
	}
	return nil
}

// checkLoad refuses offered loads that no system has.
func checkLoad(load float64) error {
	if !(load >= 0 && load <= maxLoad) {
		return outside("offered load", load, "0 to 1e9 erlangs")
	}
	return nil
}

// checkService refuses service times that no system has.
func checkService(service float64) error {
	if !(service > 0 && service <= maxTime) {
		return outside("service time", service, "above 0, to 1e12")
	}
	return nil
}

// checkTime refuses waits that cannot be.
func checkTime(wait float64) error {
	if !(wait >= 0 && wait <= maxTime) {
		return outside("wait", wait, "0 to 1e12")
	}
	return nil
}

// checkProbability refuses targets that no number of servers meets, or any.
func checkProbability(probability float64) error {
	if !(probability > 0 && probability < 1) {
		return outside("probability", probability, "between 0 and 1")
	}
	return nil
}
