package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/notifyctl/notifyctl/pipeline"
)

// The oldest version that is accepted. The scripts need what 6.0 brought (SET
// with KEEPTTL); 6.2 is the oldest that was mended for long after.
const (
	oldestMajor = 6
	oldestMinor = 2
)

// check sees that Redis can be used, and warns of what does not suit.
func (c *Client) check(ctx context.Context) error {
	var mu sync.Mutex // servers of a cluster are asked at the same time
	var warned bool
	err := c.eachPrimary(ctx, func(ctx context.Context, node *goredis.Client) error {
		server, err := readInfo(ctx, node)
		if err != nil {
			return c.unreachable(err)
		}
		if err := c.checkServer(server); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if policy := server["maxmemory_policy"]; policy != "" && policy != "noeviction" && !warned {
			warned = true
			c.log.Warn("redis evicts entries when its memory is full: an idempotency key that is evicted lets a repeated request be sent twice, "+
				"and a counter lets its user have more than the day's limit; set maxmemory-policy noeviction",
				slog.String("address", c.dsn.Address()), slog.String("maxmemory_policy", policy))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.probe(ctx)
}

// eachPrimary visits every server that takes writes: all primaries of a cluster,
// or the single server.
func (c *Client) eachPrimary(ctx context.Context, visit func(ctx context.Context, node *goredis.Client) error) error {
	var err error
	switch rdb := c.rdb.(type) {
	case *goredis.ClusterClient:
		err = rdb.ForEachMaster(ctx, visit)
	case *goredis.Client:
		err = visit(ctx, rdb)
	default:
		panic(fmt.Sprintf("BUG: the driver made a %T", rdb))
	}
	if _, explained := errors.AsType[*pipeline.EngineError](err); err != nil && !explained {
		return c.unreachable(err)
	}
	return err
}

// info is what a server says of itself, by the names of its INFO command.
type info map[string]string

func readInfo(ctx context.Context, node *goredis.Client) (info, error) {
	text, err := node.Info(ctx).Result()
	if err != nil {
		return nil, err
	}
	server := info{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			server[name] = value
		}
	}
	return server, nil
}

// checkServer sees that a server is one that can be used.
func (c *Client) checkServer(server info) error {
	switch mode := server["redis_mode"]; {
	case mode == "sentinel":
		return c.unfit("name the server that it watches", "it is a sentinel")
	case mode == "cluster" && !c.dsn.Cluster:
		return c.unfit("append ?cluster=true, or name several of its nodes", "it is a node of a cluster")
	case mode != "cluster" && c.dsn.Cluster:
		return c.unfit("name one host without cluster=true", "it is a single server, and several hosts or cluster=true ask for a cluster")
	}
	if version := server["redis_version"]; !isNewEnough(version) {
		return c.unfit("upgrade it", "it is version %q, want %d.%d or newer", version, oldestMajor, oldestMinor)
	}
	if server["role"] == "slave" {
		return c.unfit("name the primary, at "+server["master_host"]+":"+server["master_port"], "it is a replica, and takes no writes")
	}
	return nil
}

// isNewEnough reads a version as in 7.0.15.
func isNewEnough(version string) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(first)
	if err != nil {
		return false
	}
	minor, err := strconv.Atoi(second)
	return err == nil && (major > oldestMajor || major == oldestMajor && minor >= oldestMinor)
}

// probe reserves a key that nobody uses and frees it, which needs all that the
// other calls need: scripts, and writes. A full memory is nothing that a start
// should fail for.
func (c *Client) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.callTimeout)
	defer cancel()
	var h [16]byte
	_, _ = rand.Read(h[:]) // it never fails
	claim := pipeline.Claim{Key: h, Body: h}
	err := firstError(c.run(ctx, &c.keys.reserve, []call{c.keys.reserveCall(h, &claim)}))
	if err == nil {
		err = firstError(c.run(ctx, &c.keys.letGo, []call{c.keys.letGoCall(h, &claim, free)}))
	}
	if isOutOfMemory(err) {
		c.log.Warn("redis has no memory left: requests with idempotency keys are refused until its maxmemory is raised or keys expire",
			slog.String("address", c.dsn.Address()))
		return nil
	}
	if err != nil {
		return c.unreachable(err)
	}
	return nil
}

// Check says whether Redis takes calls at the moment, for readiness. Errors:
// [pipeline.ErrUnavailable].
func (c *Client) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.cacheTimeout)
	defer cancel()
	if cluster, ok := c.rdb.(*goredis.ClusterClient); ok {
		state, err := cluster.ClusterInfo(ctx).Result()
		if err == nil && !strings.Contains(state, "cluster_state:ok") {
			err = errors.New("the cluster is down: a part of its slots is served by nobody")
		}
		if err != nil {
			return c.fault(err)
		}
		return nil
	}
	role, err := c.rdb.Info(ctx, "replication").Result()
	if err == nil && strings.Contains(role, "role:slave") {
		err = errors.New("it is a replica, and takes no writes")
	}
	if err != nil {
		return c.fault(err)
	}
	return nil
}
