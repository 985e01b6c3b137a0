// Package queueing answers how many servers a load needs, and how long it
// waits for them.
//
// # Waiting
//
// Requests that arrive at rate λ and are served in s on average offer a load
// of a = λs, counted in erlangs: the servers busy on average. For Poisson
// arrivals, exponential service times and c servers (M/M/c; Erlang, "Solution
// of some problems in the theory of probabilities of significance in automatic
// telephone exchanges", 1917):
//
//	B = (a^c/c!) / Σ a^k/k!, k = 0..c       refused where nothing can wait
//	C = B / (1 - ρ(1 - B)), ρ = a/c         has to wait where anything can
//	E(W) = C s/(c - a)                      mean wait
//	P(W > t) = C exp(-(c - a)t/s)
//
// B is computed from its reciprocal, 1/B = 1 + (c/a)(1 + ((c-1)/a)(1 + ...)),
// whose terms are all positive: nothing cancels, and a sum that overflows is a
// probability of zero. The sum is cut where it no longer changes, after some
// eight √a terms beyond its largest. From 400 servers on, B is the
// Poisson probability of c over the cumulative one, which costs the same for
// any c: the first by Loader's saddle-point form ("Fast and accurate
// computation of binomial probabilities", 2000), the second an incomplete gamma
// function by Temme's uniform expansion.
//
// # Staffing
//
// With c = a + Q√a servers the probability of a wait settles, as a grows, on
// 1/(1 + QΦ(Q)/φ(Q)), where Φ and φ are the normal distribution and its
// density (Halfin and Whitt, "Heavy-traffic limits for queues with many
// exponential servers", 1981). [SquareRoot] staffs by that rule; [Servers] and
// [ServersWithin] are exact, and start their search there.
//
// # Scaling
//
// [USL] is Gunther's Universal Scalability Law ("Guerrilla Capacity Planning",
// 2007): what N servers carry that wait for each other and keep each other
// consistent. [Replicas] and [LagReplicas] are the decisions of the Kubernetes
// horizontal pod autoscaler and of KEDA's Kafka scaler.
//
// # Domain
//
// No function returns NaN or an infinity. Probabilities are defined under any
// load: a queue without enough servers lets everybody wait, C = 1. Its waiting
// time is not defined, and [NewQueue] gives [ErrUnstable]. Any other argument
// out of its domain is an error that states the domain. Times are in the unit
// of the service time, mostly seconds, and rates are per that unit.
package queueing
