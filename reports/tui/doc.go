// Package tui is the live screen: it shows a load test, a server, or both, while
// they run, on a terminal.
//
// There is one screen and one thing that it shows, a [Moment]: what a server
// says of itself, as GET /v1/status has it, and beside it what a load test
// knows, if there is one. The screen takes a moment four times a second and
// keeps the history itself, so that it does not matter to it where moments come
// from: a run in this process, a server in this process, or one beyond the
// network, which may go away, come back, and count from 0 again.
//
// Looking is free: freezing, resizing or leaving the screen never holds up or
// ends what it shows. Ending that is a key of its own, which asks first.
package tui
