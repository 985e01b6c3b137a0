// Package kafka queues notifications in Apache Kafka: a durable log of entries,
// and leases on its partitions for who sends them.
//
// # Topics
//
// Each of the nine queues is a topic, and each channel has a topic for every
// delay of a retry. A user's notifications lie in one partition of each, in
// order. There is a consumer group a channel, over all of its topics.
//
// # Writing
//
// The producer gathers what comes together, writes it as an idempotent producer
// does, grouped by the partitions' leaders, and says of each record whether it is
// durable, was not written, or may be.
//
// # Where a partition stands
//
// All that is known of a partition is in the group's commit: its offset is the
// mark, below which all records have left, and its metadata says what left ahead
// of it, how all of them left, and the frontier, to where records may have been
// handed out. It moves as a whole. So
//
//   - whoever takes a partition over goes on exactly where its commit says: what
//     left is not handed out again and counted once, and what lies below the
//     frontier and has not left is in doubt;
//   - any process can sum up the account, from the commits and the logs' ends;
//   - a commit of a generation that is over is refused by Kafka, so that who lost
//     a partition changes nothing of it any more.
//
// Nothing is handed out above the frontier of an acknowledged commit. It leads
// what is handed out by 2 s and by 1,000 records at least, so handing out rarely
// waits for it. A lease that ends in order draws it back, so that nothing is in
// doubt that was not sent.
//
// # A record's way out
//
// An exit that ends a record counts it and takes it out of the window; one that
// waits is first made durable in a delay topic. Then the change is committed, and
// only then the exit returns. Between the two copies of a retry a crash leaves
// both, of which the rows tell the second. Delay topics are read in order, since
// all of a topic wait equally long.
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
//   - the fetcher sends the requests of the leaders, one at a time each, and owns
//     what it knows of them; each request has a goroutine that brings records in;
//   - one lets retries come due, and while there are some that must wait longer,
//     one queues these again;
//   - one commits what has changed, one commit at a time;
//   - one deletes what left long ago.
//
// All state of a lease's partitions, queues and deliveries is guarded by its mu,
// which is held for memory work alone, never over a request. groups.mu guards who
// has which membership and lease, surveys.mu which survey is shared. No two of
// them are held together.
package kafka
