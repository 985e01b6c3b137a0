//go:build !linux

package scenarios

// processor is unknown here.
func processor() string { return "" }
