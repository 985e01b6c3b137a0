package cassandra

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	insertAside = `INSERT INTO put_aside (channel, partition, position, digest, id) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS`
	// insertUndecodable writes the same letter whoever repeats it.
	insertUndecodable = "INSERT INTO dead_letters (channel, hour, id, reason, undecodable) VALUES (?, ?, ?, ?, ?)"
)

// PutAside keeps as dead letters what a log held in place of records. A letter
// lies under the hour in which it was put aside first, which a repetition must
// find again: so the place in the log is given an id by agreement, once. Each
// costs some milliseconds, and there should be none.
func (s *Store) PutAside(ctx context.Context, undecodable []pipeline.Logged) error {
	return call(ctx, "put aside what is no record", func(ctx context.Context) error {
		return each(ctx, len(undecodable), func(ctx context.Context, i int) error { return s.putAside(ctx, &undecodable[i]) })
	})
}

func (s *Store) putAside(ctx context.Context, u *pipeline.Logged) error {
	channel, token, digest := int8(u.Channel), u.Token, sha256.Sum256(u.Undecodable)
	id := s.asideID(u, digest)
	was := map[string]any{}
	applied, err := s.session.Query(insertAside, channel, token.Partition, token.Position, digest[:8], id[:]).MapScanCASContext(ctx, was)
	if err != nil {
		return err
	}
	if !applied {
		before, _ := was["id"].([]byte)
		if id, err = decodeID(before); err != nil {
			return err
		}
	}
	if err := s.noteHour(ctx, u.Channel, hourOf(id.Time())); err != nil {
		return err
	}
	bytes := u.Undecodable
	if bytes == nil {
		bytes = []byte{} // which is kept, as nil is not
	}
	return s.query(insertUndecodable, channel, hourOf(id.Time()), id[:], pipeline.ReasonUndecodable, bytes).ExecContext(ctx)
}

// asideID makes a place in a log into an id that sorts by the time and tells
// the queue. It is no notification's, and is not shown.
func (s *Store) asideID(u *pipeline.Logged, digest [sha256.Size]byte) pipeline.ID {
	id := pipeline.LowestID(s.now())
	id[9] = byte(u.Channel)<<2 | byte(u.Priority)
	copy(id[10:], digest[:3])
	binary.BigEndian.PutUint32(id[13:], uint32(u.Token.Position))
	id[8] = byte(u.Token.Partition)
	return id
}
