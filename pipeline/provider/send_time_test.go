package provider_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/mockproviders"
	"github.com/notifyctl/notifyctl/pipeline"
)

// maxSend bounds a send: 30 s within which calls begin, and the last one, which
// takes 5 s when the provider hangs.
const maxSend = 35 * time.Second

// hanging is a provider that never answers.
func hanging() mockproviders.Options {
	return mockproviders.Options{Faults: mockproviders.Script{Faults: []mockproviders.Fault{{Kind: mockproviders.Hang}}}}
}

// awkward are batches that take many calls: to one address, of bodies that go
// alone, and of both.
func awkward(w wire, n int) map[string][]pipeline.Message {
	oneAddress, long, mixed := messages(w.channel, n), messages(w.channel, n), messages(w.channel, n)
	for i := range n {
		oneAddress[i].To = oneAddress[0].To
		if w.channel == pipeline.Email {
			long[i].Body = strings.Repeat("x", 20_000)
			if i%2 == 0 {
				mixed[i].Body = long[i].Body
			} else {
				mixed[i].To = mixed[1].To
			}
		}
	}
	return map[string][]pipeline.Message{"one address": oneAddress, "long": long, "mixed": mixed}
}

// TestSendEndsWhateverTheBatch: a provider that hangs on every call of a batch
// that takes many holds its sender for half a minute, not for each call's
// timeout. What had no call is kept.
func TestSendEndsWhateverTheBatch(t *testing.T) {
	inVirtualTime(t, hanging(), func(t *testing.T, w wire, client sender, _ *mockproviders.Server) {
		for name, batch := range awkward(w, client.MaxBatch()) {
			began := time.Now()
			answers := client.Send(t.Context(), batch)
			if took := time.Since(began); took > maxSend {
				t.Errorf("%s: it took %v", name, took)
			}
			for _, a := range answers {
				checkAnswer(t, a)
				if a.Class != pipeline.Ambiguous && a.Class != pipeline.Unsent {
					t.Fatalf("%s: the answer is %+v", name, a)
				}
			}
			if answers[0].Class != pipeline.Ambiguous {
				t.Errorf("%s: the first answer is %+v", name, answers[0])
			}
		}
	})
}

// TestSendsTogetherEnd: sends that wait for each other's calls end as one does.
func TestSendsTogetherEnd(t *testing.T) {
	inVirtualTime(t, hanging(), func(t *testing.T, w wire, client sender, _ *mockproviders.Server) {
		const senders = 8
		began := time.Now()
		unsent := make([]int, senders)
		var sends sync.WaitGroup
		for i := range senders {
			sends.Go(func() {
				counts := classes(client.Send(t.Context(), messages(w.channel, client.MaxBatch())))
				if counts[pipeline.Ambiguous]+counts[pipeline.Unsent] != client.MaxBatch() {
					t.Errorf("the answers are %v", counts)
				}
				unsent[i] = counts[pipeline.Unsent]
			})
		}
		sends.Wait()
		if took := time.Since(began); took > maxSend {
			t.Errorf("they took %v", took)
		}
		for _, n := range unsent {
			if n > 0 && !w.single {
				t.Errorf("%d messages had no call", n)
			}
		}
	})
}

// TestAwkwardBatchesAreSent: what takes many calls is sent in order, within the
// time that a send has, by a provider that answers as the reference says. Long
// bodies do not wait for each other.
func TestAwkwardBatchesAreSent(t *testing.T) {
	inVirtualTime(t, mockproviders.Options{Latency: mockproviders.FixedLatency(100 * time.Millisecond)}, func(t *testing.T, w wire, client sender, mock *mockproviders.Server) {
		n := min(client.MaxBatch(), 200)
		for name, batch := range awkward(w, n) {
			began := time.Now()
			onlyClass(t, client.Send(t.Context(), batch), pipeline.Sent)
			if took := time.Since(began); name == "long" && took > time.Second {
				t.Errorf("%d long bodies took %v", n, took)
			}
		}
		// The batches hold the same ids.
		if unique := mock.Ledger().Totals().Total.Unique; unique != uint64(n) {
			t.Errorf("the provider accepted %d of %d", unique, n)
		}
	})
}
