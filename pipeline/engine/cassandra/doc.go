// Package cassandra keeps what became of notifications in Apache Cassandra 4.0
// or later: the rows beside a log and keys of other engines. It is meant for
// many processes and many nodes, so nothing in it is read before it is written,
// and every write may be repeated:
//
//   - A notification's rows lie in the partition of its user's hash and the
//     month of its acceptance, newest first. All of their key but the number of
//     the attempt is taken from the id, which therefore finds them without an
//     index. An attempt is a row of its own and never changes, so that what a
//     fenced owner records late takes nothing away; readers let an outcome win
//     over what waits.
//   - Dead letters lie in the partition of their channel and the hour of their
//     acceptance, with a list of the hours that hold any.
//   - Outcomes of load runs are small bitmaps, one a run, outcome and call,
//     which the reader unites.
//   - Who was erased is one small partition that each process reads ahead of
//     what it does (see [Store.Erase]).
//
// Consistency is LOCAL_QUORUM: with three copies one node may be down, and what
// was recorded is read from there on. Processes' clocks should be kept together
// to a second; what depends on it says so where it is.
package cassandra
