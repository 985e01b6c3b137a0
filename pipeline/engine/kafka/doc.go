// Package kafka keeps the pipeline's queues in a Kafka cluster.
//
// # Topics
//
// Each of the nine queues is a topic, notify.<channel>.<priority>, and each
// channel has a topic for each delay after which a retry may come back, such as
// notify.email.retry.5s. A record's partition follows from the hash of the user
// that its id holds, so that one user's notifications of a queue stay in order.
// The topics delete nothing by age or size: what was settled is deleted by
// whoever settled it.
//
// # Appending
//
// The producer is this package's own, upon kafka-go's transport. Per partition
// one batch is under way, which carries a producer id and a sequence and is
// repeated unchanged until its end is known: brokers know it again, so it lands
// once whatever became of connections, answers and leaders. What came together
// meanwhile is the next batch, and one request carries those of all partitions
// that a broker leads, so a request costs the same for one caller and for many.
//
// An append that cannot be ended in time says which of two things holds. Nothing
// was written: each try failed before a broker had it (no connection, a refusal
// that brokers give before they append), and none will be. Or it may be written:
// the same records are then written again by whoever owns the request, to be
// checked by their ids before they are sent. Where the producer itself must
// begin anew, since a broker does not know its id any more, it marks the copies
// likewise.
//
// # Where a partition stands
//
// All that is known of a partition is in the commit of its channel's group: the
// offset is the mark, below which all records have left, and the metadata says
// what left ahead of it, how all of them left, and the frontier, to where records
// may have been handed out. It moves as a whole. So
//
//   - whoever takes a partition over goes on exactly where its commit says: what
//     left is counted once and not handed out again, and what lies below the
//     frontier and has not left is in doubt;
//   - any process can sum up the account, from the commits and the logs' ends;
//   - a commit of a generation that is over is refused by Kafka, so that who lost
//     a partition changes nothing of it any more.
//
// Kafka forgets the commits of a group that nobody has been in for a week. What
// lies in a partition without one may have left, so it is handed out to be looked
// up first; and the commits say how far that goes, until all of it has left.
//
// Nothing is handed out above the frontier of an acknowledged commit. It leads
// what is handed out by 2 s and by 1,000 records at least, so that handing out
// rarely waits for it. A lease that ends in order draws it back, so that nothing
// is in doubt that was not sent.
//
// # A record's way out
//
// An exit that ends a record counts it and takes it out of the window; one that
// waits is first made durable in a delay topic. Then the change is committed, and
// only then the exit returns. A crash between the two copies of a retry leaves
// both, and the history tells which of them is to go on. Delay topics are read in
// order, since all records of one wait equally long.
//
// # Leases and generations
//
// A lease is one generation of the channel's group. When Kafka begins another,
// the lease ends: it hands out nothing more, and its owner settles what was sent
// and closes it, or it is over when the time to drain has passed. Then the group
// joins the next generation. When the owner closes a lease that has not ended,
// the process leaves the group.
//
// # Goroutines and ownership
//
// Of a membership (group.go), one goroutine takes generations, and one a
// generation reads the commits, makes the lease, and holds the generation open
// until the lease is over. Of a lease,
//
//   - the fetcher looks who leads partitions, and has a reader for each leader,
//     which sends requests, one at a time, and brings records in;
//   - one lets retries come due; while some must wait longer, another queues
//     these again;
//   - one commits what has changed, one commit at a time;
//   - one deletes what left long ago.
//
// All state of a lease's partitions, queues and deliveries is guarded by its mu,
// which is held for memory work alone, never over a request. groups.mu guards who
// has which membership and lease, surveys.mu which survey is shared, and the
// producer's mu all that it has under way. No two of them are held together.
package kafka
