package queueing

import "math"

// tolerance is how far a metric may be off its target before Kubernetes acts:
// --horizontal-pod-autoscaler-tolerance, as it comes.
const tolerance = 0.1

// Replicas is what the Kubernetes horizontal pod autoscaler sets where each of
// the current replicas shows a metric on average that should be at its target:
// ceil(current * metric/target), and the current number while the metric is
// within 10 % of its target.
func Replicas(current int, metric, target float64) (int, error) {
	if current < 1 || current > maxServers {
		return 0, outside("number of replicas", current, "1 to 2e9")
	}
	if !(metric >= 0 && metric <= maxRate) {
		return 0, outside("metric", metric, "0 to 1e18")
	}
	if !(target > 0 && target <= maxRate) {
		return 0, outside("target", target, "above 0, to 1e18")
	}
	if ratio := metric / target; ratio >= 1-tolerance && ratio <= 1+tolerance {
		return current, nil
	}
	return whole(float64(current) * metric / target)
}

// LagReplicas is what KEDA's Kafka scaler asks for where consumers of a number
// of partitions lag by a number of messages, and each may lag by a threshold:
// ceil(lag/threshold), and never more than one for each partition.
func LagReplicas(lag, threshold float64, partitions int) (int, error) {
	if !(lag >= 0 && lag <= maxRate) {
		return 0, outside("lag", lag, "0 to 1e18")
	}
	if !(threshold > 0 && threshold <= maxRate) {
		return 0, outside("lag threshold", threshold, "above 0, to 1e18")
	}
	if partitions < 1 || partitions > maxServers {
		return 0, outside("number of partitions", partitions, "1 to 2e9")
	}
	return whole(min(lag/threshold, float64(partitions)))
}

// whole rounds a number of replicas up.
func whole(replicas float64) (int, error) {
	if replicas > maxServers {
		return 0, outside("number of replicas that follows", replicas, "at most 2e9")
	}
	return int(math.Ceil(replicas)), nil
}
