// Package postgres keeps the preferences in PostgreSQL 13 or newer: one
// database, or one schema, a shard.
//
// # Hosts
//
// A shard's address may name several hosts: a primary and its replicas. Which is
// which is asked every second, and again when something fails, so that a promoted
// replica takes over without a restart. Of two hosts that both take writes, the
// one on the later timeline is the primary, and never again one on an earlier;
// two on the same are refused. Each timeline's branch of the write-ahead log has
// a random name, its lineage, which is kept in the database: nothing is read from
// or written to a host that has another.
//
// # Reads
//
// A replica is read only when it has replayed as much as the primary had written
// once the read began: the primary is asked for its position, one question for
// all reads that wait for it, and the replica is asked for its own in the same
// round trip as for the rows, before them. A replica that is behind or away costs
// nothing but time: the primary is read. While the primary is away, replicas
// answer that have replayed all that this process knows of, so that a reader may
// miss what other processes wrote last.
//
// # Writes
//
// A write is durable on the primary's disk when it returns, whatever the server's
// default for synchronous_commit. Unless synchronous_standby_names names a
// standby, a failover can lose what was answered just before it, an opt-out too:
// opening warns of that. While there is no primary, writes fail within seconds.
//
// # Processes
//
// Every process holds a session on the first shard with a shared advisory lock;
// moving users to other shards takes the lock alone, and so waits for nobody but
// is refused. A process that lost its session takes it again, and stops serving
// if users were moved meanwhile. So connections must not go through a pooler that
// shares sessions between clients, such as PgBouncer by transaction.
//
// What the lock cannot know is a process that is cut off from the first shard and
// not from the others: its server has ended the session, and until it sees the
// first shard again it goes on by the layout it knows. Users are moved when it is
// stopped, or sees the first shard.
package postgres
