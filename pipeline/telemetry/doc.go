// Package telemetry holds the metrics of the pipeline: every metric is named
// here and nowhere else, for Prometheus and for the status a server shows.
//
// Stages record by typed methods of [Metrics], once a request or once a batch,
// never once a notification: a call is an atomic addition or one short lock, and
// no label is looked up on the way. Values are kept here as plain integers; the
// Prometheus series are made of them when they are scraped, and [Snapshot] reads
// the same integers, so that both always say the same.
//
// Names follow notifyctl_<subsystem>_<what>_<unit>[_total] in base units. Every
// label's values are bounded: channels, priorities, states and classes by the
// domain; routes, providers, caches and logs by the code that names them.
package telemetry
