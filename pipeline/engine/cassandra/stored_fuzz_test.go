package cassandra

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

// What the store reads back may be damaged, or another program's. No decoder
// may panic, or take what it would not have written.

// cuts adds a form, what is left when it is cut off anywhere, and more than it.
func cuts(f *testing.F, form []byte) {
	for n := range len(form) + 1 {
		f.Add(form[:n:n])
	}
	f.Add(append(form[:len(form):len(form)], 0))
}

func damaged(t *testing.T, form []byte, err error) bool {
	t.Helper()
	if err != nil && !errors.Is(err, errDamaged) {
		t.Fatalf("%x gave %v", form, err)
	}
	return err != nil
}

func FuzzDecodeAttempt(f *testing.F) {
	at := time.UnixMilli(1_700_000_000_000)
	for _, a := range []pipeline.Attempt{
		{Provider: "sendgrid", At: at, Class: pipeline.Transient, Error: "busy"},
		{Class: pipeline.Uncertain, Provider: "ses"},
	} {
		cuts(f, appendAttempt(nil, &a))
	}
	f.Fuzz(func(t *testing.T, form []byte) {
		a, err := decodeAttempt(form)
		if damaged(t, form, err) {
			return
		}
		// Varints have several forms, of which we write one.
		again, err := decodeAttempt(appendAttempt(nil, &a))
		if err != nil || again != a || (a.Class == 0) != (len(form) == 0) {
			t.Fatalf("%x is %+v, which reads back as %+v, %v", form, a, again, err)
		}
	})
}

func FuzzDecodeDelivery(f *testing.F) {
	at := time.UnixMilli(1_700_000_000_000)
	cuts(f, appendDelivery(nil, &delivery{}))
	cuts(f, appendDelivery(nil, &delivery{
		token: pipeline.Token{Partition: -1, Position: -1}, origin: pipeline.Token{Partition: 1 << 30, Position: 1 << 60},
		due: at, retry: at.Add(time.Minute),
	}))
	f.Fuzz(func(t *testing.T, form []byte) {
		d, err := decodeDelivery(form)
		if damaged(t, form, err) {
			return
		}
		if again, err := decodeDelivery(appendDelivery(nil, &d)); err != nil || again != d {
			t.Fatalf("%x is %+v, which reads back as %+v, %v", form, d, again, err)
		}
	})
}

func FuzzDecodeLetterRecord(f *testing.F) {
	cuts(f, pipeline.AppendRecord(nil, &pipeline.Record{
		ID: pipeline.ID{1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x65},
		Notification: pipeline.Notification{
			Ref: "run-7", UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional,
			TemplateID: "welcome", TemplateVersion: 1, To: "ada@example.com",
			Variables: []pipeline.Variable{{Name: "name", Value: "Ada"}},
		},
		ReplayOf: pipeline.ID{9, 8, 7},
	}))
	f.Fuzz(func(t *testing.T, form []byte) {
		record, err := decodeRecord(form)
		if damaged(t, form, err) {
			return
		}
		again, err := decodeRecord(pipeline.AppendRecord(nil, record))
		if err != nil || !bytes.Equal(pipeline.AppendRecord(nil, again), pipeline.AppendRecord(nil, record)) {
			t.Fatalf("%x is %+v, which reads back as %+v, %v", form, record, again, err)
		}
	})
}

func FuzzAddOutcomes(f *testing.F) {
	bitmap := roaring.BitmapOf(1, 2, 3, 70_000, 1<<32-1)
	bitmap.AddRange(1<<17, 1<<17+5000)
	for range 2 {
		form, err := bitmap.ToBytes()
		if err != nil {
			f.Fatal(err)
		}
		cuts(f, form)
		bitmap.RunOptimize()
	}
	f.Fuzz(func(t *testing.T, form []byte) {
		outcomes := pipeline.RunOutcomes{pipeline.Delivered: roaring.BitmapOf(5)}
		if damaged(t, form, addOutcomes(outcomes, pipeline.Delivered, form)) {
			return
		}
		if !outcomes[pipeline.Delivered].Contains(5) {
			t.Fatalf("%x took away what was there", form)
		}
		if err := outcomes[pipeline.Delivered].Validate(); err != nil {
			t.Fatalf("%x made an outcome that is none: %v", form, err)
		}
	})
}
