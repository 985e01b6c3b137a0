package mockproviders

import (
	"net/http"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
)

// limiter keeps the accounts at the providers to their limits.
type limiter struct {
	limits Limits
	meters [providerCount]*meter // nil where there is no limit
}

// allowance is what is left of an account's calls.
type allowance struct {
	limit, remaining float64
	reset            time.Duration // until all of it is back
}

func newLimiter(limits Limits) *limiter {
	l := &limiter{limits: limits}
	for _, p := range providers() {
		if limit, ok := limits[p.String()]; ok {
			l.meters[p] = newMeter(limit)
		}
	}
	return l
}

// meter counts what is sent through one provider.
type meter struct {
	mu       sync.Mutex
	calls    buckets
	messages buckets
	devices  buckets
	daily    uint64
	days     map[uint64]*day
}

// maxAccounts bounds the accounts that are counted, maxDevices the recipients.
// Beyond them, those that used nothing lately are forgotten, which changes
// nothing for them; where there are none, further ones are not limited.
const (
	maxAccounts = 1 << 12
	maxDevices  = 1 << 20
)

func newMeter(l Limit) *meter {
	return &meter{
		calls: newBuckets(l.Calls, maxAccounts), messages: newBuckets(l.Messages, maxAccounts),
		devices: newBuckets(l.Device, maxDevices), daily: l.Daily, days: map[uint64]*day{},
	}
}

// admitCall counts a call, and says whether it is refused for the limit of
// calls.
func (m *meter) admitCall(w wire, c *call, r *http.Request) *refusal {
	if m == nil || m.calls.quota == nil {
		return nil
	}
	account := xxhash.Sum64String(w.account(c, r))
	m.mu.Lock()
	defer m.mu.Unlock()
	ok, wait := m.calls.take(account, 1, c.at)
	c.allowance = m.calls.left(account, c.at)
	if !ok {
		return w.limited(callLimit, wait)
	}
	return nil
}

// admit counts the entries that are to be accepted, and refuses those that go
// beyond a limit. A wholesale call counts as a whole.
func (m *meter) admit(w wire, c *call, r *http.Request) {
	if m == nil || m.messages.quota == nil && m.devices.quota == nil && m.daily == 0 {
		return
	}
	account := xxhash.Sum64String(w.account(c, r))
	m.mu.Lock()
	defer m.mu.Unlock()
	if !w.wholesale() {
		var last tally
		for i := range c.entries {
			last = m.admitEntries(w, c, c.entries[i:i+1], account, last)
		}
		return
	}
	m.admitEntries(w, c, c.entries, account, tally{})
}

// tally remembers the refusal of an entry, which those after it share.
type tally struct {
	kind limitKind
	no   *refusal
}

// admitEntries counts entries that are accepted or refused together.
func (m *meter) admitEntries(w wire, c *call, entries []entry, account uint64, last tally) tally {
	units, daily := 0, 0
	for i := range entries {
		e := &entries[i]
		if e.refused != nil {
			if w.provider() == fcm && e.refused.status < http.StatusInternalServerError && e.refused.status != http.StatusTooManyRequests {
				m.messages.use(account, 1, c.at) // "client errors are counted"
			}
			continue
		}
		own := w.units(c, e)
		units += own
		daily += own - int(e.simulated)
	}
	if units == 0 {
		return last
	}
	kind, wait, ok := m.room(c, entries, account, units, daily)
	if ok {
		return last
	}
	if last.no == nil || last.kind != kind {
		last = tally{kind, w.limited(kind, wait)}
	}
	for i := range entries {
		entries[i].refuse(last.no)
	}
	return last
}

// room takes the room for entries, or says which limit leaves none.
func (m *meter) room(c *call, entries []entry, account uint64, units, daily int) (limitKind, time.Duration, bool) {
	var today *day
	if m.daily > 0 {
		today = m.day(account)
		if daily > 0 && today.used(c.at) >= m.daily {
			return dailyLimit, time.Hour, false
		}
	}
	if m.devices.quota != nil {
		for i := range entries {
			if entries[i].refused != nil {
				continue
			}
			if ok, wait := m.devices.take(xxhash.Sum64(c.str(entries[i].to)), 1, c.at); !ok {
				return deviceLimit, wait, false
			}
		}
	}
	if ok, wait := m.messages.take(account, float64(units), c.at); !ok {
		return messageLimit, wait, false
	}
	if today != nil {
		today.use(uint64(daily), c.at)
	}
	return 0, 0, true
}

func (m *meter) day(account uint64) *day {
	d, ok := m.days[account]
	if !ok {
		d = &day{}
		if len(m.days) < maxAccounts {
			m.days[account] = d
		}
	}
	return d
}

// buckets are the token buckets of one quota, by account or recipient.
type buckets struct {
	quota  *Quota // nil for no limit
	rate   float64
	max    int
	by     map[uint64]bucket
	swept  time.Time
	window time.Duration // or 0 where tokens come bit by bit
}

// bucket holds tokens, as of a time. It may owe some.
type bucket struct {
	tokens float64
	at     time.Time // or the window's start
}

func newBuckets(q *Quota, limit int) buckets {
	b := buckets{quota: q, max: limit, by: map[uint64]bucket{}}
	if q != nil {
		b.rate = q.Limit / q.per().Seconds()
		if q.Window {
			b.window = q.per()
		}
	}
	return b
}

// get brings a bucket up to a time. A new one is full.
func (b *buckets) get(key uint64, at time.Time) bucket {
	full := b.quota.burst()
	k, ok := b.by[key]
	if !ok {
		return bucket{full, at}
	}
	since := at.Sub(k.at)
	switch {
	case since <= 0: // calls overtake each other
	case b.window == 0:
		k.tokens, k.at = min(full, k.tokens+b.rate*since.Seconds()), at
	case since >= b.window:
		// What is owed is paid from the windows that passed.
		passed := since / b.window
		k.tokens = min(full, k.tokens+float64(passed)*b.quota.Limit)
		k.at = k.at.Add(passed * b.window)
		if k.tokens >= full { // an idle account's next window begins with its next use
			k.at = at
		}
	}
	return k
}

// tokenSlack makes up for what sums of floating point numbers lack.
const tokenSlack = 1e-6

// take takes tokens when there is at least one, or all that are asked for when
// those are fewer, and says how long it takes until there is one.
func (b *buckets) take(key uint64, n float64, at time.Time) (ok bool, wait time.Duration) {
	if b.quota == nil {
		return true, 0
	}
	k := b.get(key, at)
	if k.tokens < min(1, n)-tokenSlack {
		if b.window > 0 {
			return false, k.at.Add(b.window).Sub(at)
		}
		return false, time.Duration((1 - k.tokens) / b.rate * float64(time.Second))
	}
	k.tokens -= n
	b.put(key, k, at)
	return true, 0
}

// use takes tokens whether there are any or not.
func (b *buckets) use(key uint64, n float64, at time.Time) {
	if b.quota == nil {
		return
	}
	k := b.get(key, at)
	k.tokens -= n
	b.put(key, k, at)
}

// left says what is left of a quota.
func (b *buckets) left(key uint64, at time.Time) allowance {
	k := b.get(key, at)
	a := allowance{limit: b.quota.burst(), remaining: max(0, k.tokens)}
	if b.window > 0 {
		a.reset = k.at.Add(b.window).Sub(at)
	} else {
		a.reset = time.Duration((a.limit - k.tokens) / b.rate * float64(time.Second))
	}
	return a
}

// sweepEvery is the least time between two passes over a full table.
const sweepEvery = time.Second

// put keeps a bucket while there is room. Full ones are as good as new ones, and
// make room.
func (b *buckets) put(key uint64, k bucket, at time.Time) {
	if _, ok := b.by[key]; !ok && len(b.by) >= b.max {
		if at.Sub(b.swept) < sweepEvery {
			return
		}
		b.swept = at
		for other := range b.by {
			if b.get(other, at).tokens >= b.quota.burst() {
				delete(b.by, other)
			}
		}
		if len(b.by) >= b.max {
			return
		}
	}
	b.by[key] = k
}

// day counts what was used in the last 24 hours, by the minute.
type day struct {
	minutes [24 * 60]uint32
	latest  int64 // minute since 1970
	sum     uint64
}

// forward moves to a minute, and forgets what is a day old.
func (d *day) forward(at time.Time) {
	now := at.Unix() / 60
	if now-d.latest >= int64(len(d.minutes)) {
		*d = day{latest: now}
		return
	}
	for d.latest < now {
		d.latest++
		slot := &d.minutes[d.latest%int64(len(d.minutes))]
		d.sum -= uint64(*slot)
		*slot = 0
	}
}

func (d *day) used(at time.Time) uint64 {
	d.forward(at)
	return d.sum
}

func (d *day) use(n uint64, at time.Time) {
	d.forward(at)
	d.minutes[d.latest%int64(len(d.minutes))] += uint32(n)
	d.sum += n
}
