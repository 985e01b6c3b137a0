package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/notifyctl/notifyctl/pipeline"
)

// IDKey gives the installation's key of ids, which all its processes must
// share. The first process makes it, unless one is given; a given one is not
// kept, only its fingerprint, by which every later one is compared.
func (s *Shards) IDKey(ctx context.Context, given *pipeline.IDKey) (key pipeline.IDKey, err error) {
	err = s.session.use(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
			key, err = settleIDKey(ctx, tx, given)
			return err
		})
	})
	if err != nil {
		return key, s.first().fault(err)
	}
	return key, nil
}

func settleIDKey(ctx context.Context, tx pgx.Tx, given *pipeline.IDKey) (key pipeline.IDKey, err error) {
	kept := true
	if given != nil {
		key, kept = *given, false
	} else {
		_, _ = rand.Read(key[:]) // never fails
	}
	fingerprint := sha256.Sum256(key[:])
	var stored []byte // null when it is not to be kept
	if kept {
		stored = key[:]
	}
	if _, err := tx.Exec(ctx, "INSERT INTO id_key (key, fingerprint) VALUES ($1, $2) ON CONFLICT DO NOTHING", stored, fingerprint[:]); err != nil {
		return key, err
	}
	var has []byte
	if err := tx.QueryRow(ctx, "SELECT key, fingerprint FROM id_key").Scan(&stored, &has); err != nil {
		return key, err
	}
	refuse := func(remedy string, err error) error {
		return &pipeline.EngineError{Engine: pipeline.EnginePostgres, Err: err, Remedy: remedy, Permanent: true}
	}
	short := func(sum []byte) string { return hex.EncodeToString(sum[:4]) }
	switch {
	case given != nil && string(has) != string(fingerprint[:]):
		return key, refuse("give the key that the installation began with, or none if it was made here: under another no id that was given out is known again",
			fmt.Errorf("NOTIFYCTL_ID_KEY is another key (fingerprint %s) than the installation's (%s)", short(fingerprint[:]), short(has)))
	case given != nil:
		return key, nil
	case len(stored) != len(key):
		return key, refuse("give it by NOTIFYCTL_ID_KEY to every process",
			errors.New("the installation's key of ids was given from outside (fingerprint "+short(has)+"), and is not kept"))
	}
	return pipeline.IDKey(stored), nil
}
