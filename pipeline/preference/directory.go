package preference

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Directory answers what users want, and what is wanted of an address whoever's
// it is: an opt-out also holds for a notification that brings the address along.
//
// What was last said of an address holds for it. Who opts out does so for the
// addresses named with it and for those known before; who opts in, for those
// named alone. An opt-out of an address outlives its user's erasure, as a hash
// that names nobody, or an erasure would start the mails again.
type Directory struct {
	*Service  // by user
	addresses *addresses
	// changing orders the changes of one user, by groups of users: each reads
	// what holds, and writes what follows.
	changing [stripes]sync.Mutex
}

// AddressOptions configure what is kept of addresses.
type AddressOptions struct {
	Key pipeline.IDKey // the secret that addresses are hashed under
	// Refresh is after how long an opt-out is noticed at the latest that another
	// process took and could not tell of; 300 s.
	Refresh time.Duration
	Log     *slog.Logger
}

// NewDirectory puts both together: the services of users and of addresses share
// the shards, and each has caches of its own, so that what one user gets does
// not push out another. Its error is the shards', or the bus's.
func NewDirectory(ctx context.Context, users, ofAddresses *Service, o AddressOptions) (*Directory, error) {
	if o.Refresh == 0 {
		o.Refresh = 300 * time.Second
	}
	a, err := openAddresses(ctx, ofAddresses, o.Key, o.Refresh, o.Log)
	if err != nil {
		return nil, err
	}
	return &Directory{Service: users, addresses: a}, nil
}

// Close ends the upkeep of what is known of addresses. The services stay open.
func (d *Directory) Close() { d.addresses.close() }

// LookupAddresses says what is wanted of addresses, one preference each, in
// order; nil says that nothing was said of any of them, which is the usual
// answer and costs a hash each.
func (d *Directory) LookupAddresses(ctx context.Context, recipients []pipeline.Recipient) ([]pipeline.Preference, error) {
	return d.addresses.lookup(ctx, recipients)
}

// lock keeps other changes of users out until unlock.
func (d *Directory) lock(users ...string) (unlock func()) {
	var groups []uint64
	for _, user := range users {
		groups = append(groups, stripe(user))
	}
	slices.Sort(groups) // so that two never wait for each other
	groups = slices.Compact(groups)
	for _, g := range groups {
		d.changing[g].Lock()
	}
	return func() {
		for _, g := range groups {
			d.changing[g].Unlock()
		}
	}
}

// Put sets preferences, as [Service.Put], and what they say of addresses. It
// opts out of addresses before, and into them after the preferences are durable,
// so that what is cut off errs on the side of silence and may be repeated.
func (d *Directory) Put(ctx context.Context, preferences []pipeline.Preference) error {
	users := make([]string, len(preferences))
	for i := range preferences {
		users[i] = preferences[i].UserID
	}
	defer d.lock(users...)()
	return d.put(ctx, preferences)
}

func (d *Directory) put(ctx context.Context, preferences []pipeline.Preference) error {
	out, in, err := d.said(ctx, preferences)
	if err != nil {
		return err
	}
	if err := d.addresses.put(ctx, out); err != nil {
		return err
	}
	if err := d.Service.Put(ctx, preferences); err != nil {
		return err
	}
	return d.addresses.put(ctx, in)
}

// said gives the rows of addresses that preferences change: those by which
// something is not wanted any more, and the others.
func (d *Directory) said(ctx context.Context, preferences []pipeline.Preference) (out, in []pipeline.Preference, err error) {
	keys := make([]pipeline.PreferenceKey, len(preferences))
	for i := range preferences {
		keys[i] = preferences[i].PreferenceKey
	}
	before, err := d.shards.Read(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	wanted := map[pipeline.PreferenceKey]pipeline.Preference{}
	named := map[pipeline.PreferenceKey]bool{}
	for i, p := range preferences {
		for _, address := range slices.Concat(before[i].Addresses, p.Addresses) {
			key := d.addressKey(p.Channel, address)
			wanted[key] = pipeline.Preference{PreferenceKey: key, Transactional: p.Transactional, Promotional: p.Promotional}
			named[key] = slices.Contains(p.Addresses, address)
		}
	}
	if len(wanted) == 0 {
		return nil, nil, nil
	}
	keys = keys[:0]
	for key := range wanted {
		keys = append(keys, key)
	}
	held, err := d.shards.Read(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	for _, old := range held {
		row := wanted[old.PreferenceKey]
		if !named[old.PreferenceKey] { // known before: nobody opts into it
			row.Transactional = row.Transactional && old.Transactional
			row.Promotional = row.Promotional && old.Promotional
		}
		switch {
		case row.Transactional == old.Transactional && row.Promotional == old.Promotional:
		case !row.Transactional && old.Transactional || !row.Promotional && old.Promotional:
			out = append(out, row)
		default:
			in = append(in, row)
		}
	}
	return out, in, nil
}

func (d *Directory) addressKey(c pipeline.Channel, address string) pipeline.PreferenceKey {
	return d.addresses.key.AddressHash(pipeline.Recipient{Channel: c, Address: address}).Key(c)
}
