package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/notifyctl/notifyctl/pipeline"
)

// fault puts a driver's error into the ports' terms. What Redis refused for want
// of memory is [pipeline.ErrFull]; after everything else it is not known what
// happened. In a cluster it has the driver look who serves what by now, which it
// does not do by itself when a server is gone.
func (c *Client) fault(err error) error {
	if isOutOfMemory(err) {
		return fmt.Errorf("%w: redis at %s has no memory left for new entries: raise its maxmemory", pipeline.ErrFull, c.dsn.Address())
	}
	if cluster, ok := c.rdb.(*goredis.ClusterClient); ok {
		cluster.ReloadState(context.Background())
	}
	return fmt.Errorf("%w: redis at %s: %w", pipeline.ErrUnavailable, c.dsn.Address(), err)
}

// isOutOfMemory says whether a server refused a write for want of memory: Redis
// 7 says OOM first, and 6 wraps it in the error of the script.
func isOutOfMemory(err error) bool {
	_, fromServer := errors.AsType[goredis.Error](err)
	return fromServer && strings.Contains(err.Error(), "OOM command not allowed")
}

// firstError is the first error among commands, nil when all succeeded.
func firstError(commands []*goredis.Cmd) error {
	for _, command := range commands {
		if err := command.Err(); err != nil {
			return err
		}
	}
	return nil
}

// unfit says that Redis cannot be used as it is, and that waiting mends nothing.
func (c *Client) unfit(remedy, format string, args ...any) error {
	return &pipeline.EngineError{
		Engine: pipeline.EngineRedis, Address: c.dsn.Address(), Err: fmt.Errorf(format, args...), Remedy: remedy, Permanent: true,
	}
}

// unreachable explains an error of the first calls to Redis.
func (c *Client) unreachable(err error) error {
	e := &pipeline.EngineError{Engine: pipeline.EngineRedis, Address: c.dsn.Address(), Err: err}
	text := err.Error()
	_, opFailed := errors.AsType[*net.OpError](err)
	switch {
	case goredis.HasErrorPrefix(err, "NOAUTH"), goredis.HasErrorPrefix(err, "WRONGPASS"), strings.Contains(text, "invalid password"):
		e.Err = errors.New("it refuses the user or password")
		e.Remedy, e.Permanent = "give them as in redis://user:password@host:port", true
	case goredis.HasErrorPrefix(err, "NOPERM"):
		e.Remedy, e.Permanent = "grant the user the commands that it needs, as in ACL SETUSER notifyctl +@all ~* &*", true
	case strings.Contains(text, "cluster support disabled"):
		e.Err = errors.New("it is a single server, and several hosts or cluster=true ask for a cluster")
		e.Remedy, e.Permanent = "name one host without cluster=true", true
	case isTLS(err):
		e.Remedy, e.Permanent = "use rediss:// only where Redis speaks TLS, and name the authority of its certificate by ?ca=FILE", true
	case goredis.HasErrorPrefix(err, "LOADING"):
		e.Err, e.Remedy = errors.New("it is loading its data"), "wait until it has"
	case goredis.HasErrorPrefix(err, "CLUSTERDOWN"):
		e.Err, e.Remedy = errors.New("a part of the cluster's slots is served by nobody"), "see redis-cli --cluster check"
	case isTimeout(err) && c.dsn.TLS:
		e.Err, e.Remedy = errors.New("it does not answer in time"), "check that it runs, and that it speaks TLS, or write redis:// if it does not"
	case isTimeout(err):
		e.Err, e.Remedy = errors.New("it does not answer in time"), "check that it runs, and that the network lets through to it"
	case errors.Is(err, io.EOF):
		e.Err, e.Remedy = errors.New("it hangs up"), "write rediss:// if it speaks TLS, and see its log"
	case opFailed:
		e.Remedy = "start it, or correct the address"
	}
	return e
}

func isTimeout(err error) bool {
	failure, ok := errors.AsType[net.Error](err)
	return ok && failure.Timeout() // which a context's deadline is, too
}

// isTLS says whether an error is one of the handshake.
func isTLS(err error) bool {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	return record || verification || authority
}
