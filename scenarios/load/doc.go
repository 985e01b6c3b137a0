// Package load offers a target requests on a schedule that the target cannot
// slow down, and records what came of them.
//
// The schedule says when each request should be sent. The pacer keeps vegeta's
// attacker to it, and sheds what is hopelessly late instead of catching up in
// a burst. The generator builds each request's notifications from the seed and
// the request's number alone, so that a run can be repeated. The recorder
// keeps two latencies a request: the response time, from the moment it should
// have been sent, and the service time, from the moment it was. Only the first
// shows what a stalled target does to its clients.
//
// Whatever happens, offered = sent + dropped + unsent.
package load
