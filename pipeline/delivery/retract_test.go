package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/provider"
)

func TestReasonsAreTheProviders(t *testing.T) {
	if delivery.ReasonUnregistered != provider.ReasonUnregistered || delivery.ReasonUnsubscribed != provider.ReasonUnsubscribed {
		t.Error("the providers' clients give other reasons")
	}
}

// ledger keeps what was retracted.
type ledger struct {
	mu    sync.Mutex
	calls [][]pipeline.Retraction
	err   error
	hangs bool
}

func (l *ledger) Retract(ctx context.Context, r []pipeline.Retraction) error {
	l.mu.Lock()
	l.calls = append(l.calls, slices.Clone(r))
	l.mu.Unlock()
	if l.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return l.err
}

func refusing(m *pipeline.Message, _ int) pipeline.Answer {
	switch m.Ref[0] {
	case 'g':
		return pipeline.Answer{Class: pipeline.Permanent, Reason: delivery.ReasonUnregistered}
	case 's':
		return pipeline.Answer{Class: pipeline.Permanent, Reason: delivery.ReasonUnsubscribed}
	case 'b':
		return pipeline.Answer{Class: pipeline.Permanent, Reason: "invalid_address"}
	}
	return pipeline.Answer{Class: pipeline.Sent}
}

func TestWhatProvidersSayOfAddressesIsKept(t *testing.T) {
	inBubble(t, func(w *world) {
		kept := &ledger{}
		w.retractions, w.sender.answer = kept, refusing
		w.push(w.notification("gone"), w.notification("ada"), w.notification("stop"), w.notification("bad"))
		w.run(time.Second)
		want := []pipeline.Retraction{
			{PreferenceKey: pipeline.PreferenceKey{UserID: "gone", Channel: pipeline.Email}, Address: "gone@example.com"},
			{PreferenceKey: pipeline.PreferenceKey{UserID: "stop", Channel: pipeline.Email}, Address: "stop@example.com", OptedOut: true},
		}
		if len(kept.calls) != 1 || !slices.Equal(kept.calls[0], want) {
			w.Errorf("retracted %+v, want %+v at once", kept.calls, want)
		}
	})
}

// Preferences that do not answer, or fail, hold up neither a settlement nor the
// end.
func TestRetractionsHoldNothingUp(t *testing.T) {
	for name, kept := range map[string]*ledger{"hanging": {hangs: true}, "failing": {err: errAway}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.retractions, w.sender.answer, w.sender.most = kept, refusing, 1
				var all []*pipeline.Delivery
				for i := range 200 {
					all = append(all, w.notification(fmt.Sprint("gone", i)))
				}
				w.push(all...)
				w.start()
				time.Sleep(5 * time.Second)
				for _, d := range all {
					w.wantFacts(d, "dead unregistered")
				}
				before := time.Now()
				w.stop()
				if took := time.Since(before); took > 3*time.Second {
					w.Errorf("the end took %v", took)
				}
			})
		})
	}
}
