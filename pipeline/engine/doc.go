// Package engine puts the pipeline together: it opens what keeps the state,
// joins the stages over it, and starts and ends them in the right order. It is
// the only place that chooses which engine stands behind a port.
package engine
