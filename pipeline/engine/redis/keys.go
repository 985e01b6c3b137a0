package redis

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Keys is the store of idempotency keys, one entry each, on whichever server its
// hash falls. The lowest key of a slice is taken first and decides between equal
// slices that come at the same time, or each might be refused for what another
// took on another server. The rest are taken in one round trip; when one is
// refused, the others are let go again, and what is left of them because Redis
// or the process died meanwhile ends by its deadline. It is safe for concurrent
// use.
//
// All calls may be repeated with the same holder, and the driver does so. A
// reply that is lost leaves keys as before, or reserved until the deadline.
type Keys struct {
	client      *Client
	prefix      string // of the names
	ttl         time.Duration
	reservation time.Duration
	// The scripts; see keys_scripts.go.
	reserve, done, letGo script
}

func newKeys(c *Client, ttl, reservation time.Duration) Keys {
	return Keys{
		client: c, prefix: c.dsn.name("idem:"), ttl: ttl, reservation: reservation,
		reserve: newScript(reserveScript), done: newScript(doneScript), letGo: newScript(letGoScript),
	}
}

// name names a key's entry.
func (k *Keys) name(key *pipeline.KeyHash) string {
	const encoded = 22
	name := append(make([]byte, 0, len(k.prefix)+encoded+2), k.prefix...)
	name = base64.RawURLEncoding.AppendEncode(append(name, '{'), key[:])
	return string(append(name, '}'))
}

// whatIfFresh is what becomes of a fresh key that is let go: with something
// written under its stamp it must be resumable. One that was resumed stays so.
type whatIfFresh string

const (
	free whatIfFresh = "free"
	keep whatIfFresh = "keep"
)

func (k *Keys) reserveCall(h [16]byte, claim *pipeline.Claim) call {
	stamp := pipeline.AppendStamp(make([]byte, 0, pipeline.StampSize), claim.Stamp)
	return call{
		[]string{k.name(&claim.Key)},
		[]any{h[:], claim.Body[:], stamp, k.reservation.Milliseconds(), (k.reservation + k.ttl).Milliseconds()},
	}
}

func (k *Keys) letGoCall(h [16]byte, claim *pipeline.Claim, fresh whatIfFresh) call {
	return call{[]string{k.name(&claim.Key)}, []any{h[:], string(fresh)}}
}

// Reserve takes the keys of claims for a holder, all or none. A resumable key of
// the same body goes to the holder, Resumed under the stamp that it had. Errors:
// a *[pipeline.ClaimError], [pipeline.ErrFull], [pipeline.ErrUnavailable].
func (k *Keys) Reserve(ctx context.Context, h [16]byte, claims []pipeline.Claim) ([]pipeline.Standing, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	calls := make([]call, len(claims))
	for i := range claims {
		calls[i] = k.reserveCall(h, &claims[i])
	}
	asking, cancel := context.WithTimeout(ctx, k.client.callTimeout)
	defer cancel()
	commands := k.ask(asking, claims, calls)
	standings, err := k.standings(claims, commands)
	if err == nil {
		err = ctx.Err()
		if err != nil {
			err = k.client.fault(err)
		}
	}
	if err == nil {
		return standings, nil
	}
	k.undo(ctx, h, claims, standings, commands)
	return nil, err
}

// ask takes the lowest key, and then the rest unless it is refused. Commands
// that were not sent are nil.
func (k *Keys) ask(ctx context.Context, claims []pipeline.Claim, calls []call) []*goredis.Cmd {
	lowest := 0
	for i := range claims {
		if bytes.Compare(claims[i].Key[:], claims[lowest].Key[:]) < 0 {
			lowest = i
		}
	}
	first := k.client.run(ctx, &k.reserve, calls[lowest:lowest+1])[0]
	reply, err := first.Text()
	if err != nil || isRefusal(reply) || len(calls) == 1 {
		commands := make([]*goredis.Cmd, len(calls))
		commands[lowest] = first
		return commands
	}
	rest := slices.Concat(calls[:lowest], calls[lowest+1:])
	return slices.Insert(k.client.run(ctx, &k.reserve, rest), lowest, first)
}

// standings reads the replies. Its error is the one that says most: what was
// refused, before what is not known.
func (k *Keys) standings(claims []pipeline.Claim, commands []*goredis.Cmd) ([]pipeline.Standing, error) {
	standings := make([]pipeline.Standing, len(claims))
	var refused, failed error
	for i, command := range commands {
		if command == nil {
			continue
		}
		reply, err := command.Text()
		if err == nil {
			standings[i], err = readStanding(reply, claims[i].Stamp)
		}
		switch {
		case err == nil:
		case !errors.Is(err, pipeline.ErrRunning) && !errors.Is(err, pipeline.ErrConflict):
			if failed == nil || isOutOfMemory(err) {
				failed = k.client.fault(err)
			}
		case refused == nil:
			refused = &pipeline.ClaimError{Claim: i, Err: err}
		}
	}
	if refused != nil {
		return standings, refused
	}
	return standings, failed
}

// undo lets go of what was taken of a reservation that failed, and of what may
// have been. It is tried once: what remains ends by the deadline.
func (k *Keys) undo(ctx context.Context, h [16]byte, claims []pipeline.Claim, standings []pipeline.Standing, commands []*goredis.Cmd) {
	var calls []call
	for i := range claims {
		if commands[i] == nil {
			continue
		}
		taken := standings[i].Kind == pipeline.Fresh || standings[i].Kind == pipeline.Resumed
		if _, answered := errors.AsType[goredis.Error](commands[i].Err()); taken || commands[i].Err() != nil && !answered {
			calls = append(calls, k.letGoCall(h, &claims[i], free))
		}
	}
	if len(calls) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	k.client.run(ctx, &k.letGo, calls)
}

// Done stores the answers of keys that the holder has, results[i] of claims[i],
// under the stamps of their standings. A key that is gone is stored too; one
// that another holder has by now is left to it. Errors: [pipeline.ErrFull],
// [pipeline.ErrUnavailable]; then some may be stored.
func (k *Keys) Done(ctx context.Context, h [16]byte, claims []pipeline.Claim, standings []pipeline.Standing, results [][]pipeline.Result) error {
	ttl := k.ttl.Milliseconds()
	return k.each(ctx, &k.done, claims, standings, func(i int) call {
		done := appendDone(nil, &answer{claims[i].Body, standings[i].Stamp, results[i]})
		return call{[]string{k.name(&claims[i].Key)}, []any{h[:], done, ttl}}
	})
}

// Release frees the keys that the holder still has, when nothing was written
// under them; those that it had resumed stay resumable. Errors:
// [pipeline.ErrUnavailable]; then the rest end by the deadline.
func (k *Keys) Release(ctx context.Context, h [16]byte, claims []pipeline.Claim, standings []pipeline.Standing) error {
	return k.each(ctx, &k.letGo, claims, standings, func(i int) call { return k.letGoCall(h, &claims[i], free) })
}

// Yield makes the keys that the holder has resumable at once: something may have
// been written under their stamps. Errors: [pipeline.ErrUnavailable]; then the
// rest become resumable by the deadline.
func (k *Keys) Yield(ctx context.Context, h [16]byte, claims []pipeline.Claim) error {
	return k.each(ctx, &k.letGo, claims, nil, func(i int) call { return k.letGoCall(h, &claims[i], keep) })
}

// each runs a script for every claim that the holder may have: all but those
// whose standing is an answer.
func (k *Keys) each(ctx context.Context, s *script, claims []pipeline.Claim, standings []pipeline.Standing, of func(i int) call) error {
	calls := make([]call, 0, len(claims))
	for i := range claims {
		if standings == nil || standings[i].Kind != pipeline.Replayed {
			calls = append(calls, of(i))
		}
	}
	if len(calls) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, k.client.callTimeout)
	defer cancel()
	if err := firstError(k.client.run(ctx, s, calls)); err != nil {
		return k.client.fault(err)
	}
	return nil
}
