package cassandra

import (
	"encoding/binary"
	"strings"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// insertRow writes a row by the time of what it tells, not that of its sending,
// so that a repetition never overwrites what came after it first.
const insertRow = `INSERT INTO history (user_hash, month, accepted_at, id, attempt, state,
	user_id, ref, reason, at, replay_of, attempted, delivery) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`

// insertions are the statements that write rows, each as many as its index says.
// Several are one statement, an unlogged batch, so that the driver and the node look
// up, take in and answer one; of a batch that is made of statements they do most of
// it for each.
type insertions [maxBatch + 1]string

func newInsertions() (statements insertions) {
	statements[1] = insertRow
	for n := 2; n <= maxBatch; n++ {
		statements[n] = "BEGIN UNLOGGED BATCH " + strings.Repeat(insertRow+"; ", n) + "APPLY BATCH"
	}
	return statements
}

const (
	// boundValues is how many values [insertRow] takes.
	boundValues = 14
	// boundBytes is about how many bytes they are, beside texts.
	boundBytes = 160
)

// value is one of them in the form in which it is sent. Of values of Go's types
// the driver makes the same, but each is put into memory of its own twice, and
// of all that an installation allocates they would be a third.
type value []byte

// MarshalCQL gives the bytes as they are.
func (v *value) MarshalCQL(gocql.TypeInfo) ([]byte, error) { return *v, nil }

// binder makes the values of rows, in memory that all of them share.
type binder struct {
	args   []any
	values []value
	bytes  []byte
}

// bindRows gives what [insertions] take for some facts, [boundValues] for each.
func bindRows(facts []*pipeline.Fact) []any {
	room := 0
	for _, f := range facts {
		room += boundBytes + len(f.Delivery.UserID) + len(f.Delivery.Ref) + len(f.Reason) + len(f.Attempt.Provider) + len(f.Attempt.Error)
	}
	b := binder{
		args:   make([]any, 0, len(facts)*boundValues),
		values: make([]value, 0, len(facts)*boundValues),
		bytes:  make([]byte, 0, room),
	}
	for _, f := range facts {
		b.row(f)
	}
	return b.args
}

func (b *binder) row(f *pipeline.Fact) {
	d := f.Delivery
	p := placeOf(d.ID)
	b.value(binary.BigEndian.AppendUint32(b.bytes, uint32(p.hash)))
	b.value(binary.BigEndian.AppendUint32(b.bytes, uint32(p.month)))
	b.value(appendMillis(b.bytes, d.ID.Time()))
	b.value(append(b.bytes, d.ID[:]...))
	b.value(binary.BigEndian.AppendUint16(b.bytes, uint16(len(d.Attempts))))
	b.value(append(b.bytes, byte(f.State)))
	b.value(append(b.bytes, d.UserID...))
	b.optional(append(b.bytes, d.Ref...))
	b.optional(append(b.bytes, f.Reason...))
	b.value(appendMillis(b.bytes, f.At))
	if d.ReplayOf.IsZero() {
		b.optional(b.bytes)
	} else {
		b.value(append(b.bytes, d.ReplayOf[:]...))
	}
	b.optional(appendAttempt(b.bytes, &f.Attempt))
	b.value(appendDelivery(b.bytes, &delivery{d.Token, d.Origin, d.Due, f.Due}))
	b.value(binary.BigEndian.AppendUint64(b.bytes, uint64(f.At.UnixMicro())))
}

// value takes what was appended to the bytes.
func (b *binder) value(appended []byte) {
	from := len(b.bytes)
	b.bytes = appended
	b.values = append(b.values, appended[from:len(appended):len(appended)])
	b.args = append(b.args, &b.values[len(b.values)-1])
}

// optional leaves unset what is empty, which writes nothing: not a tombstone, as
// a null would be.
func (b *binder) optional(appended []byte) {
	if len(appended) == len(b.bytes) {
		b.args = append(b.args, gocql.UnsetValue)
		return
	}
	b.value(appended)
}

// routingKey is that of the partition of a fact's row, by which a node is chosen
// that has it. The driver makes the same from the values, but looks up by the
// whole text of the statement which of them it takes.
func routingKey(f *pipeline.Fact) []byte {
	p := placeOf(f.Delivery.ID)
	key := binary.BigEndian.AppendUint32([]byte{0, 4}, uint32(p.hash))
	key = append(key, 0, 0, 4)
	return append(binary.BigEndian.AppendUint32(key, uint32(p.month)), 0)
}

func appendMillis(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
}
