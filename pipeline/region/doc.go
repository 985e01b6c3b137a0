// Package region balances requests: globally over regions, and in each region
// over its gateways. In one process the gateways are called and not connected
// to, but they are chosen, limited, drained, lost and replaced as if they were
// apart.
//
// A region gets its share by weight, in a sequence that is as even as can be. In
// a region the less busy of two gateways drawn at random takes the request
// (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
// One that takes no more, or is gone, is passed over, for another region's if
// need be.
//
// A request is given to a second gateway only when that is safe: the first never
// began with it, or refused it with 503 before it read the body, or was lost
// before it answered and the request may be repeated by what it is (RFC 9110,
// section 9.2.2) or by its Idempotency-Key. What was lost with its gateway and
// may not be repeated is answered as ambiguous, since it may have been done.
//
// Who a request went to is decided without a lock: the balancer keeps a view of
// the gateways that are fit, and makes a new one whenever that changes.
package region
