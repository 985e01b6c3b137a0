// Package sequence makes the pipeline's two commits out of three stores that
// know nothing of each other: keys that reserve, a log that queues, and rows
// that keep what became of notifications. Each commit is an ordered sequence of
// steps, and a crash between any two of them loses nothing:
//
//	intake      keys reserved -> log appended -> dead letters noted -> keys done
//	settlement  rows recorded -> retries appended -> marks committed
//
// What was appended without its keys done is appended again under the same ids,
// to be checked before it is sent. What was recorded without its mark moved is
// handed out again in doubt, and found in the rows; they say which delivery
// wrote them, so that the account counts each notification once.
//
// The account is exact through any crash, and through owners that lost the log
// without knowing: what they send then is recorded late, and found. Not exact is
// the account of a notification that meets two faults at once: a former owner
// that records a retry late, and a new one that dies between queueing a retry of
// the same and its commit. Then it may be sent, and counted, twice.
package sequence
