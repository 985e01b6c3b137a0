package main_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/api"
)

// fleet is processes of an installation that share its work, and the mock
// providers that they send to.
type fleet struct {
	*installation
	mock *process

	mu       sync.Mutex
	gateways []*process // those that clients ask
	workers  []*process
	started  int
}

// newFleet starts the mock providers for an installation.
func newFleet(t *testing.T, i *installation) *fleet {
	t.Helper()
	return &fleet{installation: i, mock: startProcess(t, "mock", "--listen", "127.0.0.1:0")}
}

// launch starts a process of a role and does not wait for it.
func (f *fleet) launch(t *testing.T, role string) *process {
	t.Helper()
	f.mu.Lock()
	f.started++
	name := fmt.Sprintf("%s-%d", role, f.started)
	f.mu.Unlock()
	return launchProcess(t, name, append([]string{"serve", "--role", role, "--providers", f.mock.url}, f.flags()...)...)
}

// join waits until processes serve, and has clients ask those that are gateways.
func (f *fleet) join(t *testing.T, gateways, workers []*process) {
	t.Helper()
	for _, p := range slices.Concat(gateways, workers) {
		p.await(t)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gateways = append(f.gateways, gateways...)
	f.workers = append(f.workers, workers...)
}

// start starts gateways and workers, all at once, and waits until they serve.
func (f *fleet) start(t *testing.T, gateways, workers int) {
	t.Helper()
	var started [2][]*process
	for range gateways {
		started[0] = append(started[0], f.launch(t, "gateway"))
	}
	for range workers {
		started[1] = append(started[1], f.launch(t, "worker"))
	}
	f.join(t, started[0], started[1])
}

// leave takes a process out of the fleet before it is ended or killed: the
// clients ask it no more.
func (f *fleet) leave(p *process) *process {
	f.mu.Lock()
	defer f.mu.Unlock()
	is := func(q *process) bool { return q == p }
	f.gateways, f.workers = slices.DeleteFunc(f.gateways, is), slices.DeleteFunc(f.workers, is)
	return p
}

// gateway gives the address for the nth call of clients that go round all
// gateways; empty while there is none.
func (f *fleet) gateway(n int64) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.gateways) == 0 {
		return ""
	}
	return f.gateways[n%int64(len(f.gateways))].url
}

// any gives the address of a process, whichever it is.
func (f *fleet) any() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Concat(f.gateways, f.workers)[0].url
}

// status asks one of the processes for its view of the whole.
func (f *fleet) status(ctx context.Context) (api.Status, error) {
	c, err := api.NewClient(f.any(), api.ClientOptions{})
	if err != nil {
		return api.Status{}, err
	}
	defer c.Close()
	return c.Status(ctx)
}
