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
// # Consuming
//
// Partitions belong to the members of one consumer group a channel. A partition's
// commit is its mark, and in the metadata what left beyond it, how far an owner
// may have sent, and the counts of all that ever left: the account of the queues
// can be read by any process, and a new owner looks up just what the former one
// may have sent.
package kafka
