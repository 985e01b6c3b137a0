package cassandra

import (
	"log/slog"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

// driverLog turns the driver's log down: what it warns of is each connection
// that it tries, again and again. What an operator should know is that a node
// went or came, which [nodeLog] says once.
type driverLog struct{ log *slog.Logger }

func (l driverLog) Error(msg string, fields ...gocql.LogField)   { l.write("error", msg, fields) }
func (l driverLog) Warning(msg string, fields ...gocql.LogField) { l.write("warning", msg, fields) }
func (l driverLog) Info(msg string, fields ...gocql.LogField)    { l.write("info", msg, fields) }
func (l driverLog) Debug(string, ...gocql.LogField)              {}

func (l driverLog) write(level, msg string, fields []gocql.LogField) {
	attrs := make([]any, 0, len(fields)+2)
	attrs = append(attrs, slog.String("driver_level", level), slog.String("driver", msg))
	for _, f := range fields {
		attrs = append(attrs, slog.String(f.Name, f.Value.String()))
	}
	l.log.Debug("the Cassandra driver says", attrs...)
}

// nodeLog says when a node goes and comes.
type nodeLog struct{ log *slog.Logger }

func (l nodeLog) OnHostUp(e gocql.HostUpEvent) {
	l.log.Info("a Cassandra node is up", slog.String("node", e.Host.ConnectAddress().String()))
}

func (l nodeLog) OnHostDown(e gocql.HostDownEvent) {
	l.log.Warn("a Cassandra node is down", slog.String("node", e.Host.ConnectAddress().String()))
}
