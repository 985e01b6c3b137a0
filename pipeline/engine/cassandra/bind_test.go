package cassandra

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

// asTheDriver is what the driver makes of a row's values of Go's types, in the
// order of the columns and of the column's types in the schema.
func asTheDriver(t *rapid.T, f *pipeline.Fact) [][]byte {
	d, p := f.Delivery, placeOf(f.Delivery.ID)
	optional := func(b []byte) any {
		if len(b) == 0 {
			return nil
		}
		return b
	}
	columns := []struct {
		kind  gocql.Type
		value any
	}{
		{gocql.TypeInt, p.hash},
		{gocql.TypeInt, p.month},
		{gocql.TypeTimestamp, d.ID.Time().UnixMilli()},
		{gocql.TypeBlob, d.ID[:]},
		{gocql.TypeSmallInt, int16(len(d.Attempts))},
		{gocql.TypeTinyInt, int8(f.State)},
		{gocql.TypeText, d.UserID},
		{gocql.TypeText, optional([]byte(d.Ref))},
		{gocql.TypeText, optional([]byte(f.Reason))},
		{gocql.TypeTimestamp, f.At.UnixMilli()},
		{gocql.TypeBlob, nil},
		{gocql.TypeBlob, optional(appendAttempt(nil, &f.Attempt))},
		{gocql.TypeBlob, appendDelivery(nil, &delivery{d.Token, d.Origin, d.Due, f.Due})},
		{gocql.TypeBigInt, f.At.UnixMicro()},
	}
	if !d.ReplayOf.IsZero() {
		columns[10].value = d.ReplayOf[:]
	}
	sent := make([][]byte, len(columns))
	for i, c := range columns {
		if c.value == nil {
			continue
		}
		var err error
		if sent[i], err = gocql.Marshal(gocql.NewNativeType(5, c.kind, ""), c.value); err != nil {
			t.Fatalf("column %d: %v", i, err)
		}
	}
	return sent
}

// compositeKey is the key of a partition of several columns, as nodes hash it.
func compositeKey(columns [][]byte) (key []byte) {
	for _, c := range columns {
		key = append(binary.BigEndian.AppendUint16(key, uint16(len(c))), c...)
		key = append(key, 0)
	}
	return key
}

// What a row is sent as is what the driver would send, and what is empty is
// unset; the rows of a batch share memory, and none reaches into another.
func TestBindRows(t *testing.T) {
	ids := pipeline.NewIDMinter(pipeline.IDKey{1, 2, 3})
	text := rapid.SampledFrom([]string{"", "a", "somebody", "\u00fc", strings.Repeat("long", 300)})
	moment := rapid.Custom(func(t *rapid.T) time.Time { return time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "us")) })
	rapid.Check(t, func(t *rapid.T) {
		all := make([]*pipeline.Fact, rapid.IntRange(1, maxBatch).Draw(t, "rows"))
		for i := range all {
			d := &pipeline.Delivery{
				Token:    pipeline.Token{Partition: rapid.Int32().Draw(t, "partition"), Position: rapid.Int64().Draw(t, "position")},
				Due:      moment.Draw(t, "due"),
				Attempts: make([]pipeline.Attempt, rapid.IntRange(0, 300).Draw(t, "attempts")),
			}
			d.Notification = pipeline.Notification{UserID: "u" + text.Draw(t, "user"), Ref: text.Draw(t, "ref"), Channel: pipeline.Email, Priority: pipeline.Normal}
			d.ID = ids.Make(moment.Draw(t, "accepted"), &d.Notification, ids.Reserve(1))
			if rapid.Bool().Draw(t, "replay") {
				d.ReplayOf = d.ID
			}
			all[i] = &pipeline.Fact{Delivery: d, State: pipeline.Retrying, At: moment.Draw(t, "at"), Due: moment.Draw(t, "retry"), Reason: text.Draw(t, "reason")}
			if rapid.Bool().Draw(t, "attempted") {
				all[i].Attempt = pipeline.Attempt{Class: pipeline.Sent, At: moment.Draw(t, "tried"), Provider: "ses", Error: text.Draw(t, "error")}
			}
		}
		bound := bindRows(all)
		if marks := strings.Count(newInsertions()[len(all)], "?"); len(bound) != marks {
			t.Fatalf("%d values, and the statement takes %d", len(bound), marks)
		}
		for i := range all {
			row, want := bound[i*boundValues:(i+1)*boundValues], asTheDriver(t, all[i])
			if len(want) != boundValues {
				t.Fatalf("%d values, the driver sends %d", len(row), len(want))
			}
			if got, want := routingKey(all[i]), compositeKey(want[:2]); !bytes.Equal(got, want) {
				t.Errorf("row %d: the routing key is %x, want %x", i, got, want)
			}
			for j, arg := range row {
				v, bound := arg.(*value)
				switch {
				case !bound && (arg != gocql.UnsetValue || want[j] != nil):
					t.Errorf("row %d, value %d: it is %v, want %x", i, j, arg, want[j])
				case bound && (want[j] == nil || *v == nil || !bytes.Equal(*v, want[j])):
					t.Errorf("row %d, value %d: it is %x, want %x", i, j, *v, want[j])
				}
			}
		}
	})
}
