package kafka

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"pgregory.net/rapid"
)

// drawRecord draws a record that any queue may hold.
func drawRecord(t *rapid.T) pipeline.Record {
	n := pipeline.Notification{
		Ref: rapid.String().Draw(t, "ref"), UserID: rapid.StringN(1, -1, pipeline.MaxUserID).Draw(t, "user"),
		Channel:    rapid.SampledFrom(pipeline.Channels()).Draw(t, "channel"),
		Priority:   rapid.SampledFrom(pipeline.Priorities()).Draw(t, "priority"),
		Category:   rapid.SampledFrom([]pipeline.Category{pipeline.Transactional, pipeline.Promotional}).Draw(t, "category"),
		TemplateID: rapid.String().Draw(t, "template"), TemplateVersion: rapid.Uint32().Draw(t, "version"),
		Locale: rapid.String().Draw(t, "locale"), To: rapid.String().Draw(t, "to"), ExpiresAt: drawTime(t),
	}
	for range rapid.IntRange(0, 3).Draw(t, "variables") {
		n.Variables = append(n.Variables, pipeline.Variable{Name: rapid.String().Draw(t, "name"), Value: rapid.String().Draw(t, "value")})
	}
	key := pipeline.IDKey{1}
	return pipeline.Record{ID: key.Make(time.UnixMilli(1_700_000_000_000), &n, rapid.Uint32().Draw(t, "sequence")), Notification: n}
}

// drawTime draws a time of whole milliseconds, or none.
func drawTime(t *rapid.T) time.Time {
	if millis := rapid.Int64Range(0, 1<<42).Draw(t, "millis"); millis > 0 {
		return time.UnixMilli(millis)
	}
	return time.Time{}
}

func TestEntriesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := entry{LogEntry: pipeline.LogEntry{
			Record: drawRecord(t), Result: pipeline.Result{State: pipeline.Queued}, Check: rapid.Bool().Draw(t, "check"),
		}}
		if rapid.Bool().Draw(t, "ended at ingest") {
			want.State = rapid.SampledFrom(pipeline.Outcomes()).Draw(t, "state")
			want.Reason = rapid.String().Draw(t, "reason")
		}
		got, err := decodeEntry(string(appendEntry(nil, &want.LogEntry)))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("an entry came back as\n%+v (%v), it was\n%+v", got, err, want)
		}
	})
}

func TestRetriesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := entry{
			LogEntry: pipeline.LogEntry{Record: drawRecord(t), Result: pipeline.Result{State: pipeline.Queued}, Check: rapid.Bool().Draw(t, "check")},
			retry: &retry{
				origin: pipeline.Token{Partition: rapid.Int32().Draw(t, "partition"), Position: rapid.Int64().Draw(t, "position")},
				due:    drawTime(t),
			},
		}
		for range rapid.IntRange(0, 3).Draw(t, "attempts") {
			want.retry.attempts = append(want.retry.attempts, pipeline.Attempt{
				Provider: rapid.String().Draw(t, "provider"), At: drawTime(t), Error: rapid.String().Draw(t, "error"),
				Class: pipeline.AnswerClass(rapid.IntRange(int(pipeline.Sent), int(pipeline.Uncertain)).Draw(t, "class")),
			})
		}
		got, err := decodeEntry(string(appendRetry(nil, &want.Record, want.Check, want.retry)))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("a retry came back as\n%+v (%v), it was\n%+v", got, err, want)
		}
	})
}

// smallEntry is one of a retry, so that it has every part.
func smallEntry() []byte {
	n := pipeline.Notification{UserID: "u1", Channel: pipeline.SMS, Priority: pipeline.High, Category: pipeline.Transactional, TemplateID: "otp"}
	key := pipeline.IDKey{1}
	r := pipeline.Record{ID: key.Make(time.UnixMilli(1_700_000_000_000), &n, 7), Notification: n}
	return appendRetry(nil, &r, false, &retry{
		origin: pipeline.Token{Partition: 3, Position: 99}, due: time.UnixMilli(1_700_000_005_000),
		attempts: []pipeline.Attempt{{Provider: "twilio", At: time.UnixMilli(1_700_000_000_100), Class: pipeline.Transient, Error: "503"}},
	})
}

func TestSetCheckChangesNothingElse(t *testing.T) {
	before, err := decodeEntry(string(smallEntry()))
	if err != nil {
		t.Fatal(err)
	}
	value := smallEntry()
	setCheck(value)
	after, err := decodeEntry(string(value))
	before.Check = true
	if err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("after setCheck the entry is %+v (%v), want %+v", after, err, before)
	}
}

func TestWhatIsNoEntryIsRefused(t *testing.T) {
	whole := string(smallEntry())
	for name, value := range map[string]string{
		"nothing":                 "",
		"another format":          "\x02" + whole[1:],
		"an unknown flag":         whole[:1] + "\x0c" + whole[2:],
		"a retry with a result":   whole[:1] + "\x06" + whole[2:],
		"a result that is queued": "\x01\x02\x01\x00" + whole[2:],
		"something behind it":     whole + "x",
	} {
		if got, err := decodeEntry(value); !errors.Is(err, errBadEntry) {
			t.Errorf("%s: decodeEntry = %+v, %v, want errBadEntry", name, got, err)
		}
	}
	for end := range len(whole) {
		if got, err := decodeEntry(whole[:end]); !errors.Is(err, errBadEntry) {
			t.Errorf("cut after %d bytes: decodeEntry = %+v, %v, want errBadEntry", end, got, err)
		}
	}
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add(smallEntry())
	f.Add([]byte{entryFormat, flagResult, byte(pipeline.Suppressed), 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		e, err := decodeEntry(string(value))
		if err != nil {
			if !errors.Is(err, errBadEntry) {
				t.Fatalf("decodeEntry gave %v, which is no errBadEntry", err)
			}
			return
		}
		// Varints have longer forms than the one that is written, so the value,
		// not the bytes, is what comes back.
		again := appendEntry(nil, &e.LogEntry)
		if e.retry != nil {
			again = appendRetry(nil, &e.Record, e.Check, e.retry)
		}
		if back, err := decodeEntry(string(again)); err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("an entry came back as\n%+v (%v), it was\n%+v", back, err, e)
		}
	})
}

func BenchmarkAppendEntry(b *testing.B) {
	e, err := decodeEntry(string(smallEntry()))
	if err != nil {
		b.Fatal(err)
	}
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = appendEntry(buffer[:0], &e.LogEntry)
	}
}
