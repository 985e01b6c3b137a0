// Package policy holds the pipeline's decisions as pure functions of a state and
// a time, so that they run alike in the pipeline and in virtual time.
package policy
