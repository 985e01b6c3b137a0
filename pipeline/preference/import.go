package preference

import (
	"context"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Import sets the preferences of many users and returns when they are durable
// and every later lookup sees them, as Put does, but caches them in this process
// alone: it is for filling the store with a population before it is used. It
// says nothing of addresses by themselves: an opt-out of one goes on holding. It
// may be repeated; of several users some may be set when it fails.
func (s *Service) Import(ctx context.Context, preferences []pipeline.Preference) error {
	keys := make([]pipeline.PreferenceKey, len(preferences))
	for i := range preferences {
		keys[i] = preferences[i].PreferenceKey
	}
	defer s.changes.begin(keys)()
	// Below the versions that are being written, so that the caches take those in
	// as soon as somebody asks for them.
	before := time.Now().UnixMicro() - 1
	err := s.shards.Write(ctx, preferences)
	// Also after an error: some may have been written.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTimeout)
	defer cancel()
	if s.local {
		s.renew(ctx, keys)
	} else {
		s.refresh.Lock()
		s.forget(ctx, keys, before)
		s.refresh.Unlock()
	}
	s.tell(ctx, keys)
	return err
}
