package provider

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// maxSendTime is how long after its beginning a send makes further calls. Who
// waits for it, a worker or a shutdown, waits for that and the last call at
// most, however slow the provider is; what had no call is kept for another
// attempt.
const maxSendTime = 30 * time.Second

// errTooSlow is why there is no call after [maxSendTime].
var errTooSlow = errors.New("the provider is too slow for the whole batch")

// errTooManyRefused is why there is no call after [maxSplitCalls].
var errTooManyRefused = errors.New("the provider refused too many parts of the batch")

const (
	// maxSplitCalls bounds what the splitting of a refused batch may take. A
	// batch of 1000 with one guilty message takes at most 21 calls, and 3 where
	// the provider names it; beyond the bound something else is wrong, and the
	// rest is kept for another attempt.
	maxSplitCalls = 64
	// maxNamed is how many messages that a provider named are tried alone at
	// once; when it named more, halving is as good.
	maxNamed = 8
)

// splitter sends a batch by calls that a provider may refuse as a whole, until
// only the messages that it refuses alone are left.
type splitter struct {
	// call sends the messages of a part and answers each of them; or says that
	// the call was refused for what is in it, and answers none. A provider that
	// names the guilty gives their places in the part. A part of one is always
	// answered.
	call    func(ctx context.Context, part []int) (refused bool, named []int)
	answers []pipeline.Answer
	began   time.Time // of the send
	calls   int       // for the batch
}

func (s *splitter) send(ctx context.Context, part []int) {
	if why := s.exhausted(ctx); why != nil {
		a := notSent(why)
		if s.calls > 0 { // a refused call was made with it
			a.Class = pipeline.Transient
		}
		answerAll(s.answers, part, a)
		return
	}
	s.calls++
	refused, named := s.call(ctx, part)
	if !refused {
		return
	}
	if len(part) == 1 {
		panic("BUG: a call of one message was refused without an answer")
	}
	if len(named) == 0 || len(named) > maxNamed || len(named) == len(part) {
		s.halve(ctx, part)
		return
	}
	// Naming is not believed: the named are tried alone. Were they all guilty,
	// the rest is sent as one; else whoever names is mistaken.
	rest, guilty := make([]int, 0, len(part)-len(named)), true
	for at, i := range part {
		if !slices.Contains(named, at) {
			rest = append(rest, i)
			continue
		}
		s.send(ctx, part[at:at+1])
		guilty = guilty && s.answers[i].Class == pipeline.Permanent
	}
	if guilty || len(rest) == 1 {
		s.send(ctx, rest)
	} else {
		s.halve(ctx, rest)
	}
}

func (s *splitter) halve(ctx context.Context, part []int) {
	half := len(part) / 2
	s.send(ctx, part[:half])
	s.send(ctx, part[half:])
}

// exhausted says why no further call is made, or nothing.
func (s *splitter) exhausted(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case s.calls >= maxSplitCalls:
		return errTooManyRefused
	case time.Since(s.began) > maxSendTime:
		return errTooSlow
	}
	return nil
}

// chunks gives the places of n messages, at most size at a time.
func chunks(n, size int) iter.Seq[[]int] {
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	return slices.Chunk(places, size)
}
