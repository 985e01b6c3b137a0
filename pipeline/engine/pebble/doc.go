// Package pebble is the embedded engine: one Pebble store that holds queue,
// idempotency keys, history, retries and the account, and so makes each of the
// pipeline's two commits one atomic, synced batch.
//
// Every change goes through one writer. It takes what has come together since
// its last sync was back, builds one batch of it, syncs, publishes the result
// to readers, and answers: one fsync serves any number of requests, batches
// and partitions, and the next begins when the last is back, so the wait is as
// short as the disk allows at every rate.
//
// # What a crash leaves
//
// A batch is in the log whole or not at all. Readers see only what a returned
// sync published, so nothing is sent, and nobody is answered, before it is
// durable. Handing out deliveries is itself a change (the frontier), synced
// before the first of them is sent; so after a crash exactly the records below
// the frontier without a row are in doubt, and no others.
//
// # Ownership
//
// The writer goroutine owns the fields that say so; readers' copies of them
// are published under Store.mu, which also guards the lanes' read positions.
// Store.mu is held for memory work alone, never over a disk access, and no
// other lock is taken under it. The outcomes of load runs, the set of running
// idempotency keys and the room on the disk have a lock each, held alone.
package pebble
