package cassandra

import (
	"log/slog"
	"sync"

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

// nodeLog says when a node goes and comes, once: the driver tells of a node that
// is down again at each try to reach it.
type nodeLog struct {
	log *slog.Logger

	mu   sync.Mutex
	down map[string]bool // by address
}

func newNodeLog(log *slog.Logger) *nodeLog { return &nodeLog{log: log, down: map[string]bool{}} }

// OnHostUp hears that a node was reached.
func (l *nodeLog) OnHostUp(e gocql.HostUpEvent) {
	if node, news := l.note(e.Host, false); news {
		l.log.Info("a Cassandra node is up", slog.String("node", node))
	}
}

// OnHostDown hears that a node was not reached.
func (l *nodeLog) OnHostDown(e gocql.HostDownEvent) {
	if node, news := l.note(e.Host, true); news {
		l.log.Warn("a Cassandra node is down", slog.String("node", node))
	}
}

// note remembers how a node stands and says whether that is news. One that was
// never heard of was up.
func (l *nodeLog) note(host *gocql.HostInfo, down bool) (node string, news bool) {
	node = host.ConnectAddress().String()
	l.mu.Lock()
	defer l.mu.Unlock()
	news = l.down[node] != down
	l.down[node] = down
	return node, news
}
