package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

// benchRecords is a slice of records as queues hold them.
func benchRecords() []pipeline.Record {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	records := make([]pipeline.Record, pipelinetest.BenchSlice)
	for i := range records {
		n := pipeline.Notification{
			Ref: fmt.Sprintf("run-20261124-%d", i), UserID: fmt.Sprintf("u%d", i*7919), Channel: pipeline.Email, Priority: pipeline.Normal,
			Category: pipeline.Transactional, TemplateID: "receipt", TemplateVersion: 3, To: fmt.Sprintf("u%d@example.com", i*7919),
			Variables: []pipeline.Variable{{Name: "name", Value: "Ada Lovelace"}, {Name: "amount", Value: "12.50 EUR"}},
			ExpiresAt: at.Add(24 * time.Hour),
		}
		records[i] = pipeline.Record{ID: pipeline.IDKey{}.Make(at, &n, uint32(i)), Notification: n}
	}
	return records
}

func BenchmarkEncodeRecords(b *testing.B) {
	records := benchRecords()
	var buffer []byte
	report := pipelinetest.PerNotification(b, len(records))
	for b.Loop() {
		buffer = buffer[:0]
		for i := range records {
			buffer = pipeline.AppendRecord(buffer, &records[i])
		}
	}
	report()
}

func BenchmarkDecodeRecords(b *testing.B) {
	records := benchRecords()
	var encoded []byte
	for i := range records {
		encoded = pipeline.AppendRecord(encoded, &records[i])
	}
	text := string(encoded)
	report := pipelinetest.PerNotification(b, len(records))
	for b.Loop() {
		rest := text
		for range records {
			var r pipeline.Record
			n, err := pipeline.DecodeRecord(rest, &r)
			if err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
	report()
}
