package preference

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/bloom"
)

// filterRoom is for how many addresses there is room at least.
const filterRoom = 1024

// newFilter makes a filter for so many addresses, and as many again.
func newFilter(addresses int) *bloom.Filter { return bloom.New(2 * max(addresses, filterRoom)) }

// addresses answers what is wanted of addresses. Something was said of few: a
// filter in memory answers for the others. An address is added to it before
// its row can be found, and again after, as the filter may be made anew
// meanwhile; it is added by other processes' messages too. As those may be lost,
// the filter is made anew from the rows now and then.
type addresses struct {
	*Service // has rows of the same shards, under keys that are no users'
	key      pipeline.IDKey
	log      *slog.Logger

	filter atomic.Pointer[bloom.Filter]
	// adding is held to add, or to change which filters are added to.
	adding sync.Mutex
	next   *bloom.Filter // being made, or nil

	unhear  func()
	remake  chan struct{}
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// openAddresses reads which addresses something was said of.
func openAddresses(ctx context.Context, service *Service, key pipeline.IDKey, every time.Duration, log *slog.Logger) (*addresses, error) {
	a := &addresses{Service: service, key: key, log: log, unhear: func() {}, remake: make(chan struct{}, 1)}
	a.filter.Store(newFilter(0))
	if service.bus != nil { // before the rows are read, so that no change falls between
		stop, err := service.bus.Subscribe(ctx, pipeline.Listener{Heard: a.heard, Missed: a.missed})
		if err != nil {
			return nil, err
		}
		a.unhear = stop
	}
	if err := a.load(ctx); err != nil {
		a.unhear()
		return nil, err
	}
	upkeep, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.running.Go(func() { a.upkeep(upkeep, every) })
	return a, nil
}

func (a *addresses) close() {
	a.unhear()
	a.cancel()
	a.running.Wait()
}

// load makes the filter anew from the rows.
func (a *addresses) load(ctx context.Context) error {
	defer a.setNext(nil)
	for room := a.filter.Load().Added(); ; {
		made := newFilter(room)
		a.setNext(made)
		err := a.shards.ScanAddresses(ctx, func(p pipeline.Preference) {
			if h, ok := p.AddressHash(); ok && (!p.Transactional || !p.Promotional) {
				made.Add(h)
			}
		})
		if err != nil {
			return err
		}
		if room = made.Added(); !made.IsFull() {
			a.filter.Store(made)
			return nil
		}
	}
}

func (a *addresses) setNext(f *bloom.Filter) {
	a.adding.Lock()
	defer a.adding.Unlock()
	a.next = f
}

// upkeep makes the filter anew at intervals, and when messages may be lost.
func (a *addresses) upkeep(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-a.remake:
		case <-ctx.Done():
			return
		}
		if err := a.load(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("opt-outs of addresses that other processes took may be overlooked: the addresses cannot be read", slog.Any("error", err))
		}
	}
}

// add makes keys of addresses known as ones that something was said of.
func (a *addresses) add(keys ...pipeline.PreferenceKey) {
	a.adding.Lock()
	defer a.adding.Unlock()
	for _, key := range keys {
		if h, ok := key.AddressHash(); ok {
			a.filter.Load().Add(h)
			if a.next != nil {
				a.next.Add(h)
			}
		}
	}
	if a.filter.Load().IsFull() {
		a.missed() // for a larger one
	}
}

func (a *addresses) heard(invalidations []pipeline.Invalidation) {
	for _, i := range invalidations {
		if i.Subject == pipeline.SubjectAddresses {
			a.add(pipeline.PreferenceKey{UserID: i.UserID})
		}
	}
}

func (a *addresses) missed() {
	select {
	case a.remake <- struct{}{}:
	default: // it is to be made anew already
	}
}

// lookup says what is wanted of addresses, one preference each, in order; nil
// says that nothing was said of any of them.
func (a *addresses) lookup(ctx context.Context, recipients []pipeline.Recipient) ([]pipeline.Preference, error) {
	f := a.filter.Load()
	if f.IsEmpty() {
		return nil, nil
	}
	var keys []pipeline.PreferenceKey
	var at []int
	for i, r := range recipients {
		if h := a.key.AddressHash(r); f.MayHave(h) {
			keys, at = append(keys, h.Key(r.Channel)), append(at, i)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	known := make([]pipeline.Preference, len(keys))
	if err := a.Lookup(ctx, keys, known); err != nil {
		return nil, err
	}
	out := make([]pipeline.Preference, len(recipients))
	for i := range out {
		out[i] = pipeline.DefaultPreference(pipeline.PreferenceKey{})
	}
	for i, p := range known {
		out[at[i]] = p
	}
	return out, nil
}

// put sets what is wanted of addresses.
func (a *addresses) put(ctx context.Context, rows []pipeline.Preference) error {
	keys := make([]pipeline.PreferenceKey, len(rows))
	for i := range rows {
		keys[i] = rows[i].PreferenceKey
	}
	a.add(keys...)
	err := a.Put(ctx, rows)
	a.add(keys...)
	return err
}
