package kafka

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
	"pgregory.net/rapid"
)

// kafka-go reads what we write, checksum included; the fields that it does not
// show are compared with the layout of the protocol.
func TestBatchesAreReadByKafkaGo(t *testing.T) {
	type record struct {
		at         int64
		key, value []byte
	}
	rapid.Check(t, func(t *rapid.T) {
		var records []record
		size, at := 0, rapid.Int64Range(0, 1<<42).Draw(t, "first")
		by := session{id: rapid.Int64Min(0).Draw(t, "producer"), epoch: rapid.Int16Min(0).Draw(t, "epoch"), given: true}
		sequence := rapid.Int32Min(0).Draw(t, "sequence")
		for range rapid.IntRange(1, 200).Draw(t, "records") {
			at += rapid.Int64Range(0, 1<<20).Draw(t, "later")
			r := record{
				at: at, key: rapid.SliceOfN(rapid.Byte(), 1, 80).Draw(t, "key"),
				value: rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "value"),
			}
			size += len(r.key) + len(r.value) + recordOverhead
			records = append(records, r)
		}
		e := newBatchEncoder(size, by, sequence, records[0].at)
		for _, r := range records {
			e.add(r.at, r.key, r.value)
		}
		encoded := e.finish()
		if len(encoded) > size+sizeLen+headerLen {
			t.Fatalf("%d bytes were written, announced were %d", len(encoded), size+sizeLen+headerLen)
		}

		var set protocol.RecordSet
		if _, err := set.ReadFrom(bytes.NewReader(encoded)); err != nil {
			t.Fatalf("kafka-go does not read the batch: %v", err)
		}
		batch := set.Records.(*protocol.RecordStream).Records[0].(*protocol.RecordBatch)
		if batch.ProducerID != by.id || batch.ProducerEpoch != by.epoch || batch.BaseSequence != sequence || batch.Attributes != 0 || batch.PartitionLeaderEpoch != -1 {
			t.Fatalf("the batch is of %d/%d from %d, attributes %d, leader epoch %d; want %v from %d, 0, -1",
				batch.ProducerID, batch.ProducerEpoch, batch.BaseSequence, batch.Attributes, batch.PartitionLeaderEpoch, by, sequence)
		}
		for i, want := range records {
			got, err := batch.ReadRecord()
			if err != nil {
				t.Fatalf("record %d of %d: %v", i, len(records), err)
			}
			key, _ := protocol.ReadAll(got.Key)
			value, _ := protocol.ReadAll(got.Value)
			if got.Offset != int64(i) || got.Time.UnixMilli() != want.at || !bytes.Equal(key, want.key) || !bytes.Equal(value, want.value) || len(got.Headers) != 0 {
				t.Fatalf("record %d came back as %v at %v, %x = %x", i, got.Offset, got.Time, key, value)
			}
		}
		if _, err := batch.ReadRecord(); !errors.Is(err, io.EOF) {
			t.Fatalf("behind the last record there is %v, want io.EOF", err)
		}
	})
}

func TestSequencesBeginAgainAtZero(t *testing.T) {
	const last = 1<<31 - 1
	for _, c := range []struct {
		from int32
		n    int
		want int32
	}{{0, 1, 1}, {41, 2, 43}, {last, 1, 0}, {last - 1, 3, 1}} {
		if got := nextSequence(c.from, c.n); got != c.want {
			t.Errorf("nextSequence(%d, %d) = %d, want %d", c.from, c.n, got, c.want)
		}
	}
}

func BenchmarkEncodeBatch(b *testing.B) {
	const records = 200
	key, value := []byte("user-123456"), smallEntry()
	b.ReportAllocs()
	for b.Loop() {
		e := newBatchEncoder(records*(len(key)+len(value)+recordOverhead), session{id: 1, given: true}, 7, 1_700_000_000_000)
		for range records {
			e.add(1_700_000_000_001, key, value)
		}
		e.finish()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}
