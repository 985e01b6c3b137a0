// Package reports renders results for people and programs: an estimate, and
// what load tests measured. Every format is a reading of the one result, so all
// of them show the same numbers. It computes nothing.
package reports
