package mockproviders

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// workWindow is over how many whole seconds the work is averaged.
const workWindow = 10

// work measures what one provider's calls cost the mock itself: reading,
// judging, recording and answering, without the wait for their latency.
type work struct {
	open atomic.Int64

	mu    sync.Mutex
	slots [workWindow + 1]workSlot // a ring, one a second
}

type workSlot struct {
	second         int64
	calls, entries uint64
	spent          time.Duration
}

func (w *work) begin() { w.open.Add(1) }
func (w *work) end()   { w.open.Add(-1) }

// add counts a call that was read at a time and took the mock so long.
func (w *work) add(at time.Time, spent time.Duration, entries int) {
	second := at.Unix()
	w.mu.Lock()
	defer w.mu.Unlock()
	slot := &w.slots[second%int64(len(w.slots))]
	if slot.second != second {
		*slot = workSlot{second: second}
	}
	slot.calls++
	slot.entries += uint64(entries)
	slot.spent += spent
}

// sum adds up the whole seconds before a time.
func (w *work) sum(at time.Time) workSlot {
	now := at.Unix()
	var out workSlot
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, slot := range w.slots {
		if slot.second < now && slot.second >= now-workWindow {
			out.calls += slot.calls
			out.entries += slot.entries
			out.spent += slot.spent
		}
	}
	return out
}

// Activity says how busy the mocks are, and with what.
type Activity struct {
	// Seconds is how many whole seconds the figures are averaged over.
	Seconds int `json:"seconds"`
	// Busy is the share of this machine's processors that the mocks' own work
	// takes, which is reading, judging, recording and answering. What HTTP costs
	// comes on top: well below 1, the mocks are what slows their clients down.
	Busy      float64                     `json:"busy"`
	Providers map[string]ProviderActivity `json:"providers"`
}

// ProviderActivity says how busy one provider is.
type ProviderActivity struct {
	OpenCalls int64 `json:"open_calls"` // under way, most of them waiting for their latency
	// Calls and Notifications are what came a second, accepted or not.
	Calls         float64 `json:"calls"`
	Notifications float64 `json:"notifications"`
	Busy          float64 `json:"busy"`
	// Ceiling is how many notifications a second would make Busy 1, judged by
	// what the last ones took; 0 when there were none.
	Ceiling float64 `json:"ceiling"`
}

// Activity says how busy the mocks are.
func (s *Server) Activity() Activity {
	now := time.Now()
	processors := float64(runtime.GOMAXPROCS(0))
	out := Activity{Seconds: workWindow, Providers: make(map[string]ProviderActivity, providerCount)}
	for _, p := range providers() {
		w := &s.work[p]
		sum := w.sum(now)
		one := ProviderActivity{
			OpenCalls:     w.open.Load(),
			Calls:         float64(sum.calls) / workWindow,
			Notifications: float64(sum.entries) / workWindow,
			Busy:          sum.spent.Seconds() / workWindow / processors,
		}
		if sum.spent > 0 {
			one.Ceiling = float64(sum.entries) / sum.spent.Seconds() * processors
		}
		out.Busy += one.Busy
		out.Providers[p.String()] = one
	}
	return out
}
