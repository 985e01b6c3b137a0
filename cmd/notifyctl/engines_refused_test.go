package main_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/notifyctl/notifyctl/pipeline/engine/kafka"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

const (
	// wrongPassword stands where a password is given that no engine takes.
	wrongPassword = "hidden-password"
	// refusedAt is a place where nothing listens.
	refusedAt = "127.0.0.1:1"
	// refusedWait is how long engines are waited for that answer, and awayWait
	// those that do not.
	refusedWait = "30s"
	awayWait    = "1s"
)

// refusedStart is what is wrong at a start, and what the process says of it.
type refusedStart struct {
	// change makes one thing wrong of what an installation is started with.
	change func(t *testing.T, i *installation)
	env    string // NAME=value beside the others
	wait   string // empty: refusedWait
	code   int    // 0: 1
	// want is a pattern of the last line, behind "notifyctl: ".
	want string
}

// TestEnginesThatDoNotFitAreRefused starts processes with one thing wrong of an
// installation that is otherwise well. They end at once, and say in one line which
// engine it is, where it is, what was found and what to do about it; and no
// password.
func TestEnginesThatDoNotFitAreRefused(t *testing.T) {
	i := newInstallation(t, "redis")
	startProcess(t, append([]string{"serve"}, i.flags()...)...).end(t) // makes topics, tables and the keyspace
	for name, cases := range map[string]map[string]refusedStart{
		"kafka": refusedKafka(t, i), "redis": refusedRedis(t), "postgres": refusedPostgres(t, i), "cassandra": refusedCassandra(i), "templates": refusedTemplates(),
	} {
		for what, c := range cases {
			t.Run(name+" "+what, func(t *testing.T) { c.check(t, *i) })
		}
	}
}

func (c refusedStart) check(t *testing.T, i installation) {
	t.Helper()
	i.postgres = append([]string(nil), i.postgres...)
	if c.change != nil {
		c.change(t, &i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), processTimeout)
	defer cancel()
	// The last --wait is the one that holds.
	cmd := exec.CommandContext(ctx, "notifyctl", append(append([]string{"serve"}, i.flags()...), "--wait", cmp.Or(c.wait, refusedWait))...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), c.env)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	exit, ended := errors.AsType[*exec.ExitError](err)
	said := stderr.String()
	if !ended || ctx.Err() != nil || exit.ExitCode() != max(c.code, 1) {
		t.Fatalf("it ended with %v, want exit code %d; it said\n%s", err, max(c.code, 1), said)
	}
	lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
	last := lines[len(lines)-1]
	t.Log(last)
	if !regexp.MustCompile("^notifyctl: " + c.want + "$").MatchString(last) {
		t.Errorf("it said\n%s\nwant\n%s", last, c.want)
	}
	for _, line := range lines[:len(lines)-1] { // what is logged before
		if strings.HasPrefix(line, "notifyctl: ") || !strings.HasPrefix(line, "time=") {
			t.Errorf("it said more than one line of what is wrong:\n%s", said)
		}
	}
	for _, password := range []string{wrongPassword, "engines-password", "cassandra:cassandra"} {
		if strings.Contains(said, password) {
			t.Errorf("it said a password:\n%s", said)
		}
	}
}

// hostList finds the hosts of an address.
var hostList = regexp.MustCompile(`[0-9.]+:\d+(,[0-9.]+:\d+)*`)

func hosts(address string) string { return hostList.FindString(address) }

// hostsOf is a pattern of the hosts of an address.
func hostsOf(address string) string { return regexp.QuoteMeta(hosts(address)) }

// withPassword puts a user and a password into an address.
func withPassword(t *testing.T, address, user, password string) string {
	t.Helper()
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		t.Fatalf("%s is no URL", address)
	}
	return scheme + "://" + url.UserPassword(user, password).String() + "@" + rest[strings.LastIndexByte(rest, '@')+1:]
}

// withHosts puts other hosts into an address.
func withHosts(address, hosts string) string {
	return hostList.ReplaceAllLiteralString(address, hosts)
}

// waited ends the line of an engine that was waited for.
const waited = ` \(waited ` + awayWait + ` for it; see --wait\)`

func refusedKafka(t *testing.T, i *installation) map[string]refusedStart {
	t.Helper()
	plain, withSASL, withTLS := hostsOf(i.kafka), pipelinetest.Engine(t, "kafka-sasl"), pipelinetest.Engine(t, "kafka-tls")
	few := makeNarrowTopic(t, i)
	prefix := "?prefix=" + i.name
	to := func(address string) func(*testing.T, *installation) {
		return func(_ *testing.T, i *installation) { i.kafka = address }
	}
	return map[string]refusedStart{
		"too few partitions": {
			change: to("kafka://" + pipelinetest.Engine(t, "kafka") + "?prefix=" + few),
			want: fmt.Sprintf(`kafka at %s: deployment\.partitions is %d, and the topic %s\.sms\.high has 1; run kafka-topics\.sh --alter --topic %[3]s\.sms\.high --partitions %[2]d `+
				`for each while the queues are empty, or start with --set deployment\.partitions=1`, plain, installationPartitions, few),
		},
		"wrong password": {
			change: to(withPassword(t, withSASL, "notifyctl", wrongPassword) + prefix),
			want: `kafka at ` + hostsOf(withSASL) + `: the user notifyctl or its password is not accepted \(scram-sha-512\); ` +
				`correct the user and password in kafka://USER:PASSWORD@\.\.\.`,
		},
		"no password": {
			change: to("kafka://" + hosts(withSASL) + prefix), wait: awayWait,
			want: `kafka at ` + hostsOf(withSASL) + `: the brokers hang up when asked for topics, as those do that want a user and password; ` +
				`give them as kafka://USER:PASSWORD@\.\.\., or see the brokers' log` + waited,
		},
		"needless password": {
			change: to("kafka://notifyctl:" + wrongPassword + "@" + hosts(i.kafka) + prefix),
			want:   `kafka at ` + plain + `: the brokers take no user and password on this port; leave them out, or name the port that does`,
		},
		"away": {
			change: to("kafka://" + refusedAt), wait: awayWait,
			want: `kafka at 127\.0\.0\.1:1: dial tcp 127\.0\.0\.1:1: connect: connection refused; start the brokers, or correct the address` + waited,
		},
		"plain text to TLS": {
			change: to("kafka://" + hosts(withTLS) + prefix),
			want:   `kafka at ` + hostsOf(withTLS) + `: [0-9.:]+ speaks TLS, and was spoken to in plain; add \?tls=true to kafka://\.\.\., or name the port without TLS`,
		},
		"TLS to plain text": {
			change: to("kafka://" + hosts(i.kafka) + prefix + "&tls=true"),
			want:   `kafka at ` + plain + `: [0-9.:]+ speaks in plain, and was spoken to in TLS; leave out tls=true, or name the port with TLS`,
		},
		"unknown authority": {
			change: to("kafka://" + hosts(withTLS) + prefix + "&tls=true"),
			want: `kafka at ` + hostsOf(withTLS) + `: tls: failed to verify certificate: x509: certificate signed by unknown authority; ` +
				`name with ca= the authority that signed the brokers' certificates, and the brokers by the names in them`,
		},
		"bad address": {
			change: to("notifyctl:" + wrongPassword + "@" + hosts(i.kafka)), code: 104,
			want: `--kafka: the address of kafka has a user, a scheme or parameters and does not start with kafka://; accepted is .*`,
		},
	}
}

// makeNarrowTopic makes a topic of one partition, as somebody may beforehand, and
// gives the prefix of its installation.
func makeNarrowTopic(t *testing.T, i *installation) (prefix string) {
	t.Helper()
	prefix = i.name + "_narrow"
	address, err := kafka.ParseAddress(i.kafka)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dropTopics(i.kafka, prefix); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), dropTimeout)
	defer cancel()
	client := &kafkago.Client{Addr: kafkago.TCP(address.Brokers...)}
	topic := prefix + ".sms.high"
	answer, err := client.CreateTopics(ctx, &kafkago.CreateTopicsRequest{
		Topics: []kafkago.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}},
	})
	if err == nil {
		err = answer.Errors[topic]
	}
	if err != nil {
		t.Fatal(err)
	}
	return prefix
}

func refusedRedis(t *testing.T) map[string]refusedStart {
	t.Helper()
	at := pipelinetest.Engine(t, "redis")
	to := func(address string) func(*testing.T, *installation) {
		return func(_ *testing.T, i *installation) { i.redis = address }
	}
	return map[string]refusedStart{
		"wrong password": {
			change: to(withPassword(t, at, "notifyctl", wrongPassword)),
			want:   `redis at ` + hostsOf(at) + `: it refuses the user or password; give them as in redis://user:password@host:port`,
		},
		"away": {
			change: to("redis://:" + wrongPassword + "@" + refusedAt), wait: awayWait,
			want: `redis at 127\.0\.0\.1:1: dial tcp 127\.0\.0\.1:1: connect: connection refused; start it, or correct the address` + waited,
		},
		"no cluster": {
			change: to(at + "?cluster=true"),
			want:   `redis at ` + hostsOf(at) + `: it is a single server, and several hosts or cluster=true ask for a cluster; name one host without cluster=true`,
		},
		"bad address": {
			change: to("ftp://:" + wrongPassword + "@" + refusedAt), code: 104,
			want: `--redis: not the address of a Redis: its scheme is "ftp"; want redis://.*`,
		},
	}
}

func refusedPostgres(t *testing.T, i *installation) map[string]refusedStart {
	t.Helper()
	first := i.postgres[0]
	at := `postgres at ` + hostsOf(first) + `/`
	to := func(change func(dsn string) string) func(*testing.T, *installation) {
		return func(_ *testing.T, i *installation) { i.postgres[0] = change(i.postgres[0]) }
	}
	closed := makeClosedSchema(t, i)
	return map[string]refusedStart{
		"wrong password": {
			change: to(func(dsn string) string { return withPassword(t, dsn, "notifyctl", wrongPassword) }),
			want: at + `notifyctl: password authentication failed for user "notifyctl" \(SQLSTATE 28P01\); ` +
				`correct the user and password of --postgres, or let the user in by pg_hba\.conf`,
		},
		"no database": {
			change: to(func(dsn string) string { return strings.Replace(dsn, "/notifyctl?", "/nowhere?", 1) }),
			want:   at + `nowhere: database "nowhere" does not exist \(SQLSTATE 3D000\); create it with createdb, or correct --postgres`,
		},
		"no schema": {
			change: to(func(dsn string) string { return pipelinetest.WithParameter(t, dsn, "search_path", "nowhere") }),
			want:   at + `notifyctl: the schema that search_path names does not exist; create it`,
		},
		"no right to make tables": {
			change: to(func(dsn string) string { return pipelinetest.WithParameter(t, dsn, "search_path", closed) }),
			want: at + `notifyctl: permission denied for schema ` + closed + ` \(SQLSTATE 42501\); ` +
				`let the role make tables \(GRANT CREATE, USAGE ON SCHEMA \.\.\. TO \.\.\.\), or start this program once as a role that may`,
		},
		"too few shards": {
			change: func(_ *testing.T, i *installation) { i.postgres = i.postgres[:1] },
			want:   at + `notifyctl: the preferences lie on 2 shards, and --postgres is given 1 times; give --postgres 2 times, in the same order as before`,
		},
		"shards the other way about": {
			change: func(_ *testing.T, i *installation) { i.postgres[0], i.postgres[1] = i.postgres[1], i.postgres[0] },
			want: `postgres at ` + hostsOf(i.postgres[1]) + `/notifyctl: it is given as shard 0, and is shard 1; ` +
				`give each shard's database once, in the same order as before`,
		},
		"away": {
			change: to(func(dsn string) string { return withHosts(dsn, refusedAt) }), wait: awayWait,
			want: `postgres at 127\.0\.0\.1:1/notifyctl: no primary: 127\.0\.0\.1:1: connect: connection refused; start it, or correct --postgres` + waited,
		},
		"bad address": {
			change: to(func(string) string { return "postgres://notifyctl:" + wrongPassword + "@" + refusedAt }), code: 104,
			want: `--postgres: no database is named; want postgres://.*`,
		},
	}
}

// makeClosedSchema makes a schema in the first shard in which the user may make
// nothing.
func makeClosedSchema(t *testing.T, i *installation) (name string) {
	t.Helper()
	name = i.name + "_closed"
	superuser := pipelinetest.Engine(t, "postgres-0-superuser")
	do := func(statement string) error { return onPrimary(superuser, statement) }
	t.Cleanup(func() {
		if err := do("DROP SCHEMA IF EXISTS " + name + " CASCADE"); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(do("CREATE SCHEMA "+name), do("GRANT USAGE ON SCHEMA "+name+" TO notifyctl")); err != nil {
		t.Fatal(err)
	}
	return name
}

func refusedCassandra(i *installation) map[string]refusedStart {
	at := `cassandra at ` + hostsOf(i.cassandra) + `: `
	to := func(change func(dsn string) string) func(*testing.T, *installation) {
		return func(_ *testing.T, i *installation) { i.cassandra = change(i.cassandra) }
	}
	return map[string]refusedStart{
		"wrong password": {
			change: to(func(dsn string) string { return strings.Replace(dsn, ":cassandra@", ":"+wrongPassword+"@", 1) }),
			want:   at + `Provided username cassandra and/or password are incorrect; check the user and the password`,
		},
		"no password": {
			change: to(func(dsn string) string { return strings.Replace(dsn, "cassandra:cassandra@", "", 1) }),
			want:   at + `authentication required \(using "org\.apache\.cassandra\.auth\.PasswordAuthenticator"\); check the user and the password`,
		},
		"TLS to plain text": {
			change: to(func(dsn string) string { return dsn + "?tls=true" }),
			want:   at + `tls: first record does not look like a TLS handshake; check tls and ca`,
		},
		"away": {
			change: to(func(dsn string) string { return withHosts(dsn, refusedAt) }), wait: awayWait,
			want: `cassandra at 127\.0\.0\.1:1: dial tcp 127\.0\.0\.1:1: connect: connection refused; start it, or check the address` + waited,
		},
		"bad address": {
			change: to(func(dsn string) string { return "cassandra://" + wrongPassword + "@" + hosts(dsn) }), code: 104,
			want: `--cassandra: the address of Cassandra has a user without a password, or the other way round: want .*`,
		},
	}
}

func refusedTemplates() map[string]refusedStart {
	to := func(change func(place string) string) func(*testing.T, *installation) {
		return func(_ *testing.T, i *installation) { i.templates = change(i.templates) }
	}
	const credentials = `; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those of a user of the bucket`
	return map[string]refusedStart{
		"no bucket": {
			change: to(func(place string) string { return strings.Replace(place, "s3://notifyctl?", "s3://nowhere?", 1) }),
			want:   `templates at s3://nowhere \([0-9.:]+\): NoSuchBucket: The specified bucket does not exist; create the bucket, or correct --templates`,
		},
		"wrong key": {
			env:  "AWS_SECRET_ACCESS_KEY=" + wrongPassword,
			want: `templates at s3://notifyctl \([0-9.:]+\): SignatureDoesNotMatch: .*` + credentials,
		},
		"no such user": {
			env:  "AWS_ACCESS_KEY_ID=nobody",
			want: `templates at s3://notifyctl \([0-9.:]+\): XAdminUserNotFound: .*` + credentials,
		},
		"away": {
			change: to(func(place string) string { return withHosts(place, refusedAt) }), wait: awayWait,
			want: `templates at s3://notifyctl \(127\.0\.0\.1:1\): dial tcp 127\.0\.0\.1:1: connect: connection refused; start it, or correct --templates` + waited,
		},
		"bad address": {
			change: to(func(string) string { return "s3://notifyctl:" + wrongPassword + "@bucket" }), code: 104,
			want: `--templates: credentials are no part of the URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; want .*`,
		},
	}
}
