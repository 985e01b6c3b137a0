// Package hitratio answers which share of its reads a cache can serve.
//
// Reads of an entry are a Poisson process of rate λ, independent of those of
// others (the independent reference model).
//
// # Time to live
//
// An entry that is kept for T from the moment it was filled, and not longer for
// being read, serves the λT reads that follow the one that filled it:
//
//	h = λT/(1 + λT)
//
// Where reads come in bursts of b at one moment, all but the first of a burst
// hit, and the first finds what bursts at rate λ/b leave:
//
//	((b - 1) + h(λ/b))/b = (b - 1 + λT)/(b + λT)
//
// # Capacity
//
// Under Che's approximation (Che, Tung and Wang, "Hierarchical Web caching
// systems: modeling, design and experimental results", 2002; why it is so
// close: Fricker, Robert and Roberts, 2012) a cache of C entries that evicts
// the least recently used one keeps each for a characteristic time T after its
// last read, the same for all. What is read within T of its last read hits, and
// as many entries as the cache has room for were read within T:
//
//	h = Σ p_i (1 - exp(-λ_i T)), with T from Σ (1 - exp(-λ_i T)) = C
//
// With both bounds an entry ends at its time to live D, or earlier at the first
// pause of T in its reads. Until the shorter of the two it is there for certain;
// between T and D it goes at a nearly constant rate, taken to be the one with
// which it would live as long as it does without D. With x = λT, y = λD and
// m = exp(x) - 1 - x, one fill is followed by
//
//	M = x + m(1 - exp(-(y - x)/m)) hits, and h = M/(1 + M)
//
// which is the first formula at D = T and the second without D. T follows
// from C as before; where all that is alive at any time fits, C is no bound.
//
// # Popularity
//
// A [Population] has users whose reads follow Zipf's law: the user of rank k
// makes a share of them proportional to 1/k^s. Its sums run over the first
// ranks one by one, and over the rest as an integral over the logarithm of the
// rank (from half a rank below the first, by the midpoint form of Euler and
// Maclaurin), with two Gauss points a bin. A hundred terms then stand for any
// number of users, within 0.1 % of the sum over all.
//
// # Domain
//
// No function returns NaN or an infinity. A time to live and a capacity may be
// math.Inf(1), which is no bound; any other argument out of its domain is an
// error that states the domain. The ratios are those of a cache that has been
// running for long: the reads that fill it at first are not counted.
package hitratio
