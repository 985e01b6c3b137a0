package cassandra

import (
	"context"
	"errors"
	"fmt"
	"strings"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// unavailable wraps a fault of the cluster as the ports name it; what ended
// since the caller gave up is the caller's. A shape that we stored wrong is
// neither.
func unavailable(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errDamaged), errors.Is(err, pipeline.ErrUnavailable):
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%w: cassandra: %s: %w", pipeline.ErrUnavailable, what, err)
}

// fault makes the one line that an operator reads when opening fails.
func (d DSN) fault(err error) error {
	var known *pipeline.EngineError
	if errors.As(err, &known) {
		return err
	}
	fault := &pipeline.EngineError{Engine: pipeline.EngineCassandra, Address: d.Address(), Err: plain{err}}
	fault.Remedy, fault.Permanent = remedy(err)
	return fault
}

// plain is an error whose text is what was found, without the driver's account of
// where it was looking.
type plain struct{ error }

func (p plain) Error() string {
	text := strings.TrimPrefix(p.error.Error(), "gocql: unable to create session: ")
	text = strings.TrimPrefix(text, "unable to connect to initial hosts: ")
	return strings.Replace(text, context.DeadlineExceeded.Error(), "no answer in time", 1)
}

func (p plain) Unwrap() error { return p.error }

// permanent is a fault that waiting does not mend.
func (d DSN) permanent(err error, remedy string) error {
	return &pipeline.EngineError{Engine: pipeline.EngineCassandra, Address: d.Address(), Err: err, Remedy: remedy, Permanent: true}
}

// remedy says what to do about a fault, and whether waiting mends it. The
// driver gives what it finds while it connects as text alone.
func remedy(err error) (text string, permanent bool) {
	var unauthorized *gocql.RequestErrUnauthorized
	says := strings.ToLower(err.Error())
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(says, part) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.As(err, &unauthorized), has("has no create permission", "has no modify permission", "has no select permission"):
		return "grant the user CREATE on the keyspace, and SELECT and MODIFY, or create the keyspace for it", true
	case has("username", "password", "authentication", "bad credentials"):
		return "check the user and the password", true
	case has("protocol version", "unsupported version"):
		return "use Cassandra 4.0 or later", true
	case has("certificate", "tls:", "first record does not look like a tls handshake"):
		return "check tls and ca", true
	case has("no such host"):
		return "check the names of the hosts", false
	case errors.Is(err, context.DeadlineExceeded):
		return "see whether its nodes are up and how busy they are, or wait longer by --wait", false
	}
	return "start it, or check the address", false
}
