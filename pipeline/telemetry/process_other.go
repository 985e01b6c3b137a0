//go:build !linux

package telemetry

// readResidentBytes knows no portable way to the resident set: getrusage has
// only its highest value.
func readResidentBytes() (*int64, error) { return nil, nil }

// countOpenFiles knows no portable way to them.
func countOpenFiles() (*int64, error) { return nil, nil }
