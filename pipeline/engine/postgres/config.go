package postgres

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Config says where the shards lie; zero values take the defaults.
type Config struct {
	// DSNs are the addresses, one a shard in the order of the shards, as in
	// postgres://user:password@host1:5432,host2:5432/database. The hosts of one
	// are a primary and its replicas, in any order. With ?search_path=name
	// several shards may lie in one database.
	DSNs []string
	// Connections is the most that are held to each host for queries; 10. Beside
	// them are up to two more a host, and one to the first shard.
	Connections int
	Log         *slog.Logger
}

const (
	defaultConnections = 10
	// connectTimeout bounds how long a host is waited for that does not answer.
	connectTimeout = 2 * time.Second
	// statementTimeout is the server's: it ends what a client that is gone left
	// behind.
	statementTimeout = 10 * time.Second
)

// wantDSN is what an address must look like.
const wantDSN = "want postgres://user:password@host:port/database, with several hosts as host1:port,host2:port; " +
	"write characters such as / ? # @ of a password as %2F %3F %23 %40"

// address is one shard's, parsed.
type address struct {
	name  string // without user and password
	hosts []*pgxpool.Config
}

// parseAddresses reads the addresses of all shards.
func parseAddresses(cfg Config) ([]address, error) {
	if n := len(cfg.DSNs); n < 1 || n > pipeline.MaxShards {
		return nil, fmt.Errorf("%d addresses of Postgres: want 1 to %d, one a shard", n, pipeline.MaxShards)
	}
	all := make([]address, len(cfg.DSNs))
	for i, dsn := range cfg.DSNs {
		var err error
		if all[i], err = parseAddress(dsn, cfg.Connections); err != nil {
			return nil, fmt.Errorf("--postgres, number %d: %w", i+1, err)
		}
	}
	return all, nil
}

// CheckDSN says what is wrong with the address of a shard, without its password.
func CheckDSN(dsn string) error {
	_, err := parseAddress(dsn, 0)
	return err
}

// parseAddress reads one address. No error holds text of it beyond its
// parameters: what cannot be parsed may be the password.
func parseAddress(dsn string, connections int) (address, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" {
		return address{}, errors.New(wantDSN)
	}
	if strings.Trim(u.Path, "/") == "" {
		return address{}, fmt.Errorf("no database is named; %s", wantDSN)
	}
	shared, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return address{}, fmt.Errorf("%s; %s", withoutPassword(u, parseFault(err)), wantDSN)
	}
	if connections == 0 {
		connections = defaultConnections
	}
	configure(shared, connections)
	a := address{hosts: splitHosts(shared)}
	names := make([]string, len(a.hosts))
	for i, host := range a.hosts {
		names[i] = hostName(host)
	}
	a.name = strings.Join(names, ",") + "/" + shared.ConnConfig.Database
	return a, nil
}

// parseFault is what the driver said of an address, behind the address itself,
// which it puts between backquotes.
func parseFault(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "`: "); i >= 0 {
		text = text[i+len("`: "):]
	}
	return text
}

func withoutPassword(u *url.URL, text string) string {
	if password, ok := u.User.Password(); ok && password != "" {
		text = strings.ReplaceAll(text, password, "***")
	}
	return text
}

// configure sets what all connections have in common.
func configure(cfg *pgxpool.Config, connections int) {
	cfg.MaxConns = int32(connections)
	cfg.MinConns = 0
	cfg.MaxConnLifetimeJitter = cfg.MaxConnLifetime / 10
	cfg.PingTimeout = connectTimeout / 2
	conn := cfg.ConnConfig
	conn.ConnectTimeout = connectTimeout
	conn.ValidateConnect = nil // target_session_attrs: we find the roles ourselves
	for name, value := range map[string]string{
		"application_name":                    "notifyctl",
		"default_transaction_isolation":       "read committed", // which reads of replicas depend on
		"statement_timeout":                   strconv.FormatInt(statementTimeout.Milliseconds(), 10),
		"idle_in_transaction_session_timeout": strconv.FormatInt(statementTimeout.Milliseconds(), 10),
	} {
		if _, given := conn.RuntimeParams[name]; !given || name == "default_transaction_isolation" {
			conn.RuntimeParams[name] = value
		}
	}
	cfg.AfterConnect = commitDurably
}

// splitHosts makes one configuration a host. The driver has a fallback for each
// host and way to connect.
func splitHosts(shared *pgxpool.Config) []*pgxpool.Config {
	first := shared.ConnConfig
	ways := append([]*pgconn.FallbackConfig{{Host: first.Host, Port: first.Port, TLSConfig: first.TLSConfig}}, first.Fallbacks...)
	var hosts []*pgxpool.Config
	byName := map[string]*pgxpool.Config{}
	for _, way := range ways {
		key := net.JoinHostPort(way.Host, strconv.Itoa(int(way.Port)))
		if host, known := byName[key]; known {
			host.ConnConfig.Fallbacks = append(host.ConnConfig.Fallbacks, way)
			continue
		}
		host := shared.Copy()
		host.ConnConfig.Host, host.ConnConfig.Port, host.ConnConfig.TLSConfig = way.Host, way.Port, way.TLSConfig
		host.ConnConfig.Fallbacks = nil
		byName[key] = host
		hosts = append(hosts, host)
	}
	return hosts
}

func hostName(cfg *pgxpool.Config) string {
	return net.JoinHostPort(cfg.ConnConfig.Host, strconv.Itoa(int(cfg.ConnConfig.Port)))
}
