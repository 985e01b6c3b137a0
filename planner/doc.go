// Package planner turns a plan into an estimate: a [Plan] says what a
// notification system has to carry and what it is built from, and the
// estimate is every number that follows.
//
// Every number is a [Figure]: an id, a unit, a formula in words, the ids it is
// computed from and the function that does it. The planner is one list of
// them. Tables, JSON, explanations and ranges are readings of that list, so a
// new number is one entry in one place.
//
// The package is pure arithmetic over its inputs: no clock, no environment, no
// files, no global randomness. The reference plan is embedded.
package planner
