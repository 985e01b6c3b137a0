package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/notifyctl/notifyctl/pipeline"
)

// SQLSTATEs, as in Appendix A of PostgreSQL's manual.
const (
	stateReadOnly      = "25006"
	stateNotAuthorized = "28000"
	stateWrongPassword = "28P01"
	stateNoDatabase    = "3D000"
	stateNoSchema      = "3F000"
	stateSerialization = "40001" // also a replica's conflict with what it replays
	stateDeadlock      = "40P01"
	stateNotPermitted  = "42501"
	stateTableExists   = "42P07"
	stateNoTable       = "42P01"
	stateTooMany       = "53300"
	classConnection    = "08"
	classShutdown      = "57P" // shut down, crashed, not yet started
)

// mendable says whether another host, or the same a moment later, may do what
// failed.
func mendable(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, errOtherRole) {
		return true
	}
	said, ok := errors.AsType[*pgconn.PgError](err)
	if !ok { // the connection's, but for those who wanted no answer
		return !errors.Is(err, errBehind) && !errors.Is(err, context.Canceled) && !errors.Is(err, errGate)
	}
	switch said.Code {
	case stateReadOnly, stateSerialization, stateDeadlock, stateTooMany:
		return true
	}
	return strings.HasPrefix(said.Code, classConnection) || strings.HasPrefix(said.Code, classShutdown)
}

// reason is the root of what a driver said, without its account of the ways it
// tried.
func reason(err error) string {
	if none, ok := errors.AsType[*noPrimaryError](err); ok { // which gives each host's
		return none.Error()
	}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return said.Message
	}
	if errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) {
		return "no answer in time"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err.Error()
	}
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		err = connect.Unwrap()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// plain is an error whose text is its reason.
type plain struct{ error }

func (e plain) Error() string { return reason(e.error) }

func (e plain) Unwrap() error { return e.error }

// advice is what to do about an error of an operation.
func advice(err error) string {
	said, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return ""
	}
	switch said.Code {
	case stateTooMany:
		return "raise max_connections or lower service.connections_per_instance: "
	case stateNotPermitted:
		return "grant the role what it needs: "
	case stateNoTable:
		return "tables are missing; restart this program to make them: "
	}
	return ""
}

// fault is what is wrong with a shard at opening.
func (c *cluster) fault(err error) error {
	if known, ok := errors.AsType[*pipeline.EngineError](err); ok {
		known.Address = c.name
		return known
	}
	fault := &pipeline.EngineError{Engine: pipeline.EnginePostgres, Address: c.name, Err: plain{err}}
	if none, ok := errors.AsType[*noPrimaryError](err); ok && none.split {
		fault.Permanent = true
	}
	said, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		fault.Remedy = "start it, or correct --postgres"
		return fault
	}
	fault.Err = fmt.Errorf("%s (SQLSTATE %s)", said.Message, said.Code)
	fault.Permanent = true
	switch said.Code {
	case stateWrongPassword, stateNotAuthorized:
		fault.Remedy = "correct the user and password of --postgres, or let the user in by pg_hba.conf"
	case stateNoDatabase:
		fault.Remedy = "create it with createdb, or correct --postgres"
	case stateNotPermitted:
		fault.Remedy = "let the role make tables (GRANT CREATE, USAGE ON SCHEMA ... TO ...), or start this program once as a role that may"
	case stateTableExists:
		fault.Remedy = "it is another program's; give this one a database or a schema (?search_path=...) of its own"
	case stateNoSchema:
		fault.Remedy = "create the schema that search_path names"
	case stateTooMany:
		fault.Remedy = "raise max_connections or lower service.connections_per_instance"
		fault.Permanent = false
	default:
		fault.Permanent = !strings.HasPrefix(said.Code, classShutdown)
	}
	return fault
}
