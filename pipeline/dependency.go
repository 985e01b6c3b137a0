package pipeline

import "strings"

// The engines that a process may depend on, as errors, checks and metrics name
// them.
const (
	EngineKafka     = "kafka"
	EngineRedis     = "redis"
	EnginePostgres  = "postgres"
	EngineCassandra = "cassandra"
	EngineTemplates = "templates"
)

// EngineError says that an engine does not answer, or cannot be used as it is.
// An adapter gives it from opening; what fails later it wraps in the error that
// the port names, such as [ErrUnavailable].
type EngineError struct {
	Engine string // one of the names above
	// Address is where the engine was looked for, without user and password.
	Address string
	Err     error // what was found
	// Remedy is what to do about it, as in "create it with --partitions 12 or
	// more"; empty when Err says all.
	Remedy string
	// Permanent faults are not mended by waiting: wrong credentials, too few
	// partitions, a version or schema that does not fit. An engine that is still
	// starting has none.
	Permanent bool
}

// Error is one line that names the engine, the address, the fault and the
// remedy.
func (e *EngineError) Error() string {
	var b strings.Builder
	b.WriteString(e.Engine)
	if e.Address != "" {
		b.WriteString(" at " + e.Address)
	}
	b.WriteString(": " + oneLine(e.Err.Error()))
	if e.Remedy != "" {
		b.WriteString("; " + oneLine(e.Remedy))
	}
	return b.String()
}

// Unwrap gives the fault.
func (e *EngineError) Unwrap() error { return e.Err }

// oneLine joins the lines of a driver's message.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
