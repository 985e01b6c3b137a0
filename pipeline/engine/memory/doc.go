// Package memory keeps shared state in the process: what Redis holds for a
// fleet, for a server that is alone.
package memory
