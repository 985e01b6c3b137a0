// Package api holds the HTTP interface's wire types and a client for it. The
// gateway answers with them; load tests, the live screen and the send command
// read them. It imports nothing else of the program, so that a reader needs no
// pipeline.
//
// All counters are cumulative since the server's start: the difference of two
// snapshots is what happened between them.
package api
