package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/pipeline/engine/cassandra"
	"github.com/notifyctl/notifyctl/pipeline/engine/kafka"
	"github.com/notifyctl/notifyctl/pipeline/engine/postgres"
	"github.com/notifyctl/notifyctl/pipeline/engine/redis"
	"github.com/notifyctl/notifyctl/pipeline/engine/trust"
)

// Engines says which engines beyond the network are used, by their addresses.
// What none is named for is embedded.
type Engines struct {
	// Kafka keeps the queues and Cassandra the history, one not without the
	// other.
	Kafka     string
	Cassandra string
	// Redis keeps limits, the second cache of the preferences and the bus, and
	// beside Kafka the idempotency keys.
	Redis string
	// Postgres keeps the preferences, a shard an address.
	Postgres []string
	// Wait is how long they are waited for when the system opens.
	Wait time.Duration

	Replication struct{ Kafka, Cassandra int } // copies in topics and keyspaces that are made
	// MinISR is how many brokers have a record before it is called durable.
	MinISR int
	// Retention is how long Cassandra keeps the history.
	Retention time.Duration
	// PostgresConnections are held to each host at most.
	PostgresConnections int
}

func (e *Engines) externalStore() bool { return e.Kafka != "" }

func (e *Engines) externalPreferences() bool { return len(e.Postgres) > 0 }

// Check says what is wrong with the addresses, each by itself and all together
// for a role, and with the files that they name. It asks nobody, and names no
// password.
func (e *Engines) Check(role Role) error {
	var faults []error
	fault := func(flag string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	if e.Kafka != "" {
		_, err := kafka.ParseAddress(e.Kafka)
		fault("kafka", err)
	}
	if e.Redis != "" {
		dsn, err := redis.ParseDSN(e.Redis)
		if err == nil {
			_, err = trust.Authorities(dsn.CA)
		}
		fault("redis", err)
	}
	for _, dsn := range e.Postgres {
		fault("postgres", postgres.CheckDSN(dsn))
	}
	if e.Cassandra != "" {
		dsn, err := cassandra.ParseDSN(e.Cassandra)
		if err == nil {
			_, err = trust.Authorities(dsn.CA)
		}
		fault("cassandra", err)
	}
	if e.Wait < 0 {
		faults = append(faults, fmt.Errorf("--wait %v: want a time of 0 or above", e.Wait))
	}
	return errors.Join(append(faults, e.checkTogether(role))...)
}

// checkTogether says which engines are missing beside others.
func (e *Engines) checkTogether(role Role) error {
	switch {
	case role == Gateway || role == Worker:
		if missing := e.missing(); len(missing) > 0 {
			return fmt.Errorf("--role %s: processes share the work only over engines beyond the network; give %s too", role, strings.Join(missing, ", "))
		}
	case (e.Kafka == "") != (e.Cassandra == ""):
		return errors.New("--kafka and --cassandra go together: one keeps what is queued, the other what became of it")
	case e.Kafka != "" && e.Redis == "":
		return errors.New("--kafka and --cassandra need --redis, which keeps the idempotency keys")
	}
	return nil
}

func (e *Engines) missing() []string {
	var missing []string
	for _, engine := range []struct {
		flag  string
		given bool
	}{
		{"--kafka", e.Kafka != ""}, {"--redis", e.Redis != ""}, {"--postgres", len(e.Postgres) > 0}, {"--cassandra", e.Cassandra != ""},
	} {
		if !engine.given {
			missing = append(missing, engine.flag)
		}
	}
	return missing
}
