package pipeline_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

func drawRecord(t *rapid.T) pipeline.Record {
	var r pipeline.Record
	copy(r.ID[:], rapid.SliceOfN(rapid.Byte(), 17, 17).Draw(t, "id"))
	if rapid.Bool().Draw(t, "replay") {
		copy(r.ReplayOf[:], rapid.SliceOfN(rapid.ByteRange(1, 255), 17, 17).Draw(t, "replay_of"))
	}
	r.Channel = rapid.SampledFrom(pipeline.Channels()).Draw(t, "channel")
	r.Priority = rapid.SampledFrom(pipeline.Priorities()).Draw(t, "priority")
	r.Category = rapid.SampledFrom([]pipeline.Category{pipeline.Transactional, pipeline.Promotional}).Draw(t, "category")
	r.TemplateVersion = rapid.Uint32().Draw(t, "version")
	for _, text := range []*string{&r.UserID, &r.TemplateID, &r.Ref, &r.Locale, &r.To} {
		*text = rapid.String().Draw(t, "text")
	}
	if rapid.Bool().Draw(t, "expires") {
		r.ExpiresAt = time.UnixMilli(rapid.Int64Range(1, 1<<50).Draw(t, "expires_at"))
	}
	for range rapid.IntRange(0, 4).Draw(t, "variables") {
		r.Variables = append(r.Variables, pipeline.Variable{Name: rapid.String().Draw(t, "name"), Value: rapid.String().Draw(t, "value")})
	}
	return r
}

func TestRecordsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRecord(t)
		form := pipeline.AppendRecord(nil, &want)
		rest := rapid.String().Draw(t, "rest")
		var got pipeline.Record
		n, err := pipeline.DecodeRecord(string(form)+rest, &got)
		if err != nil || n != len(form) || !reflect.DeepEqual(got, want) {
			t.Fatalf("%d of %d bytes, %v: %+v, want %+v", n, len(form), err, got, want)
		}
		for cut := range form {
			if _, err := pipeline.DecodeRecord(string(form[:cut]), &got); !errors.Is(err, pipeline.ErrBadRecord) {
				t.Fatalf("cut to %d of %d bytes it gave %v", cut, len(form), err)
			}
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	r := pipeline.Record{Notification: pipeline.Notification{
		UserID: "ada", Channel: pipeline.Email, Priority: pipeline.High, Category: pipeline.Transactional,
		TemplateID: "welcome", Variables: []pipeline.Variable{{Name: "name", Value: "Ada"}},
	}}
	f.Add(pipeline.AppendRecord(nil, &r))
	f.Add([]byte{1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again pipeline.Record
		n, err := pipeline.DecodeRecord(string(b), &r)
		if err != nil {
			return
		}
		if n > len(b) {
			t.Fatalf("took %d of %d bytes", n, len(b))
		}
		// What decodes has one form.
		form := pipeline.AppendRecord(nil, &r)
		if _, err := pipeline.DecodeRecord(string(form), &again); err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v reads back as %+v: %v", r, again, err)
		}
	})
}
