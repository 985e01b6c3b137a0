package mockproviders_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/mockproviders"
)

// firstSequence stands in the bodies of the benchmarks, in an id and in the ref
// that follows it, and has as many digits as every sequence that they reach.
const firstSequence = 1_000_000_000

// benchmarkID is an id of the length of ours.
const benchmarkID = "01kb3x9q7zj8f2m51000000000"

// benchmarkBatch measures a handler over whole calls of one large load run, in
// which each notification is new. It reports the time of one entry.
func benchmarkBatch(b *testing.B, path, body string, entries int, changes ...request) {
	m := newMock(b, mockproviders.Options{})
	text := []byte(body)
	var places []int // of the sequences, two an entry
	marker := strconv.Itoa(firstSequence)
	for at := strings.Index(body, marker); at >= 0; {
		places = append(places, at)
		next := strings.Index(body[at+1:], marker)
		if next < 0 {
			break
		}
		at += 1 + next
	}
	if len(places) != 2*entries {
		b.Fatalf("the body holds %d sequences, want %d", len(places), 2*entries)
	}
	reader := bytes.NewReader(text)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "http://127.0.0.1"+path, reader)
	for _, change := range changes {
		change(r)
	}
	w := &discardResponse{header: http.Header{}}
	sequence := uint64(firstSequence)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		for i := 0; i < len(places); i += 2 {
			strconv.AppendUint(text[:places[i]], sequence, 10)
			strconv.AppendUint(text[:places[i+1]], sequence, 10)
			sequence++
		}
		reader.Reset(text)
		clear(w.header)
		w.body.Reset()
		m.ServeHTTP(w, r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*entries), "ns/entry")
	if total := m.Ledger().Totals().Total; w.status >= http.StatusBadRequest || total.Unique != sequence-firstSequence {
		b.Fatalf("answered %d, and of %d counted %+v", w.status, sequence-firstSequence, total)
	}
}

// discardResponse keeps the last answer, in memory that is used again.
type discardResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *discardResponse) Header() http.Header         { return w.header }
func (w *discardResponse) WriteHeader(status int)      { w.status = status }
func (w *discardResponse) Write(p []byte) (int, error) { return w.body.Write(p) }

func BenchmarkSendGrid(b *testing.B) {
	const n = 1000
	body := mail(many(n, func(i int) string {
		return fmt.Sprintf(`{"to":[{"email":"user%d@example.com"}],"subject":"Your order","substitutions":{"-name-":"Ada"},"custom_args":{"notification_id":%q,"notification_ref":"bench-1000000000"}}`, i, benchmarkID)
	})...)
	benchmarkBatch(b, sendGridPath, body, n, header("Authorization", "Bearer t"))
}

func BenchmarkFCMBatch(b *testing.B) {
	const n = 500
	body := fcmBatch(many(n, func(i int) string {
		return fmt.Sprintf(`{"message":{"token":"token-%d","notification":{"title":"Your order","body":"It is on its way"},"data":{"notification_id":%q,"notification_ref":"bench-1000000000"},"android":{"priority":"HIGH","ttl":"3600s"}}}`, i, benchmarkID)
	})...)
	benchmarkBatch(b, fcmBatchPath, body, n, header("Authorization", "Bearer t"), header("Content-Type", `multipart/mixed; boundary="__END__"`))
}

func BenchmarkTwilioBatch(b *testing.B) {
	const n = 100
	body := `{"MessagingServiceSid":"MG1","Messages":[` + strings.Join(many(n, func(i int) string {
		return fmt.Sprintf(`{"To":"+1500555%04d","Body":"Your order is on its way","StatusCallback":"https://hooks.example.com/twilio?notification_id=%s&notification_ref=bench-1000000000"}`, i, benchmarkID)
	}), ",") + `]}`
	benchmarkBatch(b, twilioBatchPath, body, n, func(r *http.Request) { r.SetBasicAuth("AC1", "t") })
}
