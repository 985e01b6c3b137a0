package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by it
	"encoding/hex"

	goredis "github.com/redis/go-redis/v9"
)

// script is a Lua script, which Redis runs whole, on the entries of one slot.
type script struct {
	source string
	digest string // by which servers that have it find it
	// once scripts do more when they are run again, so that no lost reply may
	// make the driver repeat them.
	once bool
}

func newScript(source string) script {
	digest := sha1.Sum([]byte(source)) //nolint:gosec // as above
	return script{source: source, digest: hex.EncodeToString(digest[:])}
}

// call is one run of a script.
type call struct {
	keys []string
	args []any
}

// unrepeated is a command that the driver sends once, whatever becomes of it.
type unrepeated struct{ *goredis.Cmd }

// NoRetry says so to the driver.
func (unrepeated) NoRetry() bool { return true }

// run runs a script once a call, in one round trip to each server, and gives the
// commands in the order of the calls, each with its reply or its error. Servers
// that do not have the script get it in a second one.
func (c *Client) run(ctx context.Context, s *script, calls []call) []*goredis.Cmd {
	commands := make([]*goredis.Cmd, len(calls))
	all := make([]int, len(calls))
	for i := range all {
		all[i] = i
	}
	c.send(ctx, s, "evalsha", s.digest, calls, all, commands)
	var unknown []int
	for i, command := range commands {
		if goredis.HasErrorPrefix(command.Err(), "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	if len(unknown) > 0 {
		c.send(ctx, s, "eval", s.source, calls, unknown, commands)
	}
	return commands
}

// send sends the calls at some indices by one pipeline, which in a cluster is
// split by server, and sets their commands.
func (c *Client) send(ctx context.Context, s *script, verb, text string, calls []call, indices []int, commands []*goredis.Cmd) {
	pipe := c.rdb.Pipeline()
	for _, i := range indices {
		args := make([]any, 0, 3+len(calls[i].keys)+len(calls[i].args))
		args = append(args, verb, text, len(calls[i].keys))
		for _, key := range calls[i].keys {
			args = append(args, key)
		}
		commands[i] = goredis.NewCmd(ctx, append(args, calls[i].args...)...)
		var queued goredis.Cmder = commands[i]
		if s.once {
			queued = unrepeated{commands[i]}
		}
		_ = pipe.Process(ctx, queued) // only queues it
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
}
