package redis

import (
	"context"
	"strings"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Limits counts what users get, one counter a user, a channel and a day, which
// expires at the end of the day after. It is a [pipeline.Limits] for all
// processes that share the Redis. A clock that is set back over a midnight, or
// is behind another's, goes on counting on the day that was reached.
type Limits struct {
	client         *Client
	prefix         string // of the names
	take, giveBack script
}

// takeScript takes tokens from the counter of a day, or from that of the day
// after if that has begun. KEYS: both. ARGV: the limit, how many tokens, after
// how many seconds a new counter expires. It gives how many were taken.
const takeScript = `
local counter = KEYS[1]
if redis.call('EXISTS', KEYS[2]) == 1 then
  counter = KEYS[2]
end
local held = redis.call('GET', counter)
local tokens = math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) - tonumber(held or 0))
if tokens <= 0 then
  return 0
end
redis.call('INCRBY', counter, string.format('%.0f', tokens))
if not held then
  redis.call('EXPIRE', counter, ARGV[3])
end
return tokens
`

// giveBackScript gives tokens back to a counter, no more than were taken. ARGV:
// how many.
const giveBackScript = `
local tokens = math.min(tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or 0))
if tokens > 0 then
  redis.call('DECRBY', KEYS[1], string.format('%.0f', tokens))
end
return tokens
`

func newLimits(c *Client) *Limits {
	l := &Limits{client: c, prefix: c.dsn.name("rate:user:"), take: newScript(takeScript), giveBack: newScript(giveBackScript)}
	l.take.once, l.giveBack.once = true, true
	return l
}

const dayLength = 24 * time.Hour

// dayStart is the midnight, in UTC, that a time's day began with.
func dayStart(at time.Time) time.Time { return at.UTC().Truncate(dayLength) }

// counterName names the counter of the day that begins with a midnight.
func (l *Limits) counterName(key pipeline.PreferenceKey, midnight time.Time) string {
	return l.prefix + "{" + tagged(key.UserID) + "}:" + key.Channel.String() + ":" + midnight.Format(time.DateOnly)
}

// tagged is a text for between the braces by which a cluster places entries: all
// that have the same between them on one server. Braces in the text would end it
// early.
func tagged(text string) string {
	if strings.ContainsAny(text, "{}%") {
		return strings.NewReplacer("{", "%7B", "}", "%7D", "%", "%25").Replace(text)
	}
	return text
}

// tokens are the places in a slice at which one counter is asked.
type tokens struct {
	key    pipeline.PreferenceKey
	places []int
}

// byCounter groups the places of keys.
func byCounter(keys []pipeline.PreferenceKey) []tokens {
	groups := make([]tokens, 0, len(keys))
	at := make(map[pipeline.PreferenceKey]int, len(keys))
	places := make([]int, len(keys)) // most groups have one
	for i, key := range keys {
		places[i] = i
		group, known := at[key]
		if known {
			groups[group].places = append(groups[group].places, i)
			continue
		}
		at[key] = len(groups)
		groups = append(groups, tokens{key, places[i : i+1 : i+1]})
	}
	return groups
}

// TakeDaily takes a token for each key, all in one round trip. Errors:
// [pipeline.ErrFull], [pipeline.ErrUnavailable]; then any part may be taken.
func (l *Limits) TakeDaily(ctx context.Context, at time.Time, keys []pipeline.PreferenceKey, limits pipeline.DailyLimits, granted []bool) error {
	if len(keys) == 0 {
		return nil
	}
	today := dayStart(at)
	tomorrow := today.Add(dayLength)
	expires := int64(today.Add(2*dayLength).Sub(at)/time.Second) + 1
	groups := byCounter(keys)
	calls := make([]call, len(groups))
	for i, g := range groups {
		calls[i] = call{
			[]string{l.counterName(g.key, today), l.counterName(g.key, tomorrow)},
			[]any{limits.Of(g.key.Channel), len(g.places), expires},
		}
	}
	return l.client.passOver(ctx, func(ctx context.Context) error {
		for i, command := range l.client.run(ctx, &l.take, calls) {
			taken, err := command.Int()
			if err != nil {
				return err
			}
			for n, place := range groups[i].places {
				granted[place] = n < taken
			}
		}
		return nil
	})
}

// ReturnDaily gives back tokens that were taken at that time. Errors:
// [pipeline.ErrUnavailable]; then any part may be given back.
func (l *Limits) ReturnDaily(ctx context.Context, at time.Time, keys []pipeline.PreferenceKey) error {
	if len(keys) == 0 {
		return nil
	}
	groups := byCounter(keys)
	calls := make([]call, len(groups))
	for i, g := range groups {
		calls[i] = call{[]string{l.counterName(g.key, dayStart(at))}, []any{len(g.places)}}
	}
	return l.client.passOver(ctx, func(ctx context.Context) error { return firstError(l.client.run(ctx, &l.giveBack, calls)) })
}
