// Package redis keeps in Redis, or in a Redis Cluster, what the processes of a
// fleet share and may lose at a price: idempotency keys, the counters of daily
// limits, cached preferences, and the bus that tells of their changes.
//
// What each costs when Redis is away differs. Idempotency keys fail closed: a
// request with a key is refused, since it might be the second. Limits fail open,
// caches are passed over, and the bus tells its listeners that they missed
// something as soon as it hears again. Every call ends within about two seconds.
//
// Redis replicates asynchronously: a primary that dies may take the last keys
// that it acknowledged with it, and what they protect may then be sent twice.
// Nothing that was accepted is lost by it.
//
// Names of entries, where braces enclose what a cluster places an entry by:
//
//	idem:{HASH}                          an idempotency key
//	rate:user:{USER}:CHANNEL:YYYY-MM-DD  what a user got on a day
//	prefs:{USER}:CHANNEL                 a cached preference, or its tombstone
package redis
