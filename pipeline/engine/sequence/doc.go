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
package sequence
