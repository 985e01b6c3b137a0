package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
	"github.com/notifyctl/notifyctl/pipeline/preference"
)

// optOut is a body of PUT /v1/users/{user}/preferences.
const optOut = `{"channels":{"email":{"transactional":false,"promotional":false,"addresses":[]}}}`

// usersOn gives users of a fleet whose preferences lie on a shard, by number.
func (f *fleet) usersOn(t *testing.T, shard int, prefix string) func(i int) string {
	t.Helper()
	status, err := f.status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sharding, ok := pipeline.ParseSharding(status.Shards.Sharding)
	if !ok {
		t.Fatalf("users are divided by %q", status.Shards.Sharding)
	}
	router := preference.NewRouter(pipeline.Placement{Shards: status.Shards.Shards, Sharding: sharding})
	var users []string
	next := 0
	return func(i int) string {
		for ; len(users) <= i; next++ {
			if user := fmt.Sprintf("%s-%s%d", f.name, prefix, next); router.Shard(user) == shard {
				users = append(users, user)
			}
		}
		return users[i]
	}
}

// preferencesOf is the address of a user's preferences at a gateway.
func (f *fleet) preferencesOf(user string) string {
	return f.gateway(0) + "/v1/users/" + user + "/preferences"
}

// TestFleetGoesOnWithoutAReplicaOfPostgres kills one of a shard's two replicas:
// nobody notices.
func TestFleetGoesOnWithoutAReplicaOfPostgres(t *testing.T) {
	replica := pipelinetest.Nodes(t, "postgres-0-2")
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 1)
	l := f.load(t, f.name, keyedRequests(f.name, fleetTotal), fleetRate)
	l.awaitAnswered(t, fleetTotal/3)
	replica.Kill()
	for i, user := 0, f.usersOn(t, 0, "changed"); i < 10; i++ {
		if err := ask(t.Context(), http.MethodPut, f.preferencesOf(user(i)), optOut); err != nil {
			t.Errorf("without a replica preferences are not changed: %v", err)
		}
	}
	l.awaitAnswered(t, 2*fleetTotal/3)
	replica.Start()
	checkNothingTwice(t, f.reckon(t, l))
	checkNoneRefused(t, l)
	f.end(t)
}

// TestFleetGoesOnWithoutPrimariesOfPostgres kills the primaries of both shards,
// of which one has replicas: users that are known go on, those of the first shard
// that are not are asked of a replica, and those of the second wait, as do
// changes.
func TestFleetGoesOnWithoutPrimariesOfPostgres(t *testing.T) {
	primaries := pipelinetest.Nodes(t, "postgres-0-0", "postgres-1-0")
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 1)
	load := func(run string, user func(int) string, n int) *load {
		return f.load(t, f.name+run, keyedRequestsTo(user, f.name+run, n), fleetRate)
	}
	known := func(i int) string { return fmt.Sprintf("%s-known%d", f.name, i) }
	first := load("_first", known, fleetTotal/3)
	first.wait(t)
	f.awaitDelivered(t, fleetTotal/3)

	primaries.Kill()
	changed := [2]string{f.usersOn(t, 0, "changed")(0), f.usersOn(t, 1, "changed")(0)}
	for _, user := range changed {
		wantUnavailable(t, http.MethodPut, f.preferencesOf(user), optOut)
	}
	for _, p := range []*process{f.gateways[0], f.workers[0]} {
		readiness := awaitPart(t, p, "postgres", "degraded: preferences cannot be changed")
		if says := readiness.Checks["postgres"]; readiness.Status != "ready" || !strings.Contains(says, "shard 0") || !strings.Contains(says, "shard 1") {
			t.Errorf("without primaries %s is %+v", p.name, readiness)
		}
	}
	again := load("_again", known, fleetTotal/3)
	replicated := load("_replicated", f.usersOn(t, 0, "new"), fleetTotal/3)
	again.wait(t)
	replicated.wait(t)
	f.awaitDelivered(t, fleetTotal)
	checkNoneRefused(t, first, again)
	late := load("_late", f.usersOn(t, 1, "new"), keyedBatch)
	late.awaitRefused(t, 3)
	if late.answered.Load() > 0 {
		t.Error("users that nobody could ask about were accepted")
	}

	primaries.Start()
	for _, p := range []*process{f.gateways[0], f.workers[0]} {
		awaitPart(t, p, "postgres", "ok")
	}
	for _, user := range changed {
		awaitDone(t, http.MethodPut, f.preferencesOf(user), optOut)
	}
	checkNothingTwice(t, f.reckon(t, first, again, replicated, late))
	f.end(t)
}

// TestFleetSurvivesAFailoverOfPostgres kills a primary and promotes a replica: no
// process is started anew, and no change that was answered is lost.
func TestFleetSurvivesAFailoverOfPostgres(t *testing.T) {
	primary := pipelinetest.Nodes(t, "postgres-0-0")
	f := newFleet(t, newInstallation(t, "redis"))
	f.start(t, 1, 1)
	l := f.load(t, f.name, keyedRequests(f.name, fleetMost), fleetRate)
	l.awaitAnswered(t, fleetTotal/4)
	user := f.usersOn(t, 0, "changed")
	if err := ask(t.Context(), http.MethodPut, f.preferencesOf(user(0)), optOut); err != nil {
		t.Fatal(err)
	}

	primary.Kill()
	wantUnavailable(t, http.MethodPut, f.preferencesOf(user(1)), optOut)
	for _, p := range []*process{f.gateways[0], f.workers[0]} {
		awaitPart(t, p, "postgres", "degraded: ")
	}
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	promoted := promote(t)
	defer promoted.Close(context.Background()) //nolint:errcheck // nothing is in it any more
	for _, p := range []*process{f.gateways[0], f.workers[0]} {
		awaitPart(t, p, "postgres", "ok")
	}
	if err := ask(t.Context(), http.MethodPut, f.preferencesOf(user(1)), optOut); err != nil {
		t.Errorf("after the failover: %v", err)
	}
	for i := range 2 {
		var wanted bool
		err := promoted.QueryRow(t.Context(), "SELECT transactional FROM "+f.name+".preferences WHERE user_id = $1", user(i)).Scan(&wanted)
		if err != nil || wanted {
			t.Errorf("the opt-out of %s, which was answered, is not with the new primary: %v, %v", user(i), wanted, err)
		}
	}
	l.awaitAnswered(t, l.answered.Load()+fleetTotal/4)
	l.finish()
	checkNothingTwice(t, f.reckon(t, l))
	f.end(t)
}

// promote makes the replica of the first shard that is further the primary, and
// gives a connection to it.
func promote(t *testing.T) *pgx.Conn {
	t.Helper()
	u, err := url.Parse(pipelinetest.Engine(t, "postgres-0-superuser"))
	if err != nil {
		t.Fatal(err)
	}
	var best *pgx.Conn
	furthest := int64(-1)
	for _, host := range strings.Split(u.Host, ",")[1:] {
		at := *u
		at.Host = host
		conn, err := pgx.Connect(t.Context(), at.String())
		if err != nil {
			t.Fatal(err)
		}
		var position int64
		if err := conn.QueryRow(t.Context(), "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::bigint").Scan(&position); err != nil {
			t.Fatal(err)
		}
		if position <= furthest {
			_ = conn.Close(t.Context()) // which only said where it stands
			continue
		}
		if best != nil {
			_ = best.Close(t.Context())
		}
		best, furthest = conn, position
	}
	var done bool
	if err := best.QueryRow(t.Context(), "SELECT pg_promote()").Scan(&done); err != nil || !done {
		t.Fatalf("promote %s: %v, %v", best.Config().Host, done, err)
	}
	return best
}
