// Command ready asks a Kafka or Cassandra cluster, in its own protocol, whether
// all of it is ready. scripts/engines repeats it until it is.
//
//	ready kafka HOST:PORT,...
//	ready cassandra HOST:PORT,... USER PASSWORD
//
// It exits 0 if the cluster is ready, and 1 with what is missing.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/segmentio/kafka-go"
)

// patience bounds one look at a cluster.
const patience = 5 * time.Second

func main() {
	if err := look(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func look(args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch {
	case len(args) == 2 && args[0] == "kafka":
		return kafkaReady(ctx, strings.Split(args[1], ","))
	case len(args) == 4 && args[0] == "cassandra":
		return cassandraReady(ctx, strings.Split(args[1], ","), gocql.PasswordAuthenticator{Username: args[2], Password: args[3]})
	}
	return errors.New("usage: ready kafka HOSTS | ready cassandra HOSTS USER PASSWORD")
}

// kafkaReady says what a broker misses: another broker, or a replica in sync.
// Each is asked, since brokers learn of each other one by one.
func kafkaReady(ctx context.Context, brokers []string) error {
	for _, broker := range brokers {
		client := kafka.Client{Addr: kafka.TCP(broker)}
		m, err := client.Metadata(ctx, &kafka.MetadataRequest{})
		if err != nil {
			return fmt.Errorf("%s: %w", broker, err)
		}
		if len(m.Brokers) != len(brokers) {
			return fmt.Errorf("%s knows %d of %d brokers", broker, len(m.Brokers), len(brokers))
		}
		for _, topic := range m.Topics {
			for _, p := range topic.Partitions {
				if p.Error != nil || len(p.Isr) < len(p.Replicas) {
					return fmt.Errorf("%s: partition %d of %s has %d of %d replicas in sync: %w",
						broker, p.ID, topic.Name, len(p.Isr), len(p.Replicas), p.Error)
				}
			}
		}
	}
	return nil
}

// cassandraReady says which node does not know all of its peers, with their
// tokens, by one schema. Nodes take clients before gossip has told them, and a
// driver then finds no cluster.
func cassandraReady(ctx context.Context, nodes []string, auth gocql.Authenticator) error {
	for _, node := range nodes {
		if err := nodeReady(ctx, node, len(nodes), auth); err != nil {
			return fmt.Errorf("%s: %w", node, err)
		}
	}
	return nil
}

func nodeReady(ctx context.Context, node string, nodes int, auth gocql.Authenticator) error {
	host, port, err := net.SplitHostPort(node)
	if err != nil {
		return err
	}
	c := gocql.NewCluster(host)
	if c.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	c.ProtoVersion = 5
	c.Authenticator = auth
	c.DisableInitialHostLookup = true // this node alone, not those it knows
	c.NumConns = 1
	c.Timeout, c.ConnectTimeout = patience, patience
	c.Logger = gocql.NewLogger(gocql.LogLevelNone)
	s, err := c.CreateSession()
	if err != nil {
		return err
	}
	defer s.Close()

	var schema gocql.UUID
	if err := s.Query("SELECT schema_version FROM system.local").ScanContext(ctx, &schema); err != nil {
		return err
	}
	peers := s.Query("SELECT schema_version, tokens FROM system.peers_v2").IterContext(ctx)
	known := 0
	var theirs gocql.UUID
	var tokens []string
	for peers.Scan(&theirs, &tokens) {
		if theirs == schema && len(tokens) > 0 {
			known++
		}
	}
	if err := peers.Close(); err != nil {
		return err
	}
	if known != nodes-1 {
		return fmt.Errorf("knows %d of %d peers by its own schema", known, nodes-1)
	}
	return nil
}
