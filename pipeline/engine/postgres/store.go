package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/notifyctl/notifyctl/pipeline"
)

// readQuery looks up a slice of keys, as pairs out of two arrays.
const readQuery = `
	SELECT p.user_id, p.channel, p.transactional, p.promotional, p.addresses, p.version
	FROM unnest($1::text[], $2::smallint[]) AS k (user_id, channel)
	JOIN preferences AS p ON p.user_id = k.user_id AND p.channel = k.channel`

// scanQuery goes through the rows in the order of their keys.
const scanQuery = `
	SELECT user_id, channel, transactional, promotional, addresses, version
	FROM preferences WHERE (user_id, channel) > ($1, $2) ORDER BY user_id, channel LIMIT $3`

// writeStatement gives a row the server's time in microseconds, but more than it
// had and than any that was erased: so versions grow whatever clocks do. Rows
// are locked in one order, so that two writers do not wait for each other.
const writeStatement = `
	INSERT INTO preferences AS p (user_id, channel, transactional, promotional, addresses, version)
	SELECT k.user_id, k.channel, k.transactional, k.promotional,
	       ARRAY(SELECT jsonb_array_elements_text(k.addresses::jsonb)),
	       greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, s.version_floor + 1)
	FROM unnest($1::text[], $2::smallint[], $3::boolean[], $4::boolean[], $5::text[])
	         AS k (user_id, channel, transactional, promotional, addresses),
	     shard AS s
	WHERE s.lineage = $6
	ORDER BY k.user_id COLLATE "C", k.channel
	ON CONFLICT (user_id, channel) DO UPDATE SET
		transactional = excluded.transactional,
		promotional   = excluded.promotional,
		addresses     = excluded.addresses,
		version       = greatest(excluded.version, p.version + 1)`

// importStatement takes rows as they are, but not in place of newer ones.
const importStatement = `
	INSERT INTO preferences AS p (user_id, channel, transactional, promotional, addresses, version)
	SELECT k.user_id, k.channel, k.transactional, k.promotional,
	       ARRAY(SELECT jsonb_array_elements_text(k.addresses::jsonb)), k.version
	FROM unnest($1::text[], $2::smallint[], $3::boolean[], $4::boolean[], $5::text[], $6::bigint[])
	         AS k (user_id, channel, transactional, promotional, addresses, version),
	     shard AS s
	WHERE s.lineage = $7
	ORDER BY k.user_id COLLATE "C", k.channel
	ON CONFLICT (user_id, channel) DO UPDATE SET
		transactional = excluded.transactional,
		promotional   = excluded.promotional,
		addresses     = excluded.addresses,
		version       = excluded.version
	WHERE excluded.version > p.version`

// eraseStatement keeps the highest version of what it erases, for those who
// come back.
const eraseStatement = `
	WITH gone AS (
		DELETE FROM preferences AS p USING shard AS s
		WHERE s.lineage = $2 AND p.user_id = ANY ($1::text[])
		RETURNING p.version
	)
	UPDATE shard SET version_floor = greatest(version_floor, (SELECT max(version) FROM gone))
	WHERE lineage = $2 AND EXISTS (SELECT FROM gone)`

// Preferences is one shard. It is a [pipeline.PreferenceStore].
type Preferences struct {
	cluster *cluster
	gate    *gate
	close   sync.Once
}

var _ pipeline.PreferenceStore = (*Preferences)(nil)

// Read looks keys up by one query.
func (p *Preferences) Read(ctx context.Context, keys []pipeline.PreferenceKey) ([]pipeline.Preference, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	users, channels := make([]string, len(keys)), make([]int16, len(keys))
	for i, key := range keys {
		users[i], channels[i] = key.UserID, int16(key.Channel)
	}
	var found []pipeline.Preference
	err := p.gate.check()
	if err == nil {
		err = p.cluster.read(ctx, query{readQuery, []any{users, channels}, func(rows pgx.Rows) (err error) {
			found, err = pgx.AppendRows(found[:0], rows, scanPreference)
			return err
		}})
	}
	if err != nil {
		return nil, p.explain("read preferences", err)
	}
	return found, nil
}

// Scan reads rows of the primary by one query: what is copied to other shards
// must not be old.
func (p *Preferences) Scan(ctx context.Context, after pipeline.PreferenceKey, limit int) ([]pipeline.Preference, error) {
	var found []pipeline.Preference
	err := p.gate.check()
	if err == nil {
		q := query{scanQuery, []any{after.UserID, int16(after.Channel), limit}, func(rows pgx.Rows) (err error) {
			found, err = pgx.AppendRows(found[:0], rows, scanPreference)
			return err
		}}
		err = p.cluster.twice(ctx, func(ctx context.Context) error { return p.cluster.readPrimary(ctx, p.cluster.current(), q) })
	}
	if err != nil {
		return nil, p.explain("read preferences", err)
	}
	return found, nil
}

func scanPreference(row pgx.CollectableRow) (p pipeline.Preference, err error) {
	err = row.Scan(&p.UserID, &p.Channel, &p.Transactional, &p.Promotional, &p.Addresses, &p.Version)
	return p, err
}

// columns are rows as parallel arrays, one a key.
type columns struct {
	users                      []string
	channels                   []int16
	transactional, promotional []bool
	addresses                  []string // each a JSON array
	versions                   []int64
}

// arrange makes columns of rows. Of several rows of a key the last counts.
func arrange(rows []pipeline.Preference) (c columns, err error) {
	last := make(map[pipeline.PreferenceKey]int, len(rows))
	for i := range rows {
		last[rows[i].PreferenceKey] = i
	}
	for i := range rows {
		row := &rows[i]
		if last[row.PreferenceKey] != i {
			continue
		}
		addresses, err := json.Marshal(append([]string{}, row.Addresses...)) // [], not null
		if err != nil {
			return c, err
		}
		c.users, c.channels = append(c.users, row.UserID), append(c.channels, int16(row.Channel))
		c.transactional, c.promotional = append(c.transactional, row.Transactional), append(c.promotional, row.Promotional)
		c.addresses, c.versions = append(c.addresses, string(addresses)), append(c.versions, row.Version)
	}
	return c, nil
}

// Write sets preferences by one statement.
func (p *Preferences) Write(ctx context.Context, preferences []pipeline.Preference) error {
	if len(preferences) == 0 {
		return nil
	}
	c, err := arrange(preferences)
	if err == nil {
		err = p.change(ctx, writeStatement, c.users, c.channels, c.transactional, c.promotional, c.addresses)
	}
	return p.explain("write preferences", err)
}

// Import writes rows of another shard by one statement.
func (p *Preferences) Import(ctx context.Context, preferences []pipeline.Preference) error {
	if len(preferences) == 0 {
		return nil
	}
	c, err := arrange(preferences)
	if err == nil {
		err = p.change(ctx, importStatement, c.users, c.channels, c.transactional, c.promotional, c.addresses, c.versions)
	}
	return p.explain("import preferences", err)
}

// Erase forgets users by one statement.
func (p *Preferences) Erase(ctx context.Context, users []string) error {
	if len(users) == 0 {
		return nil
	}
	return p.explain("erase preferences", p.change(ctx, eraseStatement, users))
}

func (p *Preferences) change(ctx context.Context, statement string, arguments ...any) error {
	if err := p.gate.check(); err != nil {
		return err
	}
	return p.cluster.change(ctx, statement, arguments...)
}

// Close lets go of the shard. The store must not be used after it.
func (p *Preferences) Close() error {
	p.close.Do(p.cluster.release)
	return nil
}

// explain says what was being done on which shard, and what the user can do. All
// but the end of a context is the store not being available.
func (p *Preferences) explain(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || err == context.DeadlineExceeded { //nolint:errorlint // a deadline of ours is wrapped
		return err
	}
	return p.cluster.unavailable(doing, err)
}
