package kafka

import "context"

// message is a record on its way to a partition.
type message struct {
	topic     string
	partition int32
	key       []byte
	value     []byte // an entry's binary form
}

// producer writes messages durably, each once.
type producer struct{}

// produce writes messages and returns when the end of each is known or given
// up: when ctx ends, or after 10 s when it has no deadline. It gives one error a
// message, in order: nil when it is durable, pipeline.ErrUnavailable when it was
// not written, pipeline.ErrAmbiguous when it may be. nil instead of a slice says
// that all are durable.
//
// The messages' memory is the producer's from here on.
func (p *producer) produce(ctx context.Context, messages []message) []error { panic("BUG: not yet") }
