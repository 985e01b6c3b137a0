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
// # Damaged files
//
// Pebble alone cannot tell a log that was cut off from the torn end that a
// crash leaves, and goes on without what is missing. So commits are numbered
// without a gap, and the file "acknowledged" holds the number of the last whose
// callers may have been answered: written after each sync and before the
// answers, 12 bytes in place, without a sync of its own. Opening first reads
// the number in the tables, follows the logs from there, and refuses the store,
// before anything in it is changed, when
//
//   - the commits end before the one that was acknowledged: a log is gone,
//     empty, overwritten, cut off, or has a bit that flipped;
//   - there is a gap, with later commits behind it;
//   - neither half of "acknowledged" can be read, or it is gone and other files
//     are there;
//   - Pebble refuses it: a table that is gone or of another size, a manifest
//     that does not fit, a log whose synced part has a bad checksum.
//
// After a kill this is exact to the byte: the log may end anywhere behind the
// last acknowledged commit, and nowhere before it. After an orderly end no log
// is needed, since closing writes all of it to tables. Two kinds of damage are
// seen later or not at all:
//
//   - The blocks of a table are checked when they are read, not when the store
//     is opened: who reads a damaged one gets an error, and the log says which
//     file it is.
//   - After a power cut, "acknowledged" may be as old as the system's cache was
//     slow to write, tens of seconds. Damage to what was committed since shows
//     only where Pebble sees it: its log carries in each chunk how far it was
//     synced, so damage shows when a later chunk is whole, and a log cut off
//     at its very end does not.
//
// A copy of a directory that was in use is refused when it holds less than was
// acknowledged, as it should be.
//
// # Ownership
//
// The writer goroutine owns the fields that say so; readers' copies of them
// are published under Store.mu, which also guards the lanes' read positions.
// Store.mu is held for memory work alone, never over a disk access, and no
// other lock is taken under it. The history rows in memory, the outcomes of load
// runs, the set of running idempotency keys, the users being erased and the room
// on the disk have a lock each, held alone. The builder goroutine, which writes
// history to tables, owns what the slices of a day hold.
package pebble
