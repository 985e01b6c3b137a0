package main_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/notifyctl/notifyctl/pipeline/engine/cassandra"
	"github.com/notifyctl/notifyctl/pipeline/engine/kafka"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// installationPartitions is how many partitions each topic has, and so how many
// workers can share a queue.
const installationPartitions = 4

// installation is where the state of a test's processes lies in the real
// engines, apart from other tests': topics and consumer groups by a prefix, a
// schema in the database of each shard, a keyspace, a folder of the bucket.
// Redis is shared, where names are the users' and the keys'. Its addresses are as
// the flags of notifyctl serve take them; a test may put others in their place
// before it starts processes.
type installation struct {
	name      string
	kafka     string
	redis     string
	postgres  []string // a shard with two replicas, and one without any
	cassandra string
	templates string
}

// newInstallation makes one, or skips the test; what it takes goes with the
// test's end. redis is the name of the engine: redis or redis-cluster.
func newInstallation(t *testing.T, redis string) *installation {
	t.Helper()
	i := &installation{name: "fleet_" + strings.ToLower(rand.Text()[:10])}
	engine := func(name string) string { return pipelinetest.Engine(t, name) }
	i.kafka = "kafka://" + engine("kafka") + "?prefix=" + i.name
	i.redis = engine(redis) + "?prefix=" + i.name
	i.cassandra = engine("cassandra") + "/" + i.name
	i.templates = engine("s3") + "&prefix=" + i.name + "/"
	shards := []string{engine("postgres-0"), engine("postgres-1")}
	made := *i // the test may put other addresses in their place
	made.postgres = shards
	t.Cleanup(func() { made.drop(t) })
	for _, shard := range shards {
		if err := onPrimary(shard, "CREATE SCHEMA "+i.name); err != nil {
			t.Fatal(err)
		}
		i.postgres = append(i.postgres, pipelinetest.WithParameter(t, shard, "search_path", i.name))
	}
	return i
}

// flags are those of notifyctl serve, for any of its processes.
func (i *installation) flags() []string {
	flags := []string{
		"--listen", "127.0.0.1:0", "--wait", "60s",
		"--kafka", i.kafka, "--redis", i.redis, "--cassandra", i.cassandra, "--templates", i.templates,
		"--set", fmt.Sprintf("deployment.partitions=%d", installationPartitions), "--set", "deployment.elasticity=1",
	}
	for _, shard := range i.postgres {
		flags = append(flags, "--postgres", shard)
	}
	return flags
}

// drop takes away what processes made. A test that failed may have left engines
// in no state for it.
func (i *installation) drop(t *testing.T) {
	faults := []error{dropTopics(i.kafka, i.name), dropKeyspace(i.cassandra)}
	for _, shard := range i.postgres {
		faults = append(faults, onPrimary(shard, "DROP SCHEMA IF EXISTS "+i.name+" CASCADE"))
	}
	if err := errors.Join(faults...); err != nil && !t.Failed() {
		t.Errorf("what the test made is left: %v", err)
	}
}

// dropTimeout bounds each of the steps.
const dropTimeout = time.Minute

func onPrimary(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn+"?target_session_attrs=read-write")
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

func dropTopics(address, prefix string) error {
	ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
	defer cancel()
	a, err := kafka.ParseAddress(address)
	if err != nil {
		return err
	}
	client := &kafkago.Client{Addr: kafkago.TCP(a.Brokers...)}
	all, err := client.Metadata(ctx, &kafkago.MetadataRequest{})
	if err != nil {
		return err
	}
	var topics []string
	for _, topic := range all.Topics {
		if strings.HasPrefix(topic.Name, prefix+".") {
			topics = append(topics, topic.Name)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	answer, err := client.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: topics})
	if err != nil {
		return err
	}
	var faults []error
	for _, fault := range answer.Errors {
		faults = append(faults, fault)
	}
	return errors.Join(faults...)
}

func dropKeyspace(address string) error {
	d, err := cassandra.ParseDSN(address)
	if err != nil {
		return err
	}
	cluster := gocql.NewCluster(d.Hosts...)
	cluster.Timeout = dropTimeout
	cluster.Authenticator = gocql.PasswordAuthenticator{Username: d.User, Password: d.Password}
	session, err := cluster.CreateSession()
	if err != nil {
		return err
	}
	defer session.Close()
	return session.Query("DROP KEYSPACE IF EXISTS " + d.Keyspace).Exec()
}
