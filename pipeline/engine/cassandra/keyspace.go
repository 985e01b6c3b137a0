package cassandra

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

// makeKeyspace makes the keyspace with as many copies as were asked for and
// there are nodes, unless it is there. That several processes do so at once is
// no harm: a keyspace is known by its name.
func (m *migration) makeKeyspace(ctx context.Context, dc string, nodes int) error {
	cfg := m.cfg
	copies, found, err := m.copies(ctx, dc)
	if err != nil {
		return err
	}
	if !found {
		copies = min(cfg.Replication, nodes)
		statement := fmt.Sprintf("CREATE KEYSPACE IF NOT EXISTS %s WITH replication = {'class': 'NetworkTopologyStrategy', '%s': %d}",
			cfg.Keyspace, strings.ReplaceAll(dc, "'", "''"), copies)
		if err := m.ask(statement).ExecContext(ctx); err != nil {
			return fmt.Errorf("make the keyspace %s: %w", cfg.Keyspace, err)
		}
	}
	if copies == 0 {
		return cfg.permanent(fmt.Errorf("the keyspace %s has no copies in the data centre %q", cfg.Keyspace, dc),
			fmt.Sprintf("ALTER KEYSPACE %s to have some there, or name another dc", cfg.Keyspace))
	}
	if copies < cfg.Replication {
		cfg.Log.Warn("the history has fewer copies than the plan", slog.String("keyspace", cfg.Keyspace),
			slog.Int("copies", copies), slog.Int("planned", cfg.Replication), slog.Int("nodes", nodes))
	}
	return nil
}

// copies reads how many copies the keyspace has in a data centre.
func (m *migration) copies(ctx context.Context, dc string) (copies int, found bool, err error) {
	var replication map[string]string
	err = m.ask("SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?", m.cfg.Keyspace).ScanContext(ctx, &replication)
	if errors.Is(err, gocql.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	text, ok := replication[dc]
	if strings.HasSuffix(replication["class"], "SimpleStrategy") {
		text, ok = replication["replication_factor"]
	}
	if !ok {
		return 0, true, nil
	}
	// Transient replicas are written "3/1": of three, one is transient.
	text, _, _ = strings.Cut(text, "/")
	copies, err = strconv.Atoi(text)
	if err != nil {
		return 0, false, fmt.Errorf("the keyspace %s has the replication %v", m.cfg.Keyspace, replication)
	}
	return copies, true, nil
}
