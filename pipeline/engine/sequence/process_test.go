package sequence

import (
	"errors"
	"fmt"
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
)

// errCrashed is what a dead process gets of everything, not that it could look.
var errCrashed = errors.New("the process is dead")

// fault is what happens to a process between two steps.
type fault uint8

const (
	nothing fault = iota
	crash         // the process is dead from here on
	away          // the store gives an error, and what it did stays done
)

// process is a process as the stores in memory see it. Whatever it has them
// change is a step, with a boundary before and one after it.
type process struct {
	mu   sync.Mutex
	dead bool
	// boundary says what happens at the next boundary; nil is nothing.
	boundary func(name string) fault
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

// pass goes over a boundary; unknown is the error by which a store is away
// there.
func (p *process) pass(name string, unknown error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errCrashed
	}
	if p.boundary == nil {
		return nil
	}
	switch p.boundary(name) {
	case crash:
		p.dead = true
		return errCrashed
	case away:
		return fmt.Errorf("%w: %s", unknown, name)
	}
	return nil
}

// step changes something that is durable, all of it or nothing. After it an
// error of the store is the unknown one: it may be done.
func (p *process) step(name string, unknown error, change func() error) error {
	if err := p.pass("before "+name, pipeline.ErrUnavailable); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	return p.pass("after "+name, unknown)
}
