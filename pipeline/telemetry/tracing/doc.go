// Package tracing follows single notifications through every step of their way,
// as OpenTelemetry traces: the request and its steps at ingest, then the wait in
// the queue, the wait for the batch, the provider's call and the settlement,
// each attempt of them.
//
// A notification's trace is found by its id, and nothing of it is kept beside
// the notification: both its trace id and whether it is followed at all follow
// from the id, so that every process, also the one that goes on after a restart,
// comes to the same answer.
//
//	trace id             the first 16 bytes of the SHA-256 of the id's text
//	id of the root span  the 8 bytes after those
//	followed             when the xxHash64 of the id's 17 bytes is below the
//	                     sample's share of all hashes
//
// The request has a trace of its own, or goes on with its client's (traceparent,
// W3C Trace Context); a notification's root span is linked to it. Providers are
// told nothing of traces.
//
// A nil [Tracer] follows nothing, and its methods then cost a comparison.
package tracing
