package preference

import (
	"context"
	"errors"
	"slices"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Retract takes addresses that are gone out of their users' preferences. Where
// the recipient opted out at the provider, the address gets nothing more,
// whoever sends to it, and neither does the user whose address it is. It may be
// repeated; what is not there any more is no error. Of several retractions some
// may be done when it fails.
func (d *Directory) Retract(ctx context.Context, retractions []pipeline.Retraction) error {
	var errs []error
	for i := range retractions {
		errs = append(errs, d.retract(ctx, &retractions[i]))
	}
	return errors.Join(errs...)
}

func (d *Directory) retract(ctx context.Context, r *pipeline.Retraction) error {
	defer d.lock(r.UserID)()
	if r.OptedOut {
		row := pipeline.Preference{PreferenceKey: d.addressKey(r.Channel, r.Address)}
		if err := d.addresses.put(ctx, []pipeline.Preference{row}); err != nil {
			return err
		}
	}
	read, err := d.shards.Read(ctx, []pipeline.PreferenceKey{r.PreferenceKey})
	if err != nil {
		return err
	}
	p := *read[0]
	at := slices.Index(p.Addresses, r.Address)
	if at < 0 {
		return nil
	}
	if r.OptedOut {
		p.Transactional, p.Promotional = false, false
		return d.put(ctx, []pipeline.Preference{p})
	}
	p.Addresses = slices.Delete(slices.Clone(p.Addresses), at, at+1)
	return d.Service.Put(ctx, []pipeline.Preference{p})
}
