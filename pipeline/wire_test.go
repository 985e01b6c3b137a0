package pipeline_test

import (
	"encoding/binary"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/notifyctl/notifyctl/pipeline"
)

func TestVarintsAreThoseOfEncodingBinary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Mostly bytes that go on, or hardly one of them would be too long.
		b := rapid.SliceOfN(rapid.OneOf(rapid.ByteRange(0x80, 0xff), rapid.Byte()), 0, 12).Draw(t, "bytes")
		want, n := binary.Uvarint(b)
		d := pipeline.NewDecoder(string(b))
		got := d.Uvarint()
		if d.Failed() != (n <= 0) {
			t.Fatalf("%x: failed %v, encoding/binary gives %d, %d", b, d.Failed(), want, n)
		}
		if n > 0 && (got != want || d.Rest() != string(b[n:])) {
			t.Fatalf("%x: %d with %x left, want %d with %x", b, got, d.Rest(), want, b[n:])
		}
	})
}

func TestTextsAndTimesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		at := time.UnixMilli(rapid.Int64Range(-1<<50, 1<<50).Filter(func(n int64) bool { return n != 0 }).Draw(t, "at"))
		b := pipeline.AppendTime(pipeline.AppendTime(pipeline.AppendText(nil, text), time.Time{}), at)
		d := pipeline.NewDecoder(string(b) + "rest")
		if got := d.Text(); got != text {
			t.Fatalf("text %q, want %q", got, text)
		}
		if zero, got := d.Time(), d.Time(); !zero.IsZero() || !got.Equal(at) {
			t.Fatalf("times %v and %v, want zero and %v", zero, got, at)
		}
		if d.Failed() || d.Rest() != "rest" {
			t.Fatalf("failed %v, left %q", d.Failed(), d.Rest())
		}
	})
}

func TestACountThatCannotFollow(t *testing.T) {
	for form, want := range map[string]int{"\x02abcd": 2, "\x00": 0, "\x03abcd": -1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01abcd": -1, "": -1} {
		d := pipeline.NewDecoder(form)
		n := d.Count(2)
		if want < 0 && (n != 0 || !d.Failed()) || want >= 0 && (n != want || d.Failed()) {
			t.Errorf("%q counts %d, failed %v; want %d", form, n, d.Failed(), want)
		}
	}
}
