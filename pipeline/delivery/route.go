package delivery

import (
	"context"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Sender hands messages to one provider.
type Sender interface {
	// Name is the provider's, as the catalog has it.
	Name() string
	// MaxBatch is the most messages that are worth one Send.
	MaxBatch() int
	// Send gives one answer a message, in the same order. It takes any number
	// and makes as many calls of them as the provider's limits ask for, in
	// messages and in bytes. It ends within its own time limits, whatever the
	// provider does.
	Send(ctx context.Context, messages []pipeline.Message) []pipeline.Answer
}

// Provider is a provider as one channel uses it.
type Provider struct {
	Sender
	// Address picks, from a user's addresses with the preferred first, the one
	// that the provider takes; empty is none. nil takes the first of any.
	Address func(addresses []string) string
	// Quota is how much it takes a second; 0 is no bound.
	Quota float64
	// Weight is how much of the quota a message takes; nil is 1.
	Weight func(m *pipeline.Message) int
}

// Route is how the notifications of one channel are sent. A batch is cut for
// the primary.
type Route struct {
	Primary Provider
	// Backup takes over while the primary's circuit breaker is open, and gets
	// what only it has an address for. Without a Sender there is none.
	Backup  Provider
	Workers int // batches in flight at most, at least 1, until SetWorkers says otherwise
	Batch   int // notifications in one at most; 0 is as many as the primary takes
}

// address picks the address that the provider takes.
func (p *Provider) address(addresses []string) string {
	switch {
	case p.Address != nil:
		return p.Address(addresses)
	case len(addresses) > 0:
		return addresses[0]
	}
	return ""
}
