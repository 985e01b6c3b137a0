package preference

import (
	"context"
	"slices"

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
	*Service // by user
	// addresses has rows of the same shards, under keys that are no users', and
	// a cache of its own: what one user gets must not push out another.
	addresses *Service
	key       pipeline.IDKey
}

// NewDirectory puts both together. The services share the shards; key is the
// secret that addresses are hashed under.
func NewDirectory(users, addresses *Service, key pipeline.IDKey) *Directory {
	return &Directory{Service: users, addresses: addresses, key: key}
}

// LookupAddresses says what is wanted of addresses, one preference each, in
// order.
func (d *Directory) LookupAddresses(ctx context.Context, recipients []pipeline.Recipient) ([]pipeline.Preference, error) {
	keys := make([]pipeline.PreferenceKey, len(recipients))
	for i, r := range recipients {
		keys[i] = d.key.AddressKey(r.Channel, r.Address)
	}
	return d.addresses.Lookup(ctx, keys)
}

// Put sets preferences, as [Service.Put], and what they say of addresses. It
// opts out of addresses before, and into them after the preferences are durable,
// so that what is cut off errs on the side of silence and may be repeated.
func (d *Directory) Put(ctx context.Context, preferences []pipeline.Preference) error {
	out, in, err := d.said(ctx, preferences)
	if err != nil {
		return err
	}
	if err := d.addresses.Put(ctx, out); err != nil {
		return err
	}
	if err := d.Service.Put(ctx, preferences); err != nil {
		return err
	}
	return d.addresses.Put(ctx, in)
}

// said gives the rows of addresses that preferences change: those by which
// something is not wanted any more, and the others.
func (d *Directory) said(ctx context.Context, preferences []pipeline.Preference) (out, in []pipeline.Preference, err error) {
	keys := make([]pipeline.PreferenceKey, len(preferences))
	for i := range preferences {
		keys[i] = preferences[i].PreferenceKey
	}
	before, err := d.Service.readStore(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	wanted := map[pipeline.PreferenceKey]pipeline.Preference{}
	named := map[pipeline.PreferenceKey]bool{}
	for i, p := range preferences {
		for _, address := range slices.Concat(before[i].Addresses, p.Addresses) {
			key := d.key.AddressKey(p.Channel, address)
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
	held, err := d.addresses.readStore(ctx, keys)
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
